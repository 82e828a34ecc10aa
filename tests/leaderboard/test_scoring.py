"""Scores by hand, and what must hold for every log there can be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.leaderboard import ranking
from kit.leaderboard.events import AnyRecord, parse
from kit.leaderboard.incremental import Incremental
from kit.leaderboard.rules import Rules, load_rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.standings import Standings
from tests.leaderboard.strategies import RULES, logs, moments

ORIGINAL = load_rules("original")
WHO = {"who": "olga", "why": "a reason"}


def finish(user: str, exercise: str, at_s: float, **more: Any) -> AnyRecord:
    return parse({"time": at_s, "user": user, "exercise": exercise, **more})


def rules(**fields: Any) -> Rules:
    """Rules of one exercise: 10 points at second 50, one a second less or more, 100 seconds."""
    exercise = {"id": "x", "bonus": 10, "nominal_end_s": 50, **fields}
    return Rules.model_validate(
        {"name": "one", "duration_s": 100, "step_s": 1, "exercises": [exercise]}
    )


def places(board: Standings) -> list[tuple[int, str, float]]:
    return [(row.rank, row.user, row.score) for row in board.rows]


# By hand: B + (T - done) / 5 minutes + (now - done) / 5 minutes, each finished exercise.
@pytest.mark.parametrize(
    ("exercise", "done_min", "now_min", "score"),
    [
        ("hero", 55, 55, 55 + 0 + 0),
        ("hero", 30, 30, 55 + 5 + 0),
        ("hero", 30, 150, 55 + 5 + 24),
        ("hero", 150, 150, 55 - 19 + 0),
        ("villain", 85, 90, 25 + 0 + 1),
        ("villain", 60, 150, 25 + 5 + 18),
        ("fight", 130, 150, 29 + 0 + 4),
        ("fight", 120, 121, 29 + 2 + 0.2),
    ],
)
def test_the_originals_formula(exercise: str, done_min: int, now_min: int, score: float) -> None:
    board = standings(ORIGINAL, [finish("ada", exercise, done_min * 60)], now_min * 60)
    assert places(board) == [(1, "ada", score)]


def test_all_three_exercises_add_up_and_each_says_what_it_brought() -> None:
    log = [
        finish("ada", name, at * 60)
        for name, at in zip(("hero", "villain", "fight"), (20, 60, 100), strict=True)
    ]
    (row,) = standings(ORIGINAL, log, 150 * 60).rows
    assert [(f.exercise, f.bonus, f.accelerator) for f in row.finishes] == [
        ("hero", 62.0, 26.0),
        ("villain", 30.0, 18.0),
        ("fight", 35.0, 10.0),
    ]
    assert row.score == 181.0


def test_one_millisecond_decides() -> None:
    log = [finish("ada", "hero", 1800.001), finish("bob", "hero", 1800)]
    board = standings(ORIGINAL, log)
    assert [row.user for row in board.rows] == ["bob", "ada"]
    assert board.rows[0].score - board.rows[1].score == pytest.approx(2 / 300_000)
    assert board.firsts == {"hero": ("bob", 1_800_000)}


def test_who_was_behind_can_take_the_lead() -> None:
    log = [
        *(finish("early", name, at * 60) for name, at in (("hero", 20), ("villain", 70))),
        *(finish("late", name, at * 60) for name, at in (("hero", 35), ("villain", 40))),
    ]
    leaders = [standings(ORIGINAL, log, minute * 60).rows[0].user for minute in (30, 50, 75, 150)]
    assert leaders == ["early", "late", "late", "late"]


def test_time_stands_still_after_the_end() -> None:
    log = [finish("ada", "hero", 1800), finish("bob", "hero", 9000.001)]
    assert standings(ORIGINAL, log, 9000).rows[0].score == 84.0
    assert places(standings(ORIGINAL, log, 20_000)) == [(1, "ada", 84.0), (2, "bob", 0.0)]


def test_who_was_done_before_the_start_is_done_at_the_start() -> None:
    board = standings(ORIGINAL, [finish("ada", "hero", -60)], 0)
    assert board.rows[0].finished == {"hero": 0.0}
    assert standings(ORIGINAL, [finish("ada", "hero", -60)], -1).rows[0].finished == {}


# The same score comes about in two ways: 2 × done adds up to the same.
@pytest.mark.parametrize(
    ("tie_breaks", "order"),
    [
        (["last_finish"], ["bob", "ada"]),
        (["first_finish"], ["ada", "bob"]),
        (["name"], ["ada", "bob"]),
    ],
)
def test_ties_are_broken_as_the_rules_say(tie_breaks: list[str], order: list[str]) -> None:
    two = Rules.model_validate(
        {
            "name": "two",
            "duration_s": 100,
            "step_s": 1,
            "tie_breaks": tie_breaks,
            "exercises": [{"id": "x"}, {"id": "y"}],
        }
    )
    log = [finish("ada", "x", 10), finish("ada", "y", 60), finish("bob", "x", 30)]
    log += [finish("bob", "y", 40)]
    board = standings(two, log)
    assert [row.user for row in board.rows] == order
    assert board.rows[0].score == board.rows[1].score


def test_names_break_ties_at_last_and_who_has_finished_nothing_comes_after() -> None:
    log = [parse({"kind": "join", "time": 0, "user": user}) for user in ("cem", "bob", "ada")]
    log += [finish("cem", "x", 75)]  # 10 - 25 + 25: 10 points; then the penalty takes them all
    log += [parse({"kind": "adjust", "time": 80, "user": "cem", "points": -10, **WHO})]
    assert places(standings(rules(), log)) == [(1, "cem", 0.0), (2, "ada", 0.0), (3, "bob", 0.0)]


# Conditions: "+up" holds from then on, "-up" no longer does.
@pytest.mark.parametrize(
    ("told", "done_s"),
    [
        (["1 +up"], None),
        (["1 +up", "2 +db"], 2),
        (["1 +up", "2 -up", "3 +db"], None),
        (["1 +up", "2 -up", "3 +db", "4 +up"], 4),
        (["1 +up", "2 +db", "3 -db", "4 +db", "5 -up", "6 +up"], 2),
        (["1 +up", "2 -up", "2 +db"], None),
        (["1 -up", "1 +up", "1 +db"], 1),
        (["-5 +up", "-5 +db"], 0),
    ],
)
def test_an_exercise_is_done_when_its_conditions_first_hold_together(
    told: list[str], done_s: float | None
) -> None:
    both = rules(conditions=[{"id": "up"}, {"id": "db"}])
    log = []
    for words in told:
        at, change = words.split()
        fields = {"condition": change[1:], "value": change[0] == "+"}
        log.append(finish("ada", "x", float(at), **fields))
    (row,) = standings(both, log).rows
    assert row.finished == ({} if done_s is None else {"x": done_s})
    assert row.score == (0 if done_s is None else 10 + (50 - done_s) + (100 - done_s))


def in_each(*moments_s: float) -> list[AnyRecord]:
    return [
        finish("ada", "x", at, env=env)
        for env, at in zip(("dev", "preprod", "prod"), moments_s, strict=False)
    ]


def test_every_environment_is_needed_unless_the_rules_say_any() -> None:
    three = {"environments": ["dev", "preprod", "prod"]}
    assert standings(rules(**three), in_each(5, 3)).rows[0].finished == {}
    assert standings(rules(**three), in_each(5, 3)).rows[0].under_way == (
        ("x", "dev", 5000),
        ("x", "preprod", 3000),
    )
    assert standings(rules(**three), in_each(5, 3, 9)).rows[0].finished == {"x": 9.0}
    assert standings(rules(**three, needs="any"), in_each(5, 3)).rows[0].finished == {"x": 3.0}


def test_without_named_environments_the_first_one_done_counts() -> None:
    (row,) = standings(rules(), in_each(5, 3, 9)).rows
    assert row.finished == {"x": 3.0}
    assert row.finishes[0].environments == (("dev", 5000), ("preprod", 3000), ("prod", 9000))


def test_a_condition_without_an_environment_holds_in_all_of_them() -> None:
    both = rules(conditions=[{"id": "up"}, {"id": "pipeline"}], environments=["dev", "prod"])
    log = [
        finish("ada", "x", 4, condition="pipeline"),
        finish("ada", "x", 2, env="dev", condition="up"),
        finish("ada", "x", 6, env="prod", condition="up"),
    ]
    (done,) = standings(both, log).rows[0].finishes
    assert (done.at_ms, done.environments) == (6000, (("dev", 4000), ("prod", 6000)))


def test_conditions_of_two_clusters_do_not_make_one_finish_and_two_finishes_count_once() -> None:
    both = rules(conditions=[{"id": "up"}, {"id": "db"}])
    split = [
        finish("ada", "x", 1, condition="up", source="east"),
        finish("ada", "x", 2, condition="db", source="west"),
    ]
    assert standings(both, split).rows[0].finished == {}
    whole = [
        finish("ada", "x", 7, condition="db", source="east"),
        finish("ada", "x", 9, condition="up", source="west"),
    ]
    assert standings(both, [*split, *whole]).rows[0].finished == {"x": 7.0}


def test_the_best_measured_value_counts_from_when_it_was_first_reached() -> None:
    margin = rules(measure={"worst": 0, "best": 0.5, "points": 100, "unit": "m"})
    log = [finish("ada", "x", at, value=value) for at, value in ((1, 0.1), (2, 0.4), (3, 0.4))]
    (done,) = standings(margin, log).rows[0].finishes
    assert (done.at_ms, done.value, done.bonus, done.accelerator) == (2000, 0.4, 80.0, 0.0)
    beyond = standings(margin, [*log, finish("ada", "x", 9, value=7)])
    assert beyond.rows[0].score == 100.0


def test_less_is_better_where_the_best_value_is_below_the_worst() -> None:
    reaction = rules(measure={"worst": 1, "best": 0.2, "points": 8})
    log = [finish("ada", "x", 1, value=0.3), finish("bob", "x", 2, value=0.9)]
    assert places(standings(reaction, log)) == [(1, "ada", 7.0), (2, "bob", 1.0)]


def test_a_hint_costs_once_and_from_when_it_was_taken() -> None:
    costly = rules(hint_penalty=2.5)
    hint = {"kind": "hint", "user": "ada", "exercise": "x"}
    log = [finish("ada", "x", 50), parse({**hint, "time": 10, "hint": "1"})]
    log += [parse({**hint, "time": 20, "hint": "1"}), parse({**hint, "time": 60, "hint": "2"})]
    scores = [standings(costly, log, at).rows[0].score for at in (10, 20, 59, 60)]
    assert scores == [-2.5, -2.5, 10 + 9 - 2.5, 10 + 10 - 5]


def test_an_undo_takes_effect_at_its_time_and_can_be_taken_back() -> None:
    done = finish("ada", "x", 10)
    undo = {"kind": "undo", "user": "ada", "target": done.id, **WHO}
    log = [done, parse({**undo, "time": 20}), parse({**undo, "time": 30, "restore": True})]
    finished = [standings(rules(), log, at).rows for at in (19, 20, 30)]
    assert [rows[0].finished if rows else None for rows in finished] == [{"x": 10}, None, {"x": 10}]


def test_an_undo_strikes_only_a_record_of_its_user() -> None:
    done = finish("ada", "x", 10)
    undo = parse({"kind": "undo", "time": 1, "user": "bob", "target": done.id, **WHO})
    assert standings(rules(), [done, undo]).rows[0].finished == {"x": 10.0}


def test_who_is_hidden_or_disqualified_takes_no_place_from_others() -> None:
    log = [finish(user, "x", at) for user, at in (("test", 1), ("cheat", 2), ("ada", 3))]
    log += [parse({"kind": "hide", "time": 0, "user": "test", **WHO})]
    log += [parse({"kind": "disqualify", "time": 50, "user": "cheat", **WHO})]
    assert [row.user for row in standings(rules(), log, 49).rows] == ["cheat", "ada"]
    board = standings(rules(), log, 50)
    assert [(row.rank, row.user) for row in board.rows] == [(1, "ada")]
    assert board.firsts == {"x": ("ada", 3000)}
    assert [(row.user, row.hidden, row.disqualified) for row in board.unranked] == [
        ("cheat", False, True),
        ("test", True, False),
    ]


def test_a_correction_after_the_end_counts() -> None:
    log = [finish("ada", "x", 10)]
    log += [parse({"kind": "adjust", "time": 500, "user": "ada", "points": 0.25, **WHO})]
    assert standings(rules(), log, 100).rows[0].score == 140.0
    assert standings(rules(), log).rows[0].score == 140.25


def test_brackets_are_ranked_apart_and_teams_by_their_best_members() -> None:
    grouped = rules().model_copy(update={"brackets": ("students", "guests"), "team_counts": 2})
    people = [("ada", "guests", "red", 1), ("bob", "students", "red", 2)]
    people += [("cem", "students", "blue", 3), ("dee", "guests", "red", 4)]
    log = []
    for user, bracket, team, at in people:
        join = {"kind": "join", "time": 0, "user": user, "bracket": bracket, "team": team}
        log += [parse(join), finish(user, "x", at)]
    board = standings(grouped, log)
    assert [(row.user, row.bracket_rank) for row in board.rows] == [
        ("ada", 1),
        ("bob", 1),
        ("cem", 2),
        ("dee", 2),
    ]
    assert [(team.rank, team.team, team.members) for team in board.teams] == [
        (1, "red", ("ada", "bob", "dee")),
        (2, "blue", ("cem",)),
    ]
    assert board.teams[0].score == board.rows[0].score + board.rows[1].score


def test_a_score_that_no_float_can_hold_is_ranked_exactly() -> None:
    """In floats, a tenth thrice is more than three tenths."""
    parts = Rules.model_validate(
        {
            "name": "parts",
            "duration_s": 100,
            "exercises": [
                *({"id": f"tenth-{n}", "bonus": 0.1, "slope": 0, "decay": 0} for n in range(3)),
                {"id": "whole", "bonus": 0.3, "slope": 0, "decay": 0},
            ],
        }
    )
    log = [finish("ada", f"tenth-{n}", 5) for n in range(3)] + [finish("bob", "whole", 4)]
    assert places(standings(parts, log)) == [(1, "bob", 0.3), (2, "ada", 0.3)]


@given(log=logs(), at_s=moments, data=st.data())
def test_order_and_repetition_change_nothing(
    log: list[AnyRecord], at_s: float | None, data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(log), max_size=5)) if log else []
    mixed = data.draw(st.permutations(log + again))
    assert standings(RULES, mixed, at_s) == standings(RULES, log, at_s)


@given(log=logs(), at_s=moments)
def test_the_board_of_a_moment_is_that_of_the_records_up_to_it(
    log: list[AnyRecord], at_s: float | None
) -> None:
    if at_s is None:
        return
    past = [record for record in log if record.at_ms <= at_s * 1000]
    assert standings(RULES, log, at_s) == standings(RULES, past, at_s)


changes = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["up", "db"]), st.booleans()), max_size=14
)


@given(told=changes)
def test_done_is_what_somebody_would_see_who_looks_at_every_millisecond(
    told: list[tuple[int, str, bool]],
) -> None:
    both = rules(conditions=[{"id": "up"}, {"id": "db"}])
    log = [finish("ada", "x", ms / 1000, condition=what, value=holds) for ms, what, holds in told]

    def holds(what: str, now_ms: int) -> bool:
        past = [(ms, value) for ms, name, value in told if name == what and ms <= now_ms]
        return max(past, default=(0, False))[1]

    seen = [ms for ms in range(14) if holds("up", ms) and holds("db", ms)]
    rows = standings(both, log).rows
    assert [row.finished for row in rows if row.finished] == [{"x": ms / 1000} for ms in seen[:1]]


def switched(value: int, at_s: float) -> list[AnyRecord]:
    """All conditions of Ada's exercise 'all', everywhere, switched on or off."""
    return [
        finish("ada", "all", at_s, env=env, condition=condition, value=value)
        for env in ("dev", "prod")
        for condition in ("up", "db")
    ]


@given(log=logs(), flaps=st.lists(st.integers(0, 1), max_size=4))
def test_a_condition_that_flaps_after_the_finish_changes_nothing(
    log: list[AnyRecord], flaps: list[int]
) -> None:
    log = log + switched(1, 10)
    flapping = [record for n, value in enumerate(flaps) for record in switched(value, 11 + n)]
    assert standings(RULES, log + flapping, 130) == standings(RULES, log, 130)
    (row,) = [r for r in standings(RULES, log, 10).rows if r.user == "ada"] or [None]
    assert row is None or row.finished["all"] <= 10


@pytest.mark.parametrize(
    ("limit", "value"), [("ONE_BY_ONE", 200), ("ONE_BY_ONE", 0), ("LARGEST", 0)]
)
@given(log=logs(), data=st.data())
def test_incremental_standings_are_those_of_all_records(
    limit: str, value: int, log: list[AnyRecord], data: st.DataObject
) -> None:
    known: list[AnyRecord] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, limit, value)  # so that a few users take the way of very many
        engine = Incremental(RULES)
        for record in data.draw(st.permutations(log)):
            engine.apply(record)
            known.append(record)
            if data.draw(st.booleans()):
                at_s = data.draw(moments)
                assert engine.standings(at_s) == standings(RULES, known, at_s)
        assert engine.standings() == standings(RULES, log)


def test_what_was_done_before_the_start_counts_once_the_clock_has_come_there() -> None:
    engine = Incremental(ORIGINAL)
    engine.apply(finish("ada", "hero", -60))
    assert places(engine.standings(-1)) == [(1, "ada", 0.0)]
    assert places(engine.standings(0)) == [(1, "ada", 66.0)]


def test_a_board_is_not_changed_by_what_comes_later() -> None:
    engine = Incremental(ORIGINAL)
    engine.apply(finish("ada", "hero", 1800), finish("bob", "hero", 1900))
    board = engine.standings(2000)
    engine.apply(finish("bob", "villain", 2000), finish("cem", "hero", 1))
    assert engine.standings(2000).rows[0].user == "bob"
    assert [row.user for row in board.rows] == ["ada", "bob"]
    assert (
        board.of("bob")
        == standings(
            ORIGINAL, [finish("bob", "hero", 1900), finish("ada", "hero", 1800)], 2000
        ).rows[1]
    )
    assert board.of("cem") is None
