"""The audit trail: who did what, when and why, from the desk and from the log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kit.leaderboard.api import AuditRow, CorrectionKind
from kit.leaderboard.desk import Deed, Entry, from_epoch_ms
from kit.leaderboard.events import Adjust, Correction, Disqualify, Hide, Undo
from kit.leaderboard.store import Stored

ROWS = 500
"""How many lines are told."""


def trail(entries: Iterable[Entry], log: Iterable[Stored]) -> list[AuditRow]:
    """Return the newest lines, the newest first.

    Args:
        entries: Of the desk.
        log: Of the event.
    """
    rows = [_deed_row(entry) for entry in entries]
    for stored in log:
        record = stored.record
        if isinstance(record, Correction):
            rows.append(_correction_row(record, stored.recorded_at))
        elif (by := stored.recorded_by.partition(": "))[0] in {"desk", "import"}:
            rows.append(
                AuditRow(
                    at=stored.recorded_at,
                    who=by[2],
                    what=record.kind if by[0] == "desk" else by[0],
                    about=record.user,
                    detail=getattr(record, "exercise", ""),
                    why="",
                )
            )
    rows.sort(key=lambda row: row.at, reverse=True)
    return rows[:ROWS]


def _deed_row(entry: Entry) -> AuditRow:
    detail = ""
    if entry.deed is Deed.BEGIN:
        detail = from_epoch_ms(entry.value).isoformat(timespec="seconds")
    elif entry.deed is Deed.REVEAL:
        detail = str(entry.value)
    return AuditRow(
        at=from_epoch_ms(entry.at_ms),
        who=entry.who,
        what=entry.deed,
        about=entry.about,
        detail=detail,
        why=entry.why,
    )


def _correction_row(record: Correction, at: datetime) -> AuditRow:
    what, detail = record.kind, ""
    match record:
        case Hide(hidden=False):
            what = CorrectionKind.SHOW
        case Disqualify(lifted=True):
            what = CorrectionKind.REINSTATE
        case Undo(target=detail, restore=restore):
            what = CorrectionKind.RESTORE if restore else CorrectionKind.UNDO
        case Adjust(points=points):
            detail = f"{points:+g}"
    return AuditRow(
        at=at, who=record.who, what=what, about=record.user, detail=detail, why=record.why
    )
