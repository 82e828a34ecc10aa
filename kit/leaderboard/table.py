"""The leaderboard as tables: standings and log to CSV, and events from CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from kit.errors import EventError
from kit.leaderboard.events import AnyRecord, check, parse, to_fields
from kit.leaderboard.names import clean_name
from kit.leaderboard.rules import Rules
from kit.leaderboard.standings import Standings
from kit.leaderboard.store import Stored

LARGEST_CSV = 5_000_000
"""How large a CSV file may be that is brought in, bytes."""

COLUMNS = ("time", "user", "exercise", "env", "condition", "value", "source", "id")
"""Columns that a CSV of events may have; the first three it must have."""

_NUMBERS = ("value",)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def standings_csv(board: Standings, rules: Rules) -> str:
    """Write standings: a row a user, ranked ones first; finishes in seconds from the start."""
    exercises = [exercise.id for exercise in rules.exercises]
    head = ["rank", "user", "name", "score", "bracket", "team", "hints", "penalty", "adjustment"]
    out = _writer([*head, "hidden", "disqualified", *exercises])
    for row in (*board.rows, *board.unranked):
        finished = row.finished
        figures = [row.hints, row.penalty, row.adjustment, int(row.hidden), int(row.disqualified)]
        out.row(
            row.rank or "",
            *(row.user, row.name, row.score, row.bracket, row.team),
            *figures,
            *(finished.get(exercise, "") for exercise in exercises),
        )
    return out.text()


def log_csv(log: Iterable[Stored]) -> str:
    """Write a log: a row a record, in the order in which they were kept."""
    columns = ("id", "time", "user", "exercise", "env", "condition", "value", "source")
    others = ("points", "target", "hint", "name", "bracket", "team", "who", "why")
    out = _writer(["sequence", "recorded_at", "recorded_by", "kind", *columns, *others])
    for stored in log:
        fields = to_fields(stored.record)
        out.row(
            stored.sequence,
            stored.recorded_at.isoformat(),
            stored.recorded_by,
            stored.record.kind,
            *(fields.get(name, "") for name in (*columns, *others)),
        )
    return out.text()


def read_csv(
    text: str, rules: Rules, *, starts_at: datetime | None = None, name: str = "the table"
) -> list[AnyRecord]:
    """Understand a CSV of events.

    Args:
        text: With a head line of some of `COLUMNS`; separated by commas, semicolons or tabs.
        rules: What they do not know is refused.
        starts_at: Start of the event, for times in ISO 8601.
        name: What to call it in messages.

    Returns:
        The events, in the order of the rows. A row that comes twice has the same identity.

    Raises:
        EventError: If it cannot be understood; names the line.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    head = lines[0] if lines else ""
    separator = max(",;\t", key=head.count)
    reader = csv.DictReader(lines, delimiter=separator, strict=True)
    columns = [(column or "").strip().lower() for column in reader.fieldnames or []]
    missing = [column for column in COLUMNS[:3] if column not in columns]
    unknown = [column for column in columns if column not in COLUMNS]
    if missing or unknown:
        raise EventError(
            f"The head line of {name} is wrong",
            expected=f"time, user, exercise and perhaps {', '.join(COLUMNS[3:])}",
            got=head[:200] or "nothing",
        )
    reader.fieldnames = columns
    try:
        return [_event(row, rules, starts_at) for row in reader]
    except (EventError, csv.Error, ValueError) as error:
        problem = error.problem if isinstance(error, EventError) else str(error)
        raise EventError(f"{name}, line {reader.line_num}: {problem}") from error


def _event(row: dict[str, str], rules: Rules, starts_at: datetime | None) -> AnyRecord:
    if None in row or None in row.values():
        raise EventError("The line has not as many cells as the head")
    fields: dict[str, object] = {key: cell.strip() for key, cell in row.items() if cell.strip()}
    fields["time"] = _time(str(fields.get("time", "")))
    fields["user"] = clean_name(_unquoted(str(fields.get("user", ""))))
    for number in _NUMBERS:
        if number in fields:
            fields[number] = float(str(fields[number]))
    record = parse(fields, starts_at=starts_at)
    check(record, rules)
    return record


def _time(cell: str) -> object:
    try:
        return float(cell)
    except ValueError:
        return cell


def _unquoted(cell: str) -> str:
    """Undo what `_cell` did."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking somebody's name for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


class _Table:
    def __init__(self) -> None:
        self._out = io.StringIO()
        self._csv = csv.writer(self._out, lineterminator="\r\n")  # RFC 4180

    def row(self, *cells: object) -> None:
        self._csv.writerow([_cell(cell) for cell in cells])

    def text(self) -> str:
        return self._out.getvalue()


def _writer(head: Iterable[str]) -> _Table:
    table = _Table()
    table.row(*head)
    return table
