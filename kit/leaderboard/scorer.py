"""One user's score, exactly.

All that the rules say are decimal fractions, so a score is a whole number of units, one unit being
the largest part of a point that divides them all. Nothing is rounded before the sum is shown. A
score grows in a straight line from one record to the next: ``base + rate × t``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm

from kit.leaderboard.events import AnyRecord, Join
from kit.leaderboard.finishes import MICROPOINTS, Done, done
from kit.leaderboard.pile import Pile
from kit.leaderboard.rules import Exercise, Rules
from kit.leaderboard.standings import Finish, Standing

NEVER_MS = 2**62
"""Stands for the time of a finish that never was: after all others."""


@dataclass(frozen=True, slots=True)
class _Worth:
    """What an exercise is worth, in units."""

    at_start: int  # for a finish at 0
    decay: int  # lost by each millisecond until the finish
    rate: int  # won by each millisecond after it
    hint: int  # lost by each hint


@dataclass(frozen=True, slots=True)
class Scored:
    """One user's score as a line, and what it is made of.

    Attributes:
        user: Identifier.
        base: Units that do not depend on the moment; the line's value at the start.
        rate: Units that each millisecond until the end of the event brings.
        done: Each exercise that is finished, or done somewhere, in the order of the rules.
        last_ms: Time of the last finish, :data:`NEVER_MS` if none.
        first_ms: Time of the first one.
        join: How to show the user.
        hints: How many were taken.
        penalty: Units that they cost.
        adjustment: Units that the organisers gave.
        hidden: Whether this is an account for tests.
        disqualified: Whether the organisers took the user out.
    """

    user: str
    base: int
    rate: int
    done: tuple[tuple[Exercise, Done], ...]
    last_ms: int
    first_ms: int
    join: Join | None
    hints: int
    penalty: int
    adjustment: int
    hidden: bool
    disqualified: bool

    @property
    def ranked(self) -> bool:
        """Whether the user has a place."""
        return not (self.hidden or self.disqualified)


class Scorer:
    """Rules, prepared to score one user after the other.

    Args:
        rules: Of the event.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        parts = [Fraction(1, MICROPOINTS)]
        for exercise in rules.exercises:
            parts += [_exact(exercise.bonus), _exact(self._hint_penalty(exercise))]
            parts += [_exact(exercise.decay) / exercise.step_ms]
            parts += [_exact(exercise.slope) / exercise.step_ms]
        self.units = lcm(*(part.denominator for part in parts))
        self._worth = {exercise.id: self._worth_of(exercise) for exercise in rules.exercises}

    def score(self, user: str, records: Iterable[AnyRecord], at_ms: int) -> Scored | None:
        """Score one user.

        Args:
            user: Identifier.
            records: All of this user, in any order; those after the moment do not count.
            at_ms: The moment, in milliseconds from the start.

        Returns:
            The score, or None if nobody of this name was there yet.
        """
        pile = Pile(records, at_ms, self.rules.duration_ms)
        if not pile.present:
            return None
        reached = []
        base = rate = 0
        for exercise in self.rules.exercises:
            so_far = done(exercise, pile.events.get(exercise.id, ()))
            if so_far.at_ms is not None and so_far.at_ms > at_ms:  # counts from the start on
                so_far = Done(None)
            if so_far.at_ms is not None:
                base += self.bonus(exercise, so_far)
                grows = self.rate(exercise)
                base -= grows * so_far.at_ms
                rate += grows
            if so_far.at_ms is not None or so_far.environments:
                reached.append((exercise, so_far))
        moments = [each.at_ms for _, each in reached if each.at_ms is not None]
        penalty = sum(self._worth[name].hint for name, _ in pile.hints if name in self._worth)
        adjustment = sum(round(_exact(points) * self.units) for points in pile.points())
        return Scored(
            user=user,
            base=base - penalty + adjustment,
            rate=rate,
            done=tuple(reached),
            last_ms=max(moments, default=NEVER_MS),
            first_ms=min(moments, default=NEVER_MS),
            join=pile.join,
            hints=len(pile.hints),
            penalty=penalty,
            adjustment=adjustment,
            hidden=pile.hidden,
            disqualified=pile.disqualified,
        )

    def clock(self, at_ms: int) -> int:
        """Return the moment until which points have grown: within the event."""
        return min(max(at_ms, 0), self.rules.duration_ms)

    def bonus(self, exercise: Exercise, so_far: Done) -> int:
        """Return the units for a finish itself."""
        if exercise.measure is not None:
            return so_far.points * (self.units // MICROPOINTS)
        worth = self._worth[exercise.id]
        return worth.at_start - worth.decay * (so_far.at_ms or 0)

    def rate(self, exercise: Exercise) -> int:
        """Return the units that each millisecond after a finish brings."""
        return 0 if exercise.measure is not None else self._worth[exercise.id].rate

    def finish(self, exercise: Exercise, so_far: Done, *, at_ms: int) -> Finish:
        """Tell what a finish has brought.

        Args:
            exercise: Of the rules.
            so_far: Its finish.
            at_ms: The moment, in milliseconds from the start.
        """
        done_ms = so_far.at_ms or 0
        return Finish(
            exercise=exercise.id,
            at_ms=done_ms,
            bonus=self.bonus(exercise, so_far) / self.units,
            accelerator=self.rate(exercise) * (self.clock(at_ms) - done_ms) / self.units,
            environments=so_far.environments,
            value=so_far.value,
        )

    def row(self, scored: Scored, *, at_ms: int, rank: int, bracket_rank: int) -> Standing:
        """Build the row of one user.

        Args:
            scored: The user's score.
            at_ms: The moment, in milliseconds from the start.
            rank: From 1; 0 for who is not ranked.
            bracket_rank: From 1; 0 without a bracket.
        """
        clock, units = self.clock(at_ms), self.units
        finishes = tuple(
            self.finish(exercise, so_far, at_ms=at_ms)
            for exercise, so_far in scored.done
            if so_far.at_ms is not None
        )
        under_way = tuple(
            (exercise.id, env, moment)
            for exercise, so_far in scored.done
            if so_far.at_ms is None
            for env, moment in so_far.environments
        )
        join = scored.join
        return Standing(
            rank=rank,
            user=scored.user,
            score=(scored.base + scored.rate * clock) / units,
            finishes=finishes,
            under_way=under_way,
            name=join.name if join else "",
            bracket=join.bracket if join else "",
            bracket_rank=bracket_rank,
            team=join.team if join else "",
            hints=scored.hints,
            penalty=scored.penalty / units,
            adjustment=scored.adjustment / units,
            hidden=scored.hidden,
            disqualified=scored.disqualified,
        )

    def _hint_penalty(self, exercise: Exercise) -> float:
        own = exercise.hint_penalty
        return self.rules.hint_penalty if own is None else own

    def _worth_of(self, exercise: Exercise) -> _Worth:
        decay = self._whole(_exact(exercise.decay) / exercise.step_ms)
        return _Worth(
            at_start=self._whole(_exact(exercise.bonus)) + decay * exercise.nominal_end_ms,
            decay=decay,
            rate=self._whole(_exact(exercise.slope) / exercise.step_ms),
            hint=self._whole(_exact(self._hint_penalty(exercise))),
        )

    def _whole(self, points: Fraction) -> int:
        return int(points * self.units)


def _exact(number: float) -> Fraction:
    return Fraction(round(Decimal(str(number)), 6))
