"""How long standings take, and how large an event may be: measured."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kit.errors import MissionError
from kit.leaderboard.events import AnyRecord, Event, Join, identified
from kit.leaderboard.incremental import Incremental
from kit.leaderboard.rules import Needs, Rules, load_rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.simulate import simulate
from kit.leaderboard.standings import Standings

SHOWN = 100
"""Rows of a board that are built each time; nobody reads a hundred thousand."""


@dataclass(frozen=True)
class Timed:
    """What trials took.

    Attributes:
        name: What was done.
        taken_ms: One a trial, milliseconds.
        records: How many records there were.
        people: How many people.
        finishes: How many exercises all of them have finished in the end.
    """

    name: str
    taken_ms: Sequence[float]
    records: int
    people: int
    finishes: int


def full(rules: Rules, *, people: int, trials: int, seed: int = 1) -> Timed:
    """Work out the final board of a simulated event from all records, time and again."""
    records = [arrival.record for arrival in simulate(rules, people=people, seed=seed)]
    taken = [_timed(lambda: standings(rules, records)) for _ in range(trials)]
    finishes = sum(len(row.finishes) for row in standings(rules, records).rows)
    name = f"full recomputation, rules '{rules.name}'"
    return Timed(name, taken, len(records), people, finishes)


def incremental(*, people: int, records: int, trials: int, seed: int = 1) -> tuple[Timed, float]:
    """Follow a large event: one new record, then the ranks of everybody and the first rows.

    Args:
        people: How many take part.
        records: How many records are there before the first trial, at least three for each person.
        trials: How many new records, each a finish, a change of a condition or a new person.
        seed: Of the event.

    Returns:
        What the trials took, and how long it took to begin, seconds.

    Raises:
        MissionError: If the board is not that of a full recomputation in the end.
    """
    rules = any_environment(load_rules("kubernetes"))
    log = large_log(rules, people=people, records=records + trials, seed=seed)
    old, new = log[:records], log[records:]
    engine = Incremental(rules)
    begun = time.perf_counter()
    engine.apply(*old)
    moment_s = rules.duration_s / 2
    engine.standings(moment_s)
    begin_s = time.perf_counter() - begun
    gc.freeze()  # what is there already stays; a service does the same once it has read its log
    taken = []
    for number, record in enumerate(new):
        now_s = moment_s + number * 0.1

        def one_more(record: AnyRecord = record, now_s: float = now_s) -> Standings:
            engine.apply(record)
            board = engine.standings(now_s)
            tuple(board.rows[:SHOWN])
            return board

        taken.append(_timed(one_more))
    last_s = moment_s + len(new) * 0.1
    board = engine.standings(last_s)
    if board != standings(rules, log, last_s):
        raise MissionError("The incremental standings are not those of all records")
    gc.unfreeze()
    finishes = sum(len(row.finishes) for row in board.rows)
    return Timed("one new record, incremental", taken, len(log), people, finishes), begin_s


def any_environment(rules: Rules) -> Rules:
    """Return rules in which one environment is enough, so that people finish often."""
    exercises = [each.model_copy(update={"needs": Needs.ANY}) for each in rules.exercises]
    return rules.model_copy(update={"exercises": tuple(exercises)})


def large_log(rules: Rules, *, people: int, records: int, seed: int) -> list[AnyRecord]:
    """Make a large log fast: everybody is there, then conditions come and go.

    Args:
        rules: With conditions and environments.
        people: How many.
        records: How many.
        seed: Any whole number.
    """
    rng = np.random.default_rng(seed)
    cells = [
        (exercise.id, exercise.environments[0], condition.id)
        for exercise in rules.exercises
        for condition in exercise.conditions
    ]
    users = [f"user{number:06}" for number in range(people)]
    log: list[AnyRecord] = [identified(Join(at_ms=0, user=user)) for user in users]
    count = records - len(log)
    whom, which = rng.integers(people, size=count), rng.integers(len(cells), size=count)
    moments = rng.integers(rules.duration_ms // 2, size=count)
    holds = rng.random(count) < 0.9
    for user, cell, at_ms, value in zip(whom, which, moments, holds, strict=True):
        exercise, env, condition = cells[cell]
        log.append(
            Event(
                id=f"e{len(log)}",
                at_ms=int(at_ms),
                user=users[user],
                exercise=exercise,
                env=env,
                condition=condition,
                value=float(value),
            )
        )
    return log


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000
