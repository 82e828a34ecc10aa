"""The log of an event in a database: it only grows, and each record is in it once.

What :meth:`Store.append` has returned is on the disk; neither ``kill -9`` nor, as far as the disk
keeps its word, a power cut takes it back.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from types import TracebackType
from typing import Any, Self

# After store_tables, which tells how to install it where it is missing.
from sqlalchemy import Connection, Engine, Row, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from kit.errors import ConfigError
from kit.leaderboard.events import RECORD_TYPES, AnyRecord, Correction, identified, parse, to_fields
from kit.leaderboard.store_tables import RECORDS, begin_append, connect

ROWS_AT_ONCE = 500
"""Rows that one statement asks about; databases bound the number of a statement's parameters."""

_CORRECTIONS = [kind for kind, model in RECORD_TYPES.items() if issubclass(model, Correction)]


@dataclass(frozen=True, slots=True)
class Stored:
    """A record in the log.

    Attributes:
        sequence: Its number; larger than that of every record before it.
        record: The record.
        recorded_at: When it was kept, UTC.
        recorded_by: Who had it kept, such as a claim's token or an organiser; empty if unknown.
    """

    sequence: int
    record: AnyRecord
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of records.

    Attributes:
        accepted: New ones, now kept, in the order given.
        duplicates: Those that were there already, with the same content.
        conflicts: Those whose identity belongs to a record with other content; not kept.
    """

    accepted: tuple[AnyRecord, ...] = ()
    duplicates: tuple[AnyRecord, ...] = ()
    conflicts: tuple[AnyRecord, ...] = ()


class Store:
    """A log in a database. Threads and processes, also of several machines, may share it.

    Args:
        engine: SQLAlchemy's, of a database with our tables; see :meth:`open`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # A database in memory has one connection, which its threads have to take turns with.
        self._turn: AbstractContextManager[object] = (
            Lock() if isinstance(engine.pool, StaticPool) else nullcontext()
        )
        dialect = sqlite if engine.dialect.name == "sqlite" else postgresql
        self._insert = dialect.insert(RECORDS).on_conflict_do_nothing().returning(RECORDS.c.id)

    @classmethod
    def open(cls, url: str = "sqlite://") -> Self:
        """Open a log, and set it up if it is new.

        Args:
            url: ``sqlite:///FILE``, ``postgresql+psycopg://USER:PASSWORD@HOST/DATABASE``, or
                ``sqlite://`` for one that is forgotten when it is closed.

        Raises:
            ConfigError: If it cannot be opened.
        """
        return cls(connect(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    def append(self, records: Iterable[AnyRecord], *, by: str = "") -> Appended:
        """Keep records, all of them in one transaction.

        Args:
            records: Any number, of any kind; one transaction for many is much faster.
            by: Who has them kept.

        Returns:
            What is new and what was there already. When this returns, the new ones are on the disk.

        Raises:
            ConfigError: If the database does not take them; then none of them is kept.
        """
        given = [identified(record) for record in records]
        if not given:
            return Appended()
        unique: dict[str, AnyRecord] = {}
        for record in given:
            unique.setdefault(record.id, record)
        try:
            with self._turn, self._engine.connect() as connection:
                begin_append(connection)
                new = self._insert_new(connection, list(unique.values()), by)
                kept = _contents(connection, [r.id for r in given if r.id not in new])
                connection.commit()
        except SQLAlchemyError as error:
            raise ConfigError(
                "The leaderboard's database did not take the records",
                got=" ".join(str(error).split())[:300],
                fix="see whether it runs, and whether its disk is full; then send them again",
            ) from error
        return _sorted_out(given, new, kept)

    def read(self, *, after: int = 0, limit: int | None = None) -> list[Stored]:
        """Return records in the order in which they were kept.

        Args:
            after: Sequence number of the last one that is known already; 0 for none.
            limit: How many at most; all if None.
        """
        rows = select(RECORDS).where(RECORDS.c.sequence > after).order_by(RECORDS.c.sequence)
        with self._turn, self._engine.connect() as connection:
            return [_stored(row) for row in connection.execute(rows.limit(limit))]

    def audit(self, user: str | None = None) -> list[Stored]:
        """Return the organisers' corrections, the oldest first: who, when, why.

        Args:
            user: About this one only, if given.
        """
        rows = select(RECORDS).where(RECORDS.c.kind.in_(_CORRECTIONS)).order_by(RECORDS.c.sequence)
        if user is not None:
            rows = rows.where(RECORDS.c.user == user)
        with self._turn, self._engine.connect() as connection:
            return [_stored(row) for row in connection.execute(rows)]

    def last(self) -> int:
        """Return the sequence number of the newest record, 0 if there is none."""
        with self._turn, self._engine.connect() as connection:
            return connection.execute(select(func.max(RECORDS.c.sequence))).scalar() or 0

    def _insert_new(
        self, connection: Connection, records: Sequence[AnyRecord], by: str
    ) -> dict[str, AnyRecord]:
        now_ms = time.time_ns() // 1_000_000
        rows = [
            {
                "id": record.id,
                "kind": record.kind,
                "user": record.user,
                "at_ms": record.at_ms,
                "content": _content(record),
                "recorded_ms": now_ms,
                "recorded_by": by[:100],
            }
            for record in records
        ]
        accepted = set(connection.execute(self._insert, rows).scalars())
        return {record.id: record for record in records if record.id in accepted}


def _contents(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for first in range(0, len(ids), ROWS_AT_ONCE):
        some = ids[first : first + ROWS_AT_ONCE]
        rows = select(RECORDS.c.id, RECORDS.c.content).where(RECORDS.c.id.in_(some))
        found |= {row.id: row.content for row in connection.execute(rows)}
    return found


def _sorted_out(
    given: Sequence[AnyRecord], new: dict[str, AnyRecord], kept: dict[str, str]
) -> Appended:
    accepted: list[AnyRecord] = []
    duplicates: list[AnyRecord] = []
    conflicts: list[AnyRecord] = []
    told: set[str] = set()
    for record in given:
        if record.id in new and record.id not in told:
            accepted.append(record)
            told.add(record.id)
        elif record.id in new:
            (duplicates if new[record.id] == record else conflicts).append(record)
        else:
            (duplicates if kept[record.id] == _content(record) else conflicts).append(record)
    return Appended(tuple(accepted), tuple(duplicates), tuple(conflicts))


def _content(record: AnyRecord) -> str:
    return json.dumps(to_fields(record), ensure_ascii=False, sort_keys=True)


def _stored(row: Row[Any]) -> Stored:
    fields = json.loads(row.content)
    recorded_at = datetime.fromtimestamp(row.recorded_ms / 1000, UTC)
    return Stored(row.sequence, parse(fields), recorded_at, row.recorded_by)
