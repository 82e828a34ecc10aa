"""Standings: who stands where at one moment, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Finish:
    """One finished, or measured, exercise of a user.

    Attributes:
        exercise: Which one.
        at_ms: When, in milliseconds from the start.
        bonus: Points for the finish itself.
        accelerator: Points since then.
        environments: When it was done in each environment, in milliseconds from the start; the
            empty name stands for none.
        value: What was measured, for a measured exercise.
    """

    exercise: str
    at_ms: int
    bonus: float
    accelerator: float
    environments: tuple[tuple[str, int], ...] = ()
    value: float | None = None

    @property
    def at_s(self) -> float:
        """When, in seconds from the start."""
        return self.at_ms / 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """One user's place.

    Attributes:
        rank: From 1; 0 for who is not ranked.
        user: Identifier.
        score: Points, the exact sum rounded once to the nearest float.
        finishes: In the order of the rules.
        under_way: (exercise, environment, milliseconds from the start) of each environment that is
            done while its exercise is not finished.
        name: To be shown.
        bracket: Empty for none.
        bracket_rank: Place in the bracket, from 1; 0 without one.
        team: Empty for none.
        hints: How many were taken.
        penalty: Points that the hints cost.
        adjustment: Points that the organisers gave, or took if below 0.
        hidden: Whether this is an account for tests.
        disqualified: Whether the organisers took the user out.
    """

    rank: int
    user: str
    score: float
    finishes: tuple[Finish, ...] = ()
    under_way: tuple[tuple[str, str, int], ...] = ()
    name: str = ""
    bracket: str = ""
    bracket_rank: int = 0
    team: str = ""
    hints: int = 0
    penalty: float = 0.0
    adjustment: float = 0.0
    hidden: bool = False
    disqualified: bool = False

    @property
    def shown(self) -> str:
        """What to call the user on a page."""
        return self.name or self.user

    @property
    def finished(self) -> dict[str, float]:
        """When each finished exercise was, in seconds from the start."""
        return {finish.exercise: finish.at_s for finish in self.finishes}

    def to_fields(self) -> dict[str, Any]:
        """Return what programs read: ``rank``, ``user``, ``score``, ``finished`` and the rest."""
        fields: dict[str, Any] = {
            "rank": self.rank,
            "user": self.user,
            "score": self.score,
            "finished": self.finished,
        }
        for name in ("name", "bracket", "bracket_rank", "team", "hints", "penalty", "adjustment"):
            if value := getattr(self, name):
                fields[name] = value
        return fields


@dataclass(frozen=True, slots=True)
class TeamStanding:
    """One team's place: the sum of its best members.

    Attributes:
        rank: From 1.
        team: Name.
        score: Points.
        members: Its users, the best first.
    """

    rank: int
    team: str
    score: float
    members: tuple[str, ...]


@runtime_checkable
class Findable(Protocol):
    """Rows of which one can be found without looking at all."""

    def find(self, user: str) -> Standing | None:
        """Return the row of one user, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Standings:
    """The board at one moment.

    Attributes:
        at_ms: The moment, in milliseconds from the start.
        rows: Everyone who is ranked, the first one first.
        unranked: Who is hidden or disqualified, by user; their rank is 0.
        teams: The first one first; empty without teams.
        firsts: Who of the ranked finished each exercise first: exercise → (user, milliseconds).
    """

    at_ms: int
    rows: Sequence[Standing]
    unranked: tuple[Standing, ...] = ()
    teams: Sequence[TeamStanding] = ()
    firsts: Mapping[str, tuple[str, int]] | None = None

    @property
    def at_s(self) -> float:
        """The moment, in seconds from the start."""
        return self.at_ms / 1000

    def of(self, user: str) -> Standing | None:
        """Return the standing of one user, ranked or not, or None."""
        if isinstance(self.rows, Findable):
            found = self.rows.find(user)
        else:
            found = next((row for row in self.rows if row.user == user), None)
        return found or next((row for row in self.unranked if row.user == user), None)

    def to_fields(self) -> dict[str, Any]:
        """Return what programs read; ``standings`` is the list of the ranked."""
        return {"at": self.at_s, "standings": [row.to_fields() for row in self.rows]}
