"""Scores as lines over time: straight from one corner to the next, and straight up at a finish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kit.leaderboard.desk import Moment, Phase
from kit.leaderboard.rules import Exercise, Rules
from kit.leaderboard.standings import Standing


def rate(row: Standing, rules: Rules, here: Moment) -> float:
    """Return the points that each second brings a user, while the board moves.

    Args:
        row: The user's standing.
        rules: Of the event.
        here: Where the event is.
    """
    if here.phase is not Phase.RUNNING:
        return 0.0
    return sum(_slope(rules.exercise(each.exercise)) for each in row.finishes)


def _slope(exercise: Exercise | None) -> float:
    if exercise is None or exercise.measure is not None:
        return 0.0
    return exercise.slope / exercise.step_s


def graph(
    rows: Iterable[Standing], rules: Rules, here: Moment, turns_ms: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return the lines of some users: name, and corners (seconds, points).

    Args:
        rows: Their standings.
        rules: Of the event.
        here: Where the event is.
        turns_ms: When a user's score was last changed by a hint or an organiser.
    """
    return [
        {
            "user": row.user,
            "name": row.shown,
            "points": _line(row, rules, here.shown_ms, turns_ms.get(row.user)),
        }
        for row in rows
    ]


def _line(
    row: Standing, rules: Rules, now_ms: int, turn_ms: int | None
) -> list[tuple[float, float]]:
    """Return the corners of a user's score: (seconds, points), from the start to now."""
    jumps = [
        (each.at_ms, each.bonus, _slope(rules.exercise(each.exercise))) for each in row.finishes
    ]
    if other := row.adjustment - row.penalty:
        jumps.append((now_ms if turn_ms is None else turn_ms, other, 0.0))
    corners = [(0.0, 0.0)]
    score = slope = last_s = 0.0
    for at_ms, points, more in sorted(jumps):
        at_s = at_ms / 1000
        score += slope * (at_s - last_s)
        corners.append((at_s, round(score, 3)))
        score, slope, last_s = score + points, slope + more, at_s
        corners.append((at_s, round(score, 3)))
    corners.append((now_ms / 1000, round(row.score, 3)))
    return corners
