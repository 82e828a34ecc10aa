"""When an exercise is done: pure, of a set of events, whatever their order and however often each.

A condition has, at each moment, the value of its latest event up to then; before the first one it
does not hold. In one source and environment an exercise is done at the first moment at which all
its conditions hold together. That moment is found in the whole history, not in the order of
arrival, so a condition that flaps changes nothing once they all held, and an event that comes late
counts as if it had come in time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from kit.leaderboard.events import Event
from kit.leaderboard.rules import Exercise, Measure, Needs

Change = tuple[int, bool, str]
"""Milliseconds, whether the condition holds from then on, the condition."""

MICROPOINTS = 1_000_000
"""Parts of a point to which a measured value's points are rounded."""


@dataclass(frozen=True, slots=True)
class Done:
    """How far a user is with one exercise.

    Attributes:
        at_ms: When it was finished, in milliseconds from the start; None if not yet.
        environments: When it was done in each environment that is done, in the rules' order.
        value: What was measured, for a measured exercise.
        points: For it, in millionths.
    """

    at_ms: int | None
    environments: tuple[tuple[str, int], ...] = ()
    value: float | None = None
    points: int = 0


def done(exercise: Exercise, events: Sequence[Event]) -> Done:
    """Find when a user finished an exercise.

    Args:
        exercise: Of the rules.
        events: Of this user and exercise, in any order, up to the moment that is asked about.

    Returns:
        What is done; never before the start, at 0.
    """
    if exercise.measure is not None:
        return _measured(exercise.measure, events)
    reached = _environments(exercise, events)
    wanted = exercise.environments
    if wanted and exercise.needs is Needs.EVERY and len(reached) < len(wanted):
        return Done(None, reached)
    moments = [moment for _, moment in reached]
    if not moments:
        return Done(None)
    every = wanted and exercise.needs is Needs.EVERY
    return Done(max(moments) if every else min(moments), reached)


def first_together(changes: Iterable[Change], conditions: int) -> int | None:
    """Return the first moment at which so many conditions hold together, or None.

    Args:
        changes: Of those conditions, in any order. Within one millisecond a condition that both
            holds and does not holds from then on.
        conditions: How many there are.
    """
    holding: set[str] = set()
    for at_ms, holds, condition in sorted(changes):  # what ends in a millisecond ends first
        if holds:
            holding.add(condition)
            if len(holding) == conditions:
                return at_ms
        else:
            holding.discard(condition)
    return None


def _environments(exercise: Exercise, events: Sequence[Event]) -> tuple[tuple[str, int], ...]:
    sources: dict[str, dict[str, list[Change]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        change = (event.at_ms, event.value != 0, event.condition)
        sources[event.source][event.env].append(change)
    found: dict[str, int] = {}
    for cells in sources.values():
        for env, moment in _of_one_source(exercise, cells):
            found[env] = min(moment, found.get(env, moment))
    order = exercise.environments or sorted(found)
    return tuple((env, max(found[env], 0)) for env in order if env in found)


def _of_one_source(
    exercise: Exercise, cells: Mapping[str, list[Change]]
) -> Iterable[tuple[str, int]]:
    everywhere = cells.get("", [])
    named = exercise.environments or [env for env in cells if env]
    wanted = max(len(exercise.conditions), 1)
    for env in named or [""]:
        changes = everywhere + cells.get(env, []) if env else everywhere
        moment = first_together(changes, wanted)
        if moment is not None:
            yield env, moment


def _measured(measure: Measure, events: Sequence[Event]) -> Done:
    best: tuple[int, int, float] | None = None
    for event in events:
        points = measured_points(measure, event.value)
        if best is None or (-points, event.at_ms, event.value) < best:
            best = (-points, event.at_ms, event.value)
    if best is None:
        return Done(None)
    points, at_ms, value = best
    return Done(max(at_ms, 0), (), value, -points)


def measured_points(measure: Measure, value: float) -> int:
    """Return what a measured value is worth, in millionths of a point."""
    worst, best = Fraction(measure.worst), Fraction(measure.best)
    share = min(max((Fraction(value) - worst) / (best - worst), Fraction(0)), Fraction(1))
    return round(share * Fraction(str(measure.points)) * MICROPOINTS)
