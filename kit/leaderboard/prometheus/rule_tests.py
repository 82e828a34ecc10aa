"""Unit tests for the generated rules, to be run by ``promtool test rules``.

A small event is told: one who is early, one who is late and whose work flaps, one who does the
first environment only, and one who does nothing. The early one is in two clusters, and some scrapes
fail. What the rules have to give comes from the pure function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from kit.leaderboard.events import AnyRecord, Event, Join
from kit.leaderboard.kubernetes.simulated import kube_state
from kit.leaderboard.prometheus import names
from kit.leaderboard.prometheus.boards import board_records, board_rules
from kit.leaderboard.prometheus.groups import duration, to_yaml
from kit.leaderboard.prometheus.history import History, exported, to_promtool
from kit.leaderboard.prometheus.recording import INTERVAL_S, Source
from kit.leaderboard.rules import Exercise, Rules
from kit.leaderboard.scoring import standings

STARTS_AFTER = 20
"""How many evaluations there are before the told event starts: promtool's clock begins at 0."""

MISSED = 2
"""How many scrapes fail."""

DIGITS = 0.0001
"""Points are compared after rounding to this."""

_MOMENTS = (0.3, 0.5, 0.75, 1.0, 1.1)
"""When to compare, in lengths of the event."""

_PACES = {"early": 0.6, "late": 1.15, "partly": 0.9}
"""Users, and when they finish, in nominal ends."""


def rule_tests(
    rules: Rules, source: Source, rule_files: Sequence[str], *, interval_s: float = INTERVAL_S
) -> str:
    """Return a test file of promtool.

    Args:
        rules: Of the event.
        source: Of the rules that are tested.
        rule_files: Their files, as seen from the test file.
        interval_s: Seconds between two evaluations, and two scrapes.

    Raises:
        ConfigError: If the source is Kubernetes and no name can be invented for a pattern.
    """
    records = list(story(rules, source, interval_s))
    groups = [group for group in _GROUPS if source is Source.KUBERNETES or group != _GROUPS[0]]
    return to_yaml(
        {
            "rule_files": list(rule_files),
            "evaluation_interval": duration(interval_s),
            "group_eval_order": groups,
            "tests": [
                {
                    "interval": duration(interval_s),
                    "input_series": _inputs(rules, source, records, interval_s),
                    "promql_expr_test": list(_checks(rules, source, records, interval_s)),
                }
            ],
        }
    )


_GROUPS = (
    "leaderboard_conditions",
    "leaderboard_state",
    "leaderboard_onetime_bonus",
    "leaderboard_lifetime_bonus",
)


def story(rules: Rules, source: Source, interval_s: float) -> Iterator[AnyRecord]:
    """Yield the log of a small event, all of it on the grid of the scrapes."""
    if source is Source.EXPORTER:  # in Kubernetes it needs a namespace to be there
        yield Join(at_ms=0, user="idle")
    for user, pace in _PACES.items():
        for exercise in names.scored(rules, names.ALL):
            grid = max(round(exercise.nominal_end_s * pace / interval_s), 1)
            envs = exercise.environments or ("",)
            for late, env in enumerate(envs[:1] if user == "partly" else envs):
                at_ms = round((grid + 3 * late) * interval_s * 1000)
                done = list(_done(exercise, user, env, at_ms))
                yield from done
                if user == "early":  # the same again in a second cluster, a little later
                    again_ms = at_ms + round(3 * interval_s * 1000)
                    yield from (replace(each, at_ms=again_ms, source="west") for each in done)
                if user == "late":
                    yield from _flap(exercise, user, env, at_ms, interval_s)


def _done(exercise: Exercise, user: str, env: str, at_ms: int) -> Iterator[Event]:
    for condition in [each.id for each in exercise.conditions] or [""]:
        yield _event(exercise, user, env, condition, at_ms=at_ms, holds=True)


def _flap(
    exercise: Exercise, user: str, env: str, at_ms: int, interval_s: float
) -> Iterator[Event]:
    if exercise.conditions:
        name = exercise.conditions[0].id
        for number_, holds in enumerate((False, True, False, True), start=1):
            moment = at_ms + round(number_ * 4 * interval_s * 1000)
            yield _event(exercise, user, env, name, at_ms=moment, holds=holds)


def _event(
    exercise: Exercise, user: str, env: str, condition: str, *, at_ms: int, holds: bool
) -> Event:
    return Event(
        at_ms=at_ms,
        user=user,
        exercise=exercise.id,
        env=env,
        condition=condition,
        value=float(holds),
        source="east" if condition else "",
    )


def _inputs(
    rules: Rules, source: Source, records: Sequence[AnyRecord], interval_s: float
) -> list[dict[str, str]]:
    starts_at_s = STARTS_AFTER * interval_s
    length = STARTS_AFTER + round(rules.duration_s * 1.2 / interval_s)
    gap = _quiet(records, interval_s, length)
    if source is Source.EXPORTER:
        told = exported(
            rules, records, starts_at_s=starts_at_s, start_s=0, step_s=interval_s, length=length
        )
        told.lose(gap)
        return to_promtool(told)
    start = History(0, interval_s, length)
    for index in range(length):
        start.put(names.START, {}, index, starts_at_s)
    seen = kube_state(
        rules, records, starts_at_s=starts_at_s, start_s=0, step_s=interval_s, length=length
    )
    seen.lose(gap)
    return to_promtool(start) + to_promtool(seen)


def _quiet(records: Sequence[AnyRecord], interval_s: float, length: int) -> range:
    """Return scrapes that may fail: nothing happens then, and nothing is compared."""
    busy = {STARTS_AFTER + round(record.at_ms / 1000 / interval_s) for record in records}
    compared = {STARTS_AFTER + round((length - STARTS_AFTER) * share / 1.2) for share in _MOMENTS}
    for index in range(length // 3, length - MISSED):
        if not (busy | compared) & set(range(index, index + MISSED)):
            return range(index, index + MISSED)
    return range(0)


def _checks(
    rules: Rules, source: Source, records: Sequence[AnyRecord], interval_s: float
) -> Iterator[dict[str, Any]]:
    for share in _MOMENTS:
        at_s = round(rules.duration_s * share / interval_s) * interval_s
        moment = duration(STARTS_AFTER * interval_s + at_s)
        for board in names.boards(rules):
            if names.scored(rules, board):
                samples = _expected(rules, source, records, board=board, at_s=at_s)
                expr = f"sum by (user) (round({names.score(board)}, {DIGITS}))"
                yield {"expr": expr, "eval_time": moment, "exp_samples": samples}


def _expected(
    rules: Rules, source: Source, records: Sequence[AnyRecord], *, board: str, at_s: float
) -> list[dict[str, Any]]:
    scores: dict[str, float] = {}
    if source is Source.KUBERNETES:  # who has a namespace is there from the start
        scores = dict.fromkeys({record.user for record in records}, 0.0)
    else:  # who is on no board of one environment yet is on that of all
        scores = {row.user: 0.0 for row in standings(rules, records, at_s).rows}
    here = standings(board_rules(rules, board), board_records(records, board), at_s)
    scores |= {row.user: row.score for row in here.rows}
    return [
        {"labels": f'{{user="{user}"}}', "value": round(score / DIGITS) / round(1 / DIGITS)}
        for user, score in sorted(scores.items())
    ]
