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

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, ClassVar, TypeGuard, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from kit.errors import EventError
from kit.leaderboard.rules import Points, Rules, to_ms

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
        id: Identity; :func:`identity` of the content if empty when parsed.
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

_R = TypeVar("_R", bound=AnyRecord)


def parse(fields_: Mapping[str, Any], *, starts_at: datetime | None = None) -> AnyRecord:
    """Understand one record.

    Args:
        fields_: Its fields, as in a line of JSON; what is None counts as not given.
        starts_at: Start of the event, for times in ISO 8601. Such a time, and this one, is UTC if
            it has no offset.

    Returns:
        The record, with an identity.

    Raises:
        EventError: If a field is missing, unknown or cannot be.
    """
    if not isinstance(fields_, Mapping):
        raise EventError("A record is no object", expected="its fields by name", got=fields_)
    given = {str(key): value for key, value in fields_.items() if value is not None}
    kind = given.pop("kind", Event.kind)
    if not isinstance(kind, str) or kind not in RECORD_TYPES:
        raise EventError(
            "A record is of an unknown kind", expected=f"one of {', '.join(RECORD_TYPES)}", got=kind
        )
    if "time" not in given:
        raise EventError(f"The {kind} has no 'time'", expected="seconds from the start, or ISO")
    given["at_ms"] = at_ms(given.pop("time"), starts_at=starts_at)
    try:
        record = _adapter(kind).validate_python(given)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = ".".join(map(str, fault["loc"])) or kind
        raise EventError(
            f"The field '{name}' of the {kind} is wrong: {fault['msg']}",
            expected=f"some of {', '.join(_public_fields(kind))}",
            got=fault.get("input"),
        ) from error
    return identified(record)


def at_ms(time: object, *, starts_at: datetime | None = None) -> int:
    """Turn a moment into milliseconds from the start.

    Args:
        time: Seconds from the start, or ISO 8601.
        starts_at: Start of the event; needed for ISO 8601.

    Raises:
        EventError: If it is neither, beyond a year, or the start would have to be known.
    """
    if isinstance(time, datetime):
        moment = time
    elif isinstance(time, str):
        try:
            moment = datetime.fromisoformat(time)
        except ValueError as error:
            raise EventError(
                "A time cannot be understood",
                expected="seconds from the start as a number, or ISO 8601",
                got=time,
            ) from error
    elif (
        isinstance(time, int | float) and not isinstance(time, bool) and abs(time) * 1000 <= MAX_MS
    ):
        return to_ms(time)
    else:
        raise EventError(
            "A time cannot be", expected="seconds from the start, less than a year", got=time
        )
    if starts_at is None:
        raise EventError(
            "A time in ISO 8601 needs the start of the event, which nobody told",
            got=str(time),
            fix="give the start: 'starts_at' in the rule file, or --starts-at",
        )
    return round((_aware(moment) - _aware(starts_at)) / timedelta(milliseconds=1))


def identity(record: AnyRecord) -> str:
    """Derive a record's identity from its content: the same content gives the same one."""
    content = json.dumps(_content(record), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def identified(record: _R) -> _R:
    """Return the record with an identity, its own if it has one."""
    return record if record.id else replace(record, id=identity(record))


def to_fields(record: AnyRecord) -> dict[str, Any]:
    """Return a record as the fields of a line of JSON, its time in seconds from the start."""
    content = _content(record)
    return {"id": record.id, "time": record.at_ms / 1000, **content}


def check(record: AnyRecord, rules: Rules) -> None:
    """Refuse what the rules do not know.

    Args:
        record: Any record.
        rules: Of the event.

    Raises:
        EventError: If its exercise, environment, condition or bracket is none of the rules'.
    """
    if isinstance(record, Event | Hint):
        exercise = rules.exercise(record.exercise)
        if exercise is None:
            known = [each.id for each in rules.exercises]
            raise _unknown("exercise", record.exercise, known)
        if isinstance(record, Event):
            if record.env and exercise.environments and record.env not in exercise.environments:
                raise _unknown("environment", record.env, exercise.environments)
            conditions = [condition.id for condition in exercise.conditions]
            if record.condition not in (conditions or [""]):
                raise _unknown(f"condition of '{exercise.id}'", record.condition, conditions)
    if isinstance(record, Join) and record.bracket and record.bracket not in rules.brackets:
        raise _unknown("bracket", record.bracket, rules.brackets)


def _unknown(what: str, got: str, known: Iterable[str]) -> EventError:
    return EventError(
        f"The rules know no such {what}", expected=", ".join(known) or "none at all", got=got
    )


def _content(record: AnyRecord) -> dict[str, Any]:
    own = {field.name: getattr(record, field.name) for field in fields(record)}
    own.pop("id")
    own["time"] = own.pop("at_ms") / 1000
    return {"kind": record.kind, **{key: value for key, value in own.items() if value != ""}}


def _public_fields(kind: str) -> list[str]:
    names = [field.name for field in fields(RECORD_TYPES[kind])]
    return ["time", *(name for name in names if name != "at_ms")]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@cache
def _adapter(kind: str) -> TypeAdapter[AnyRecord]:
    return TypeAdapter(RECORD_TYPES[kind])
