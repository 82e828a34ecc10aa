"""Logs of records as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NoReturn, TextIO

from kit.errors import EventError
from kit.leaderboard.events import AnyRecord, check, parse, to_fields
from kit.leaderboard.rules import Rules

LONGEST_LINE = 64_000
"""Characters that a line may have."""


def read_log(
    path: str | Path, *, rules: Rules | None = None, starts_at: datetime | None = None
) -> list[AnyRecord]:
    """Read a file of JSON lines.

    Args:
        path: Of the file, in UTF-8. Empty lines are passed over.
        rules: What they do not know is refused; nothing is if None.
        starts_at: Start of the event, for times in ISO 8601.

    Returns:
        The records, in the order of the file.

    Raises:
        EventError: If the file cannot be read or a line is wrong; names the line.
    """
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            return list(read_lines(file, name=str(path), rules=rules, starts_at=starts_at))
    except (OSError, UnicodeDecodeError) as error:
        raise EventError(f"The log {path} cannot be read", got=str(error)) from error


def read_lines(
    lines: Iterable[str],
    *,
    name: str = "the log",
    rules: Rules | None = None,
    starts_at: datetime | None = None,
) -> Iterator[AnyRecord]:
    """Understand JSON lines one by one; the arguments and errors are those of :func:`read_log`."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = parse(_fields(line), starts_at=starts_at)
            if rules is not None:
                check(record, rules)
        except EventError as error:
            raise EventError(
                f"{name}, line {number}: {error.problem}",
                expected=error.expected,
                got=error.got,
                fix=error.fix,
            ) from error
        yield record


def write_lines(records: Iterable[AnyRecord], file: TextIO) -> None:
    """Write records as JSON lines, which :func:`read_lines` understands."""
    file.writelines(json.dumps(to_fields(record), ensure_ascii=False) + "\n" for record in records)


def _fields(line: str) -> dict[str, object]:
    if len(line) > LONGEST_LINE:
        raise EventError(
            "A line is too long", expected=f"{LONGEST_LINE} characters at most", got=f"{len(line)}"
        )
    try:
        fields = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise EventError("A line is no JSON", got=f"{error}; {line.strip()[:80]}") from error
    if not isinstance(fields, dict):
        raise EventError("A line is no object of JSON", got=line.strip()[:80])
    return fields


def _no_number(name: str) -> NoReturn:
    msg = f"{name} is no number"
    raise ValueError(msg)
