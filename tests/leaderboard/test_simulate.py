"""A simulated event: all kinds of people and mishaps, and standings that do not mind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from kit.cli import main
from kit.errors import ConfigError
from kit.leaderboard.events import AnyRecord, Event, check
from kit.leaderboard.incremental import Incremental
from kit.leaderboard.rules import load_rules, rule_names
from kit.leaderboard.scoring import standings
from kit.leaderboard.simulate import Mix, simulate
from kit.leaderboard.simulate_names import name_of
from kit.leaderboard.simulate_play import play
from kit.leaderboard.store import Store
from tests.leaderboard.served import served

CALM = Mix(flapping=0, skewed=0, outages=0, repeated=0)


@pytest.mark.parametrize("name", rule_names())
def test_the_rules_know_every_record_of_their_simulated_event(name: str) -> None:
    rules = load_rules(name)
    arrivals = simulate(rules, people=20)
    for arrival in arrivals:
        check(arrival.record, rules)
    board = standings(rules, [arrival.record for arrival in arrivals])
    assert len(board.rows) == 20
    assert {exercise for row in board.rows for exercise in row.finished} == {
        exercise.id for exercise in rules.exercises
    }


def test_the_same_seed_gives_the_same_event_and_another_one_another() -> None:
    rules = load_rules("original")
    assert simulate(rules, people=9, seed=4) == simulate(rules, people=9, seed=4)
    assert simulate(rules, people=9, seed=4) != simulate(rules, people=9, seed=5)


def test_some_records_are_late_some_come_twice_and_some_clocks_are_wrong() -> None:
    arrivals = simulate(load_rules("kubernetes"))
    times = [arrival.record.at_ms for arrival in arrivals]
    assert times != sorted(times)
    assert max(Counter(arrival.record.id for arrival in arrivals).values()) == 2
    late = [a.arrives_ms - a.record.at_ms for a in arrivals]
    assert max(late) > 60_000
    assert min(late) < 0
    assert [a.arrives_ms for a in arrivals] == sorted(a.arrives_ms for a in arrivals)
    values = {a.record.value for a in arrivals if isinstance(a.record, Event)}
    assert values == {0.0, 1.0}


def test_mishaps_on_the_way_do_not_change_the_final_board() -> None:
    rules = load_rules("kubernetes")
    arrivals = simulate(rules, mix=Mix(skewed=0))
    in_time = sorted({a.record.id: a.record for a in arrivals}.values(), key=lambda r: r.at_ms)
    assert standings(rules, [a.record for a in arrivals]) == standings(rules, in_time)


def test_a_calm_event_has_nothing_late_nothing_twice_and_nothing_undone() -> None:
    arrivals = simulate(load_rules("kubernetes"), people=30, mix=CALM)
    assert len({a.record.id for a in arrivals}) == len(arrivals)
    assert all(a.record.value == 1 for a in arrivals if isinstance(a.record, Event))
    assert all(a.arrives_ms > a.record.at_ms for a in arrivals)


def test_standings_follow_a_whole_event_as_it_arrives() -> None:
    rules = load_rules("kubernetes")
    engine, known = Incremental(rules), []
    for number, arrival in enumerate(simulate(rules, people=24)):
        engine.apply(arrival.record)
        known.append(arrival.record)
        if number % 50 == 0:
            at_s = arrival.arrives_ms / 1000
            assert engine.standings(at_s) == standings(rules, known, at_s)
    assert engine.standings() == standings(rules, known)


def test_a_whole_event_in_the_store_comes_out_as_it_went_in() -> None:
    rules = load_rules("kubernetes")
    arrivals = [arrival.record for arrival in simulate(rules, people=24)]
    with Store.open() as store:
        told = store.append(arrivals)
        kept = [stored.record for stored in store.read()]
    assert len(told.accepted) + len(told.duplicates) == len(arrivals)
    assert len(told.duplicates) > 0
    assert standings(rules, kept) == standings(rules, arrivals)


def test_an_event_is_played_at_any_speed() -> None:
    """A clock that only moves when somebody waits: no second of the test is spent."""
    now_s, handed = 0.0, []

    def wait(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    def take(records: Sequence[AnyRecord]) -> None:
        handed.extend((now_s, record) for record in records)

    arrivals = simulate(load_rules("original"), people=10)
    assert play(arrivals, take, speed=60, clock=lambda: now_s, wait=wait) == len(arrivals)
    assert [record for _, record in handed] == [arrival.record for arrival in arrivals]
    for (when_s, _), arrival in zip(handed, arrivals, strict=True):
        assert 0 <= when_s - arrival.arrives_ms / 60_000 <= 0.2


def test_what_is_due_already_is_handed_over_at_once() -> None:
    arrivals = simulate(load_rules("original"), people=10)
    handed: list[int] = []
    never: list[float] = []

    def wait(seconds: float) -> None:
        never.extend([seconds] if seconds else [])

    def take(records: Sequence[AnyRecord]) -> None:
        handed.append(len(records))

    play(arrivals, take, speed=1, begun_s=-20_000, clock=lambda: 0.0, wait=wait)
    assert (handed, never) == ([len(arrivals)], [])


def test_a_running_service_comes_to_the_board_of_the_simulated_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = load_rules("original")
    arrivals = [arrival.record for arrival in simulate(rules, people=12, seed=3)]
    there = standings(rules, [record for record in arrivals if isinstance(record, Event)])
    wanted = {row.user: row.score for row in there.rows}
    with served(tmp_path, started_s=9500) as service:
        monkeypatch.setenv(
            "KIT_LEADERBOARD_ORGANISER_TOKEN", service.organiser["Authorization"][7:]
        )
        size = ["--people", "12", "--seed", "3"]
        with pytest.raises(SystemExit) as end:
            main(["leaderboard", "simulate", *size, "--post", service.url, "--json"])
        assert end.value.code == 0, capsys.readouterr().err
        service.until(lambda: len(service.places()) == len(wanted))
        scores = {user: row["score"] for user, row in service.places().items()}
        assert scores == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("token", "told"), [(None, "ORGANISER_TOKEN"), ("x", "does not tell")])
def test_a_service_that_cannot_be_asked_is_told(
    token: str | None,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("KIT_LEADERBOARD_ORGANISER_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("KIT_LEADERBOARD_ORGANISER_TOKEN", token)
    with pytest.raises(SystemExit) as end:
        main(["leaderboard", "simulate", "--post", "http://127.0.0.1:9/", "--json"])
    assert end.value.code == 1
    assert told in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize(("people", "seed"), [(0, 1), (2_000_000, 1), (5, -1)])
def test_an_event_that_cannot_be_is_refused(people: int, seed: int) -> None:
    with pytest.raises(ConfigError, match="cannot be simulated"):
        simulate(load_rules("original"), people=people, seed=seed)


def test_a_speed_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="speed"):
        play([], lambda _: None, speed=0)


def test_names_are_different_for_a_thousand_people() -> None:
    assert len({name_of(number) for number in range(1000)}) == 1000


def test_the_command_writes_a_log_that_can_be_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "deep" / "log.jsonl"
    with pytest.raises(SystemExit) as end:
        main(["leaderboard", "simulate", "--people", "12", "--out", str(log), "--json"])
    assert end.value.code == 0
    assert json.loads(capsys.readouterr().out)["records"] == len(log.read_text().splitlines())
    with pytest.raises(SystemExit):
        main(["leaderboard", "replay", "--events", str(log), "--json"])
    assert len(json.loads(capsys.readouterr().out)["standings"]) == 12


def test_without_a_file_the_log_goes_to_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["leaderboard", "simulate", "--people", "1"])
    assert all(json.loads(line)["user"] for line in capsys.readouterr().out.splitlines())
