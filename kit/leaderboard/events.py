"""Understands records, gives each an identity, and holds them against the rules.

What records there are, and what they look like as lines of JSON, is in
:mod:`kit.leaderboard.records`; they can be imported from here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeGuard, TypeVar

from pydantic import TypeAdapter, ValidationError

from kit.errors import EventError
from kit.leaderboard.records import (
    MAX_MS,
    RECORD_TYPES,
    Adjust,
    AnyRecord,
    Correction,
    Disqualify,
    Event,
    Hide,
    Hint,
    Join,
    Name,
    Record,
    Undo,
)
from kit.leaderboard.rules import Rules, to_ms

__all__ = [
    "MAX_MS",
    "RECORD_TYPES",
    "Adjust",
    "AnyRecord",
    "Correction",
    "Disqualify",
    "Event",
    "Hide",
    "Hint",
    "Join",
    "Name",
    "Record",
    "Undo",
    "at_ms",
    "check",
    "identified",
    "identity",
    "parse",
    "to_fields",
]

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
