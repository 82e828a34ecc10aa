"""Tokens and the gate: who may come in, and as what."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.console.access import Role, Tokens, load_tokens, tokens_file
from kit.console.budget import Budget
from kit.console.gate import FAILURES, FAILURES_OF_ALL, FORGOTTEN_S, SIGNED_IN_S, Failures, Gate
from kit.errors import ConfigError

TOKENS = Tokens(viewer="a viewer's token", operator="an operator's token")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(keys_dir=tmp_path / "keys")


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_tokens_are_made_once_and_only_their_owner_can_read_them(settings: Settings) -> None:
    made = load_tokens(settings)
    assert made.viewer != made.operator
    assert load_tokens(settings) == made
    assert stat.S_IMODE(tokens_file(settings).stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens_file(settings).parent.stat().st_mode) == 0o700
    assert made.operator not in repr(made)


def test_settings_go_before_the_file(settings: Settings) -> None:
    chosen = settings.model_copy(update={"console_operator_token": SecretStr("chosen by hand")})
    tokens = load_tokens(chosen)
    assert tokens.operator == "chosen by hand"
    assert tokens.viewer == load_tokens(settings).viewer
    assert not tokens.chosen


@pytest.mark.parametrize(
    ("viewer", "operator", "fault"),
    [("short", "long enough, this", "too short"), ("one and the same",) * 2 + ("same token",)],
)
def test_tokens_that_protect_nothing_are_refused(viewer: str, operator: str, fault: str) -> None:
    settings = Settings(
        console_viewer_token=SecretStr(viewer), console_operator_token=SecretStr(operator)
    )
    with pytest.raises(ConfigError, match=fault):
        load_tokens(settings)


def test_a_file_that_others_can_read_is_refused_with_the_way_out(settings: Settings) -> None:
    load_tokens(settings)
    tokens_file(settings).chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_tokens(settings)


def test_a_broken_file_is_told_with_its_name(settings: Settings) -> None:
    load_tokens(settings)
    tokens_file(settings).write_text("{}")
    with pytest.raises(ConfigError, match=r"console\.json"):
        load_tokens(settings)


def test_where_no_file_can_be_kept_only_a_console_of_this_machine_does_without(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    settings = Settings(keys_dir=tmp_path / "file" / "below")
    assert load_tokens(settings, lasting=False).operator
    with pytest.raises(ConfigError, match="KIT_KEYS_DIR"):
        load_tokens(settings)


def test_each_token_gives_its_own_role_and_no_other_gives_any() -> None:
    assert TOKENS.role_of(TOKENS.viewer) is Role.VIEWER
    assert TOKENS.role_of(f" {TOKENS.operator}\n") is Role.OPERATOR
    for wrong in ("", "x", TOKENS.operator[:-1], TOKENS.operator + "x", "é" * 20):
        assert TOKENS.role_of(wrong) is None


def test_a_ticket_is_good_once() -> None:
    gate = Gate(TOKENS, open_to_viewers=True)
    ticket = gate.ticket
    assert ticket is not None
    assert not gate.spend("another")
    assert gate.spend(ticket)
    assert not gate.spend(ticket)
    assert gate.ticket is None


def test_a_cookie_says_who_somebody_is_even_to_a_console_that_started_again() -> None:
    cookie = Gate(TOKENS, open_to_viewers=False).cookie(Role.OPERATOR)
    assert Gate(TOKENS, open_to_viewers=False).role(cookie) is Role.OPERATOR


def test_a_cookie_that_was_changed_or_is_of_other_tokens_is_worth_nothing() -> None:
    gate = Gate(TOKENS, open_to_viewers=False)
    viewer = gate.cookie(Role.VIEWER)
    others = Gate(Tokens(viewer="x" * 20, operator="y" * 20), open_to_viewers=False)
    for cookie in (viewer.replace("viewer", "operator"), viewer[:-1], "", None):
        assert gate.role(cookie) is None
    assert others.role(viewer) is None


def test_a_cookie_lasts_for_a_day_of_a_show(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(TOKENS, open_to_viewers=True)
    now = time.time()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now)
    cookie = gate.cookie(Role.OPERATOR)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + SIGNED_IN_S - 10)
    assert gate.role(cookie) is Role.OPERATOR
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: now + SIGNED_IN_S + 10)
    assert gate.role(cookie) is Role.VIEWER


def test_who_sends_many_wrong_tokens_must_wait_and_nobody_else() -> None:
    clock = Clock()
    failures = Failures(clock=clock)
    for _ in range(FAILURES):
        assert failures.wait_s("here") == 0
        failures.note("here")
    assert failures.wait_s("here") == FORGOTTEN_S
    assert failures.wait_s("there") == 0
    clock.now += FORGOTTEN_S
    assert failures.wait_s("here") == 0


def test_many_addresses_together_must_wait_too() -> None:
    failures = Failures(clock=Clock())
    for number in range(FAILURES_OF_ALL):
        failures.note(f"address {number}")
    assert failures.wait_s("a new one") == FORGOTTEN_S


def test_a_budget_is_spent_and_fills_with_time() -> None:
    clock = Clock()
    budget = Budget(per_s=2, at_once=3, clock=clock)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [budget.take() for _ in range(2)] == [True, False]
    clock.now += 100
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
