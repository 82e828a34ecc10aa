"""What a page is told: places, gaps, lines, and nothing that is still covered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.leaderboard.board import GROUP_ROWS, LINES, ROWS, Extras, Kind, News, document
from kit.leaderboard.desk import Desk, Moment, Phase
from kit.leaderboard.events import Adjust, AnyRecord, Event, Join
from kit.leaderboard.rules import Exercise, Measure, Rules
from kit.leaderboard.scoring import standings

HERO = Exercise(id="hero", title="Hero", bonus=55, nominal_end_s=3300)
WIDE = Exercise(id="wide", bonus=10, nominal_end_s=100, environments=("dev", "prod"))
RULES = Rules(name="r", duration_s=9000, exercises=(HERO, WIDE), rewarded=3, brackets=("A", "B"))
DESK = Desk(starts_ms=1_790_000_000_000)


def finish(user: str, at_s: float, exercise: str = "hero", env: str = "") -> Event:
    return Event(at_ms=round(at_s * 1000), user=user, exercise=exercise, env=env)


def here(phase: Phase = Phase.RUNNING, now_s: float = 4000, **more: Any) -> Moment:
    facts = {"ends_ms": 9_000_000, "frozen_ms": None, "revealed": None} | more
    return Moment(phase=phase, elapsed_ms=round(now_s * 1000), **facts)


def build(
    *records: AnyRecord,
    at: Moment | None = None,
    rules: Rules = RULES,
    extras: Extras | None = None,
) -> dict[str, Any]:
    at = at or here()
    board = standings(rules, records, at.shown_ms / 1000)
    told = document(rules, DESK, at, board, extras=extras)
    return json.loads(json.dumps(told, allow_nan=False))


def test_rows_have_places_gaps_rates_and_finishes() -> None:
    told = build(finish("ada", 1800), finish("bob", 3300))
    ada, bob = told["rows"]
    assert (ada["rank"], ada["user"], ada["gap"], bob["rank"]) == (1, "ada", 0, 2)
    assert bob["gap"] == pytest.approx(10)  # one point for each five minutes, twice
    assert ada["rate"] == pytest.approx(1 / 300)
    assert ada["done"] == {"hero": {"at_s": 1800, "value": None}}
    assert told["people"] == 2


def test_a_page_that_counts_on_by_the_rate_comes_to_the_next_document() -> None:
    records = (finish("ada", 1800), finish("bob", 3300))
    first, later = build(*records), build(*records, at=here(now_s=4100))
    for one, two in zip(first["rows"], later["rows"], strict=True):
        assert one["score"] + 100 * one["rate"] == pytest.approx(two["score"])


@pytest.mark.parametrize("phase", [Phase.FROZEN, Phase.ENDED, Phase.FINAL])
def test_scores_that_stand_have_no_rate(phase: Phase) -> None:
    assert build(finish("ada", 1800), at=here(phase))["rows"][0]["rate"] == 0


def test_an_exercise_that_is_done_in_some_environments_is_told_as_a_share() -> None:
    told = build(finish("ada", 50, "wide", "dev"))
    assert told["rows"][0]["part"] == {"wide": 0.5}
    assert told["rows"][0]["done"] == {}


def test_a_line_goes_straight_up_at_each_finish_and_ends_at_the_score() -> None:
    records = [finish("ada", 1800), finish("ada", 2000, "wide", "dev")]
    records.append(finish("ada", 2400, "wide", "prod"))
    told = build(*records)
    (line,) = told["graph"]
    assert line["points"][:3] == [[0, 0], [1800, 0], [1800, 60]]
    assert line["points"][3][0] == line["points"][4][0] == 2400
    assert line["points"][-1] == [4000, pytest.approx(told["rows"][0]["score"], abs=1e-3)]


def test_points_that_an_organiser_gave_are_in_the_line_where_they_were_given() -> None:
    given = Adjust(at_ms=3_000_000, user="ada", points=7, who="org", why="well done")
    told = build(finish("ada", 1800), given, extras=Extras(turns_ms={"ada": 3_000_000}))
    (line,) = told["graph"]
    before, after = line["points"][-3:-1]
    assert (before[0], after[0]) == (3000, 3000)
    assert after[1] - before[1] == pytest.approx(7)


def test_measured_values_have_no_rate_and_keep_their_unit() -> None:
    measure = Measure(worst=0, best=1, points=10, unit="m")
    rules = Rules(name="m", duration_s=9000, exercises=(Exercise(id="margin", measure=measure),))
    event = Event(at_ms=1000, user="ada", exercise="margin", value=0.5)
    told = build(event, rules=rules)
    assert told["rows"][0]["rate"] == 0
    assert told["rows"][0]["done"]["margin"]["value"] == 0.5
    assert told["event"]["exercises"][0]["unit"] == "m"


def test_of_a_measured_exercise_the_best_value_is_told_and_not_the_first() -> None:
    measure = Measure(worst=500, best=50, points=10, unit="ms")
    rules = Rules(name="m", duration_s=9000, exercises=(Exercise(id="fast", measure=measure),))
    events = [
        Event(at_ms=at_ms, user=user, exercise="fast", value=value)
        for at_ms, user, value in (
            (1, "ada", 300),
            (2, "bob", 90),
            (3, "cleo", 90),
            (4, "bob", 400),
        )
    ]
    (best,) = build(*events, rules=rules)["firsts"]
    assert (best["user"], best["value"], best["at_s"]) == ("bob", 90, 0.002)


def test_moves_are_places_won_since_a_while_ago() -> None:
    extras = Extras(before={"ada": 5, "bob": 1})
    told = build(finish("ada", 1800), finish("bob", 3300), extras=extras)
    assert [row["move"] for row in told["rows"]] == [4, -1]


def test_brackets_and_teams_have_their_own_places() -> None:
    joins = [Join(at_ms=0, user=f"u{i}", bracket="AB"[i % 2], team=f"t{i % 3}") for i in range(40)]
    told = build(*joins, *(finish(f"u{i}", 1000 + i) for i in range(40)))
    assert [bracket["title"] for bracket in told["brackets"]] == ["A", "B"]
    for bracket in told["brackets"]:
        assert [row["rank"] for row in bracket["rows"]] == list(range(1, GROUP_ROWS + 1))
    assert [team["rank"] for team in told["teams"]] == [1, 2, 3]


def test_a_document_has_not_more_rows_and_lines_than_a_page_can_show() -> None:
    told = build(*(finish(f"u{i}", 1000 + i) for i in range(ROWS + 50)))
    assert (len(told["rows"]), told["people"]) == (ROWS, ROWS + 50)
    assert len(told["graph"]) == LINES


@pytest.mark.parametrize(("revealed", "seen"), [(0, []), (1, ["u2"]), (2, ["u1", "u2"])])
def test_in_the_ceremony_nothing_tells_who_is_still_covered(revealed: int, seen: list[str]) -> None:
    records = [finish(f"u{i}", 1000 + i) for i in range(5)]
    news = [News(1000, Kind.FIRST, "u0", "u0", "hero", 1)]
    at = here(Phase.REVEALING, 9001, revealed=revealed)
    told = build(*records, at=at, extras=Extras(news=news))
    assert [row["user"] for row in told["rows"]] == [*seen, "u3", "u4"]
    assert told["reveal"] == {"top": 3, "shown": revealed}
    hidden = {"u0", "u1", "u2"} - set(seen)
    assert not any(f'"{user}"' in json.dumps(told) for user in hidden)


def test_when_all_is_shown_everything_is_told() -> None:
    records = [finish(f"u{i}", 1000 + i) for i in range(5)]
    told = build(*records, at=here(Phase.FINAL, 9001, revealed=9))
    assert len(told["rows"]) == 5
    assert told["reveal"] == {"top": 3, "shown": 3}
    assert told["firsts"][0]["user"] == "u0"
