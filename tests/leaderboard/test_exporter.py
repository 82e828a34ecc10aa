"""What the leaderboard tells Prometheus."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kit.leaderboard.events import Adjust, AnyRecord, Event, Hide, Hint, Join
from kit.leaderboard.incremental import Incremental
from kit.leaderboard.prometheus.exporter import LeaderboardCollector, Reading, exposition
from kit.leaderboard.rules import Rules, load_rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.simulate import simulate
from tests.monitoring.scraping import accepted_by_promtool, value

STARTS_AT_S = 1_700_000_000.0
KUBERNETES = load_rules("kubernetes")
ORIGINAL = load_rules("original")


def finish(user: str, exercise: str, at_s: float, env: str = "") -> Event:
    return Event(at_ms=round(at_s * 1000), user=user, exercise=exercise, env=env)


def everything(user: str, exercise: str, env: str, at_s: float) -> list[AnyRecord]:
    rule = KUBERNETES.exercise(exercise)
    assert rule is not None
    return [
        Event(at_ms=round(at_s * 1000), user=user, exercise=exercise, env=env, condition=each.id)
        for each in rule.conditions
    ]


def collector(
    records: list[AnyRecord],
    *,
    rules: Rules = ORIGINAL,
    at_s: float = 6000,
    limit: int = 200,
    starts_at_s: float | None = STARTS_AT_S,
) -> LeaderboardCollector:
    reading = Reading(standings(rules, records, at_s), starts_at_s, len(records))
    return LeaderboardCollector(rules, lambda: reading, limit=limit)


def text_of(it: LeaderboardCollector) -> str:
    return exposition(it)[0].decode()


def families(it: LeaderboardCollector) -> dict[str, object]:
    return {family.name: family for family in text_string_to_metric_families(text_of(it))}


def test_a_finish_is_told_with_its_moment_and_the_score() -> None:
    found = families(collector([finish("ada", "hero", 1800.123)]))
    labels = {"user": "ada", "exercise": "hero"}
    assert value(found, "kit_leaderboard_finish_done", **labels) == 1
    when = value(found, "kit_leaderboard_finish_timestamp_seconds", **labels)
    assert when == STARTS_AT_S + 1800.123
    score = 55 + (3300 - 1800.123) / 300 + (6000 - 1800.123) / 300
    assert value(found, "kit_leaderboard_score_points", user="ada") == pytest.approx(score)
    assert value(found, "kit_leaderboard_rank", user="ada") == 1


def test_what_is_not_done_is_told_as_zero_without_a_moment() -> None:
    text = text_of(collector([finish("ada", "hero", 1800)]))
    assert 'kit_leaderboard_finish_done{exercise="villain",user="ada"} 0.0' in text
    assert 'kit_leaderboard_finish_timestamp_seconds{exercise="villain"' not in text


def test_an_exercise_is_told_for_each_environment_before_it_is_finished() -> None:
    found = families(collector(everything("ada", "hero", "dev", 1200), rules=KUBERNETES))
    labels = {"user": "ada", "exercise": "hero"}
    assert value(found, "kit_leaderboard_completion_done", env="dev", **labels) == 1
    assert value(found, "kit_leaderboard_completion_done", env="prod", **labels) == 0
    assert value(found, "kit_leaderboard_finish_done", **labels) == 0
    when = value(found, "kit_leaderboard_completion_timestamp_seconds", env="dev", **labels)
    assert when == STARTS_AT_S + 1200
    assert value(found, "kit_leaderboard_completions", exercise="hero", env="dev") == 1


def test_hints_and_corrections_are_told_apart() -> None:
    rules = ORIGINAL.model_copy(update={"hint_penalty": 2.0})
    records: list[AnyRecord] = [
        Hint(at_ms=0, user="ada", exercise="hero", hint="1"),
        Adjust(at_ms=0, user="ada", points=5, who="org", why="fair play"),
    ]
    found = families(collector(records, rules=rules))
    assert value(found, "kit_leaderboard_other_points", user="ada") == 3


def test_hidden_accounts_are_not_told() -> None:
    records: list[AnyRecord] = [
        finish("test", "hero", 60),
        Hide(at_ms=0, user="test", who="org", why="an account for tests"),
    ]
    text = text_of(collector(records))
    assert 'user="test"' not in text
    assert "kit_leaderboard_participants 0.0" in text


def test_only_the_first_users_have_series_and_the_totals_count_everybody() -> None:
    records: list[AnyRecord] = [finish(f"u{n:03}", "hero", 60 + n) for n in range(50)]
    it = collector(records, limit=10)
    found = families(it)
    users = {
        sample.labels["user"]
        for family in text_string_to_metric_families(text_of(it))
        for sample in family.samples
        if "user" in sample.labels
    }
    assert users == {f"u{n:03}" for n in range(10)}
    assert value(found, "kit_leaderboard_participants") == 50
    assert value(found, "kit_leaderboard_exported_participants") == 10
    assert value(found, "kit_leaderboard_finishers", exercise="hero") == 50


@given(people=st.integers(0, 60), limit=st.integers(0, 20))
def test_the_number_of_series_is_bounded_whatever_the_number_of_people(
    people: int, limit: int
) -> None:
    records: list[AnyRecord] = [finish(f"u{n}", "hero", n) for n in range(people)]
    samples = [
        line for line in text_of(collector(records, limit=limit)).splitlines() if line[0] != "#"
    ]
    exercises = len(ORIGINAL.exercises)
    assert len(samples) <= 6 + exercises + limit * (3 + 2 * exercises)


def test_before_the_start_there_is_no_moment() -> None:
    text = text_of(collector([Join(at_ms=0, user="ada")], starts_at_s=None))
    assert "start_timestamp_seconds{" not in text
    assert "\nkit_leaderboard_start_timestamp_seconds" not in text
    assert 'kit_leaderboard_score_points{user="ada"} 0.0' in text


def test_promtool_finds_nothing_to_say_against_it() -> None:
    accepted_by_promtool(
        text_of(collector(everything("ada", "hero", "dev", 1200), rules=KUBERNETES))
    )


def test_a_name_with_quotes_and_line_breaks_stays_one_label() -> None:
    name = 'a"b\\c\nd'
    (score,) = families(collector([finish(name, "hero", 1)]))[
        "kit_leaderboard_score_points"
    ].samples  # type: ignore[attr-defined]
    assert score.labels == {"user": name}


def test_a_client_that_knows_openmetrics_gets_it() -> None:
    body, kind = exposition(collector([]), "application/openmetrics-text;version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


@pytest.mark.parametrize("rules", [ORIGINAL, KUBERNETES], ids=lambda rules: rules.name)
def test_the_engine_of_a_running_event_is_told_as_the_pure_function_is(rules: Rules) -> None:
    records = [arrival.record for arrival in simulate(rules, people=30, seed=5)]
    engine = Incremental(rules)
    engine.apply(*records)
    for at_s in (2400, 5000, 9000):
        live = Reading(engine.standings(at_s), STARTS_AT_S, len(records))
        pure = Reading(standings(rules, records, at_s), STARTS_AT_S, len(records))
        told = [text_of(LeaderboardCollector(rules, lambda it=it: it)) for it in (live, pure)]
        assert told[0] == told[1]
