"""What the exercises of some rules are worth, for people to see before an event."""

from __future__ import annotations

from kit.leaderboard.finishes import Done
from kit.leaderboard.rules import Exercise, Rules
from kit.leaderboard.scorer import Scorer

MOMENTS = 5
"""Into how many parts the event is cut for the table."""


LONGEST = 30
"""Characters of a title that are shown."""


def table(rules: Rules) -> str:
    """Show, for finishes at some moments, the bonus and what they come to at the end."""
    scorer = Scorer(rules)
    moments = [rules.duration_ms * part // MOMENTS for part in range(MOMENTS + 1)]
    minutes = rules.duration_s / 60
    names = [exercise.title or exercise.id for exercise in rules.exercises]
    room = max(len(name[:LONGEST]) for name in names) + 1
    late: list[str] = []
    lines = [
        f"{rules.title or rules.name}: {minutes:g} minutes, {len(rules.exercises)} exercises.",
        "Points for a finish at this minute, and what it has come to at the end:",
        "",
        " " * room + "".join(f"{moment / 60_000:>13g}" for moment in moments),
    ]
    for exercise in rules.exercises:
        shown = (exercise.title or exercise.id)[:LONGEST]
        if exercise.measure is not None:
            measure = exercise.measure
            span = f"{measure.worst:g} to {measure.best:g} {measure.unit}".strip()
            lines.append(f"{shown:{room}}  0 to {measure.points:g} points for {span}")
            continue
        worth = [worth_of(scorer, exercise, moment) for moment in moments]
        lines.append(f"{shown:{room}}" + "".join(f"{f'{b:.4g} → {t:.4g}':>13}" for b, t in worth))
        if worth[-1][0] < 0:
            late.append(shown)
    if late:
        lines += ["", f"A finish just before the end would cost points: {', '.join(late)}."]
    return "\n".join(lines)


def worth_of(scorer: Scorer, exercise: Exercise, at_ms: int) -> tuple[float, float]:
    """Return the points of a finish at a moment: its bonus, and with what it gains until the end.

    Args:
        scorer: Of the rules.
        exercise: One that is finished, not measured.
        at_ms: When it is finished, in milliseconds from the start.
    """
    bonus = scorer.bonus(exercise, Done(at_ms))
    gained = scorer.rate(exercise) * (scorer.rules.duration_ms - at_ms)
    return bonus / scorer.units, (bonus + gained) / scorer.units
