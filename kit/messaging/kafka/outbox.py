"""What Kafka has not acknowledged yet, on disk: it survives the process, ``kill -9`` included.

A row is written before its event is handed to Kafka and removed once Kafka has acknowledged it.
SQLite keeps its log ahead of the file (WAL) and does not wait for the disk: what was put is safe
from a killed process at once, and from a power cut after the next :meth:`Outbox.checkpoint`.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kit.errors import ConfigError

ROW_BYTES = 200
"""What a row counts for beside its value and headers: keys, indexes, the page's overhead."""

CLOCK_STEP_S = 60.0
"""A wall clock that jumps by more was set; ages are corrected then, seconds."""

_SHRINK_PAGES = 2000
_WAL_KEPT_BYTES = 16_000_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS {shelf} (
    number INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE, at_s REAL NOT NULL,
    size INTEGER NOT NULL, topic TEXT NOT NULL, key BLOB, headers TEXT NOT NULL, value BLOB NOT NULL
)
"""


class Shelf(StrEnum):
    """What is kept apart: events are all kept, images as long as there is room."""

    EVENTS = "events"
    IMAGES = "images"


@dataclass(frozen=True)
class Parcel:
    """A Kafka message that waits to be acknowledged.

    Attributes:
        event_id: Of the event that it carries.
        topic: Where it goes.
        key: Its key.
        headers: Its headers, by name.
        value: Its value.
        number: Its place on its shelf; 0 until it has one.
    """

    event_id: str
    topic: str
    key: bytes | None
    headers: dict[str, bytes]
    value: bytes
    number: int = 0


@dataclass(frozen=True)
class OutboxLimits:
    """How much is kept, and for how long.

    Attributes:
        max_bytes: Most bytes of events and images together. When they are reached the oldest
            images go; when there are none left, the oldest events.
        image_age_s: Older images go, seconds.
        event_age_s: Older events go, seconds.
    """

    max_bytes: int = 1_000_000_000
    image_age_s: float = 6 * 3600.0
    event_age_s: float = 7 * 86_400.0


@dataclass(frozen=True)
class Given:
    """What an outbox gave up since it was opened.

    Attributes:
        thinned: Images, to make room or because of their age.
        lost: Events, because events alone exceed the bound or are too old.
    """

    thinned: int = 0
    lost: int = 0


class Outbox:
    """Two shelves of numbered parcels in a SQLite file; safe to use from several threads.

    Args:
        path: The file, whose folder is made if it is missing; in memory only if None.
        limits: How much is kept.

    Raises:
        ConfigError: If the file cannot be used, or another process uses it.
    """

    def __init__(self, path: Path | None, *, limits: OutboxLimits | None = None) -> None:
        self.path = path
        self.limits = limits or OutboxLimits()
        self._lock = threading.Lock()
        self._thinned = 0
        self._lost = 0
        self._clock_ahead_s = time.time() - time.monotonic()
        self._holder: int | None = None
        self._checkpointer: sqlite3.Connection | None = None
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._holder = _hold(path)
            self._db = _open(path)
            self._counts = {shelf: self._sum("count(*)", shelf) for shelf in Shelf}
            self._bytes = {shelf: self._sum("coalesce(sum(size), 0)", shelf) for shelf in Shelf}
            self._old_up_to = {shelf: self.newest(shelf) for shelf in Shelf}
            if path is not None:
                self._checkpointer = sqlite3.connect(path, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            raise ConfigError(
                "What waits for Kafka cannot be kept on disk",
                expected=f"a SQLite file at {path}",
                got=str(error),
                fix="give a folder that can be written to, or remove the file",
            ) from error

    @property
    def given(self) -> Given:
        """What was given up so far."""
        return Given(self._thinned, self._lost)

    @property
    def bytes(self) -> int:
        """What waits on both shelves, bytes."""
        return sum(self._bytes.values())

    def waiting(self, shelf: Shelf) -> int:
        """How many parcels wait on a shelf."""
        return self._counts[shelf]

    def newest(self, shelf: Shelf) -> int:
        """Number of the parcel that was put last; 0 if the shelf is empty."""
        with self._lock:
            return self._sum("coalesce(max(number), 0)", shelf)

    def put(self, shelf: Shelf, parcel: Parcel) -> int:
        """Keep a parcel, at the cost of the oldest images if there is no room.

        Args:
            shelf: Where.
            parcel: What; an event that waits there already is not kept twice.

        Returns:
            Its number, higher than all before it; 0 if it waits already.

        Raises:
            sqlite3.Error: If the disk does not take it.
        """
        headers = json.dumps({name: value.decode() for name, value in parcel.headers.items()})
        size = len(parcel.value) + len(headers) + ROW_BYTES
        row = (parcel.event_id, time.time(), size, parcel.topic, parcel.key, headers, parcel.value)
        with self._lock:
            try:
                done = self._insert(shelf, row)
            except sqlite3.OperationalError:  # such as a full disk: images make room in the file
                if not self._make_room(size * 2):
                    raise
                done = self._insert(shelf, row)
            if not done.rowcount:
                return 0
            self._counts[shelf] += 1
            self._bytes[shelf] += size
            number = done.lastrowid or 0
            excess = self.bytes - self.limits.max_bytes
            if excess > 0:
                self._make_room(excess)
                self._give_up_events(self.bytes - self.limits.max_bytes, sparing=(shelf, number))
            return number

    def after(
        self, shelf: Shelf, number: int, limit: int, *, before: int | None = None
    ) -> Sequence[Parcel]:
        """Return parcels in the order in which they were put; they stay.

        Args:
            shelf: From where.
            number: Only those with a higher number.
            limit: How many at most.
            before: Only those with a lower number than this, if given.
        """
        with self._lock:
            rows = self._db.execute(
                f"SELECT event_id, topic, key, headers, value, number FROM {shelf} "  # noqa: S608
                "WHERE number > ? AND number < ? ORDER BY number LIMIT ?",
                (number, before if before is not None else 2**62, limit),
            ).fetchall()
        return [
            Parcel(
                event_id,
                topic,
                key,
                {n: v.encode() for n, v in json.loads(headers).items()},
                value,
                place,
            )
            for event_id, topic, key, headers, value, place in rows
        ]

    def remove(self, shelf: Shelf, number: int, *, up_to: bool = False) -> None:
        """Take a parcel out; nothing happens if it is gone already.

        Args:
            shelf: From where.
            number: Which.
            up_to: Whether all before it go as well.
        """
        with self._lock:
            self._delete(shelf, f"number {'<=' if up_to else '='} ?", (number,))

    def expire(self) -> None:
        """Give up what is too old; a wall clock that was set meanwhile ages nothing."""
        now_s = time.time()
        with self._lock:
            ahead_s = now_s - time.monotonic()
            step_s, self._clock_ahead_s = ahead_s - self._clock_ahead_s, ahead_s
            if abs(step_s) > CLOCK_STEP_S:
                for shelf in Shelf:
                    self._db.execute(
                        f"UPDATE {shelf} SET at_s = at_s + ? WHERE number > ?",  # noqa: S608
                        (step_s, self._old_up_to[shelf]),
                    )
            self._thinned += self._delete(
                Shelf.IMAGES, "at_s < ?", (now_s - self.limits.image_age_s,)
            )
            self._lost += self._delete(Shelf.EVENTS, "at_s < ?", (now_s - self.limits.event_age_s,))

    def checkpoint(self) -> None:
        """Have the disk take what was put: from now on it survives a power cut, too."""
        if self._checkpointer is None:
            return
        self._checkpointer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        if not any(self._counts.values()):
            with self._lock:  # give the space of a long absence back
                # Not execute(), which takes one step of it, and that is one page.
                self._db.executescript(f"PRAGMA incremental_vacuum({_SHRINK_PAGES})")

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock:
            if self._checkpointer is not None:
                self._checkpointer.close()
            self._db.close()
        self._let_go()

    def _insert(self, shelf: Shelf, row: tuple[object, ...]) -> sqlite3.Cursor:
        return self._db.execute(
            f"INSERT OR IGNORE INTO {shelf} (event_id, at_s, size, topic, key, headers, value) "  # noqa: S608
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def _make_room(self, wanted_bytes: int) -> bool:
        """Give up the oldest images until so many bytes are free; tell whether any went."""
        gone = self._give_up(Shelf.IMAGES, wanted_bytes, sparing=0)
        self._thinned += gone
        return gone > 0

    def _give_up_events(self, wanted_bytes: int, *, sparing: tuple[Shelf, int]) -> None:
        if wanted_bytes > 0:
            newest = sparing[1] if sparing[0] is Shelf.EVENTS else 0
            self._lost += self._give_up(Shelf.EVENTS, wanted_bytes, sparing=newest)

    def _give_up(self, shelf: Shelf, wanted_bytes: int, *, sparing: int) -> int:
        last = 0
        rows = self._db.execute(f"SELECT number, size FROM {shelf} ORDER BY number")  # noqa: S608
        with _closing(rows):
            for number, size in rows:
                if wanted_bytes <= 0 or number == sparing:
                    break
                wanted_bytes -= size
                last = number
        return self._delete(shelf, "number <= ?", (last,)) if last else 0

    def _delete(self, shelf: Shelf, where: str, values: tuple[float, ...]) -> int:
        rows = self._db.execute(
            f"DELETE FROM {shelf} WHERE {where} RETURNING size",  # noqa: S608
            values,
        ).fetchall()
        self._counts[shelf] -= len(rows)
        self._bytes[shelf] -= sum(size for (size,) in rows)
        return len(rows)

    def _sum(self, what: str, shelf: Shelf) -> int:
        return int(self._db.execute(f"SELECT {what} FROM {shelf}").fetchone()[0])  # noqa: S608

    def _let_go(self) -> None:
        if self._holder is not None:
            os.close(self._holder)
            self._holder = None


@contextmanager
def _closing(rows: sqlite3.Cursor) -> Iterator[None]:
    try:
        yield
    finally:
        rows.close()  # an open one would keep the log from being taken into the file


def _open(path: Path | None) -> sqlite3.Connection:
    db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA busy_timeout = 5000")
    db.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")
    for shelf in Shelf:
        db.execute(_SCHEMA.format(shelf=shelf))
    return db


def _hold(path: Path) -> int:
    """Keep other processes out, as long as this one lives."""
    holder = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(holder)
        raise ConfigError(
            "Another program keeps what waits for Kafka in this very file",
            expected="one streaming service a train",
            got=str(path),
            fix="end the other one, or name another folder with KIT_SPOOL_DIR",
        ) from error
    return holder
