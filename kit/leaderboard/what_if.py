"""Could a late starter win? What one more runner, late or fast, would have come to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kit.leaderboard.events import AnyRecord, Event, identified
from kit.leaderboard.rules import Rules, to_ms
from kit.leaderboard.scoring import standings

YOU = "you"
"""Name of the runner that is added."""


@dataclass(frozen=True)
class Outcome:
    """What became of the runner.

    Attributes:
        rank: Place in the end, from 1.
        people: How many there are with the runner.
        score: Points in the end.
        best_score: Those of the best of the others.
        finished: When each exercise was finished, in seconds from the start.
    """

    rank: int
    people: int
    score: float
    best_score: float
    finished: dict[str, float]


def runner(rules: Rules, *, start_s: float, pace: float, user: str = YOU) -> list[Event]:
    """Return the finishes of somebody who starts late and then goes at an even pace.

    Args:
        rules: Of the event; what has conditions or is measured is taken as simply finished.
        start_s: When the runner starts, in seconds from the start of the event.
        pace: Time for an exercise, in parts of what the rules think it takes; 1 is in time.
        user: Name.
    """
    events = []
    for exercise in rules.exercises:
        at_ms = to_ms(start_s + pace * exercise.nominal_end_s)
        events.append(identified(Event(at_ms=at_ms, user=user, exercise=exercise.id)))
    return events


def compare(rules: Rules, others: Iterable[AnyRecord], *, start_s: float, pace: float) -> Outcome:
    """Add a runner to an event and see who wins.

    Args:
        rules: Of the event, with exercises that are finished without conditions.
        others: Their records.
        start_s: When the runner starts, in seconds from the start of the event.
        pace: As for :func:`runner`.
    """
    board = standings(
        rules, [*others, *runner(rules, start_s=start_s, pace=pace)], rules.duration_s
    )
    mine = board.of(YOU)
    best = next((row.score for row in board.rows if row.user != YOU), 0.0)
    if mine is None:  # started so late that nothing happened before the end
        return Outcome(len(board.rows) + 1, len(board.rows) + 1, 0.0, best, {})
    return Outcome(mine.rank, len(board.rows), mine.score, best, mine.finished)


def places(
    rules: Rules,
    others: Iterable[AnyRecord],
    *,
    starts_s: Sequence[float],
    paces: Sequence[float],
) -> npt.NDArray[np.int64]:
    """Return the runner's place for each start and pace.

    Args:
        rules: Of the event.
        others: Records of the others.
        starts_s: Starts to try, seconds.
        paces: Paces to try.

    Returns:
        ``(len(paces), len(starts_s))`` places, from 1; ties go to the others.
    """
    field = standings(rules, others, rules.duration_s)
    scores = np.sort([row.score for row in field.rows])
    found = np.empty((len(paces), len(starts_s)), np.int64)
    for row, pace in enumerate(paces):
        for column, start_s in enumerate(starts_s):
            alone = standings(rules, runner(rules, start_s=start_s, pace=pace), rules.duration_s)
            mine = alone.rows[0].score if alone.rows else 0.0
            found[row, column] = len(scores) - np.searchsorted(scores, mine, side="left") + 1
    return found


def with_accelerator(rules: Rules, slope: float) -> Rules:
    """Return rules whose accelerators bring so many points a step."""
    exercises = [each.model_copy(update={"slope": slope}) for each in rules.exercises]
    return rules.model_copy(update={"exercises": tuple(exercises)})
