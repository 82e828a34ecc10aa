"""What happens at an event, one record each: what was done, and what the organisers corrected.

As a line of JSON a record has a ``time``, seconds from the start or ISO 8601, and a ``user``; its
``kind`` is ``event`` where none is given::

    {"time": 1800, "user": "ada", "exercise": "hero"}
    {"time": "2026-11-25T10:30:00Z", "user": "ada", "exercise": "hero", "env": "prod",
     "condition": "deployment", "value": true}
    {"kind": "undo", "time": 2000, "user": "ada", "target": "<id>", "who": "org", "why": "typo"}

Each record takes effect at its own time, so the board of any past moment is that of the records up
to then. Its ``id`` makes it idempotent: a record that comes twice counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from kit.leaderboard.rules import Points

MAX_MS = 366 * 86_400_000
"""Largest time from the start, either way: a year."""

_CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)

Name = Annotated[str, Field(min_length=1, max_length=100)]
"""A user, team, exercise or organiser."""

_Optional = Annotated[str, Field(max_length=100)]
_Words = Annotated[str, Field(max_length=500)]
_Time = Annotated[int, Field(ge=-MAX_MS, le=MAX_MS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What all kinds have.

    Attributes:
        id: Identity; made of the content if it is parsed without one.
        at_ms: When it takes effect, in milliseconds from the start; below 0 before it.
        user: Whom it is about.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CONFIG
    kind: ClassVar[str] = ""

    at_ms: _Time
    user: Name
    id: _Optional = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Record):
    """A condition holds or no longer holds, an exercise is finished, or a value was measured.

    Attributes:
        exercise: Which one.
        env: In which environment; all of them if empty.
        condition: Which condition; empty for an exercise without conditions.
        value: 1 (true) or 0 (false), or what was measured.
        source: Where it was seen, such as a cluster; conditions hold together only in one source.
    """

    kind: ClassVar[str] = "event"

    exercise: Name
    env: _Optional = ""
    condition: _Optional = ""
    value: float = 1.0
    source: _Optional = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Record):
    """A user is there, even with nothing done; the latest one counts.

    Attributes:
        name: To be shown instead of ``user``.
        bracket: In which the user is ranked apart.
        team: For which the user plays.
    """

    kind: ClassVar[str] = "join"

    name: _Optional = ""
    bracket: _Optional = ""
    team: _Optional = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint(Record):
    """A user took a hint; taking the same one again costs nothing.

    Attributes:
        exercise: Of which exercise.
        hint: Which hint.
    """

    kind: ClassVar[str] = "hint"

    exercise: Name
    hint: _Optional = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction(Record):
    """What an organiser does, with who and why; the latest of a kind about a thing counts.

    Attributes:
        who: The organiser.
        why: The reason.
    """

    who: Name
    why: _Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(Correction):
    """One record of the user does not count.

    Attributes:
        target: Identity of that record: an event, a hint, a join or an adjustment.
        restore: Whether it counts again after all.
    """

    kind: ClassVar[str] = "undo"

    target: Name
    restore: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disqualify(Correction):
    """The user is out of the ranking.

    Attributes:
        lifted: Whether the user is in it again.
    """

    kind: ClassVar[str] = "disqualify"

    lifted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust(Correction):
    """Points are given or taken.

    Attributes:
        points: Above 0 given, below 0 taken.
    """

    kind: ClassVar[str] = "adjust"

    points: Points


@dataclass(frozen=True, slots=True, kw_only=True)
class Hide(Correction):
    """The user is an account for tests and is not shown.

    Attributes:
        hidden: False to show the user again.
    """

    kind: ClassVar[str] = "hide"

    hidden: bool = True


AnyRecord = Event | Join | Hint | Undo | Disqualify | Adjust | Hide
"""Everything that a log holds."""

RECORD_TYPES: dict[str, type[AnyRecord]] = {
    each.kind: each for each in (Event, Join, Hint, Undo, Disqualify, Adjust, Hide)
}
"""Each kind's class."""
