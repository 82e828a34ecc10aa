"""What follows from what the organiser did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from kit.errors import ConfigError
from kit.leaderboard.desk import (
    Deed,
    Desk,
    Entry,
    Moment,
    Phase,
    check_deed,
    fold,
    from_epoch_ms,
    moment,
    to_epoch_ms,
)
from kit.leaderboard.desk_store import DeskStore
from kit.leaderboard.rules import Exercise, Rules

START_MS = 1_790_000_000_000
RULES = Rules(name="r", duration_s=100, exercises=(Exercise(id="hero"),), rewarded=3)
FREEZING = RULES.model_copy(update={"freeze_s": 20.0})


def entry(deed: Deed, at_s: float = 0, value: int = 0, about: str = "") -> Entry:
    at_ms = START_MS + round(at_s * 1000)
    return Entry(at_ms=at_ms, who="org", deed=deed, value=value, about=about)


def begun(*entries: Entry) -> Desk:
    return fold([entry(Deed.BEGIN, value=START_MS), *entries])


def at(seconds: float, *entries: Entry, rules: Rules = RULES) -> Moment:
    return moment(begun(*entries), rules, at_ms=START_MS + round(seconds * 1000))


def test_without_a_start_everybody_waits() -> None:
    here = moment(fold([]), RULES, at_ms=START_MS)
    assert (here.phase, here.now_ms, here.shown_ms, here.open) == (Phase.WAITING, None, 0, False)


def test_an_event_runs_from_its_start_to_its_end() -> None:
    phases = [at(seconds).phase for seconds in (-1, 0, 99.999, 100)]
    assert phases == [Phase.WAITING, Phase.RUNNING, Phase.RUNNING, Phase.ENDED]
    assert at(500).now_ms == 100_000
    assert at(500).elapsed_ms == 500_000


def test_the_organiser_ends_it_early_and_takes_that_back() -> None:
    end = entry(Deed.END, 40)
    assert at(50, end).phase is Phase.ENDED
    assert at(50, end).now_ms == 40_000
    assert at(50, end, entry(Deed.RESUME, 45)).phase is Phase.RUNNING


def test_a_frozen_board_shows_the_moment_at_which_it_froze_also_after_the_end() -> None:
    freeze = entry(Deed.FREEZE, 30)
    assert at(60, freeze).phase is Phase.FROZEN
    assert at(60, freeze).open
    assert at(60, freeze).shown_ms == 30_000
    assert at(200, freeze).phase is Phase.ENDED
    assert at(200, freeze).shown_ms == 30_000


def test_it_freezes_by_itself_where_the_rules_say_so_unless_it_is_thawed() -> None:
    assert at(79, rules=FREEZING).phase is Phase.RUNNING
    assert at(81, rules=FREEZING).shown_ms == 80_000
    assert at(90, entry(Deed.THAW, 85), rules=FREEZING).phase is Phase.RUNNING
    assert at(90, entry(Deed.FREEZE, 30), rules=FREEZING).shown_ms == 30_000


def test_an_event_that_ends_before_it_freezes_shows_its_end() -> None:
    assert at(99, entry(Deed.END, 40), rules=FREEZING).shown_ms == 40_000


def test_the_ceremony_shows_place_after_place_and_then_everything() -> None:
    opened = (entry(Deed.FREEZE, 30), entry(Deed.REVEAL, 110))
    assert at(120, *opened).phase is Phase.REVEALING
    assert at(120, *opened).revealed == 0
    assert at(120, *opened).shown_ms == 100_000
    two = (*opened, entry(Deed.REVEAL, 111, value=2))
    assert at(120, *two).revealed == 2
    assert at(120, *two, entry(Deed.REVEAL, 112, value=5)).phase is Phase.FINAL
    assert at(120, *two, entry(Deed.CONCEAL, 112)).phase is Phase.ENDED


def test_tokens_are_counted_for_each_participant() -> None:
    desk = begun(*(entry(Deed.TOKEN, about=who) for who in ("ada", "bob", "ada")))
    assert desk.generations == {"ada": 2, "bob": 1}


@pytest.mark.parametrize(
    ("seconds", "possible"),
    [
        (-5, {Deed.BEGIN, Deed.TOKEN}),
        (5, {Deed.END, Deed.FREEZE, Deed.TOKEN}),
        (105, {Deed.RESUME, Deed.REVEAL, Deed.TOKEN}),
    ],
)
def test_only_what_makes_sense_can_be_done(seconds: float, possible: set[Deed]) -> None:
    here = at(seconds)
    for deed in Deed:
        if deed in possible:
            check_deed(deed, here)
        else:
            with pytest.raises(ConfigError, match="not possible"):
                check_deed(deed, here)


def test_a_board_that_is_frozen_can_thaw_and_a_ceremony_can_begin_anew() -> None:
    check_deed(Deed.THAW, at(50, entry(Deed.FREEZE, 30)))
    check_deed(Deed.CONCEAL, at(150, entry(Deed.REVEAL, 110)))


def test_moments_keep_their_milliseconds_in_every_time_zone() -> None:
    paris = datetime(2026, 11, 25, 9, 0, 0, 123_000, tzinfo=timezone(timedelta(hours=1)))
    assert from_epoch_ms(to_epoch_ms(paris)) == paris
    assert to_epoch_ms(datetime(1970, 1, 1)) == 0  # noqa: DTZ001  # UTC without an offset
    assert from_epoch_ms(0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_entries_are_kept_in_their_order(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'event.db'}"
    store, other = DeskStore(url), DeskStore(url)
    told = [entry(Deed.BEGIN, value=START_MS), entry(Deed.FREEZE, 3), entry(Deed.TOKEN, about="é")]
    for each in told:
        store.append(each)
    assert other.read() == told
    assert other.count() == 3
    store.close()
    other.close()


def test_a_database_that_cannot_be_opened_is_told() -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        DeskStore("mysql://nowhere/x")
