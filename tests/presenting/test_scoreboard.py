"""Scores at a real leaderboard, and without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.presenting.kiosk import scoreboard
from kit.presenting.kiosk.scoreboard import Scoreboard
from tests.leaderboard.served import Served, served
from tests.ports import NOBODY, kept_port
from tests.waiting import PATIENCE_S

FLOWN: dict[str, Any] = {
    "stopped": True,
    "derailed": False,
    "stop_margin_m": 0.75,
    "brake_latency_ms": 260.0,
    "frames": 210,
    "dropped": 0,
    "duration_s": 21.0,
    "fps": 10.0,
    "latency_ms": {"p50": 30.0, "p95": 40.0, "p99": 50.0},
}


@pytest.fixture(autouse=True)
def _patiently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer for the leaderboard than a kiosk would."""
    monkeypatch.setattr(scoreboard, "TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(scoreboard, "PATIENCE_S", PATIENCE_S)


@pytest.fixture(scope="module")
def booth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("booth"), rules="booth", started_s=600) as service:
        yield service


def organised(service: Served) -> Settings:
    token = service.organiser["Authorization"].removeprefix("Bearer ")
    return Settings(leaderboard_url=service.url, leaderboard_organiser_token=SecretStr(token))


def test_a_mission_is_claimed_for_the_visitor_and_shown(booth: Served) -> None:
    board = Scoreboard(organised(booth))
    board.report("Ada", 60.0, FLOWN)
    assert board.trouble == ""
    booth.until(lambda: [row for row in board.best() if row["score"] >= 60.0])  # claim by claim
    assert [(row["name"], row["score"]) for row in board.best()] == [("Ada", 60.0)]


def test_a_name_that_somebody_else_has_gets_a_number(booth: Served) -> None:
    booth.add("Bob")
    board = Scoreboard(organised(booth))
    board.report("Bob", 60.0, FLOWN)
    board.report("Bob", 60.0, FLOWN)
    assert board.trouble == ""
    names = {row["name"] for row in booth.http.get("api/standings").json()["rows"]}
    assert {"Bob", "Bob 2"} <= names
    assert "Bob 3" not in names


def test_a_wrong_token_is_told_and_the_visit_goes_on(booth: Served) -> None:
    settings = organised(booth).model_copy(
        update={"leaderboard_organiser_token": SecretStr("wrong")}
    )
    board = Scoreboard(settings)
    board.report("Eve", 60.0, FLOWN)
    assert "KIT_LEADERBOARD_ORGANISER_TOKEN" in board.trouble


def test_a_leaderboard_that_is_away_is_told_and_the_kiosks_own_best_are_shown() -> None:
    board = Scoreboard(Settings(leaderboard_url=f"http://{NOBODY}"))
    board.report("Ada", 61.0, FLOWN)
    assert [row["name"] for row in board.best()] == ["Ada"]
    assert "does not answer" in board.trouble


def test_a_score_that_the_leaderboard_missed_is_reported_when_it_is_back(tmp_path: Path) -> None:
    port = kept_port()
    with served(tmp_path, rules="booth", started_s=600, port=port) as service:
        board = Scoreboard(organised(service))
    board.report("Ada", 60.0, FLOWN)
    assert board.told()["owed"] == 1
    with served(tmp_path, rules="booth", started_s=None, port=port) as service:
        best = service.until(lambda: [row for row in board.best() if row["score"] >= 60.0])
    assert [(row["name"], row["score"]) for row in best] == [("Ada", 60.0)]  # claim by claim
    assert board.told() == {"named": True, "trouble": "", "owed": 0}


def test_without_a_leaderboard_the_best_of_each_visitor_counts() -> None:
    board = Scoreboard(Settings())
    for name, total in (("Ada", 50.0), ("Bob", 70.0), ("Ada", 90.0), ("Bob", 10.0)):
        board.report(name, total, FLOWN)
    assert [(row["rank"], row["name"], row["score"]) for row in board.best()] == [
        (1, "Ada", 90.0),
        (2, "Bob", 70.0),
    ]
    assert board.trouble == ""
