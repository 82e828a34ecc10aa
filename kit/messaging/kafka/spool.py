"""Messages on disk that wait for Kafka to come back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.errors import ConfigError

MAX_BYTES = 256_000_000
"""How much a spool holds, bytes of messages; beyond it the oldest go."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL, key BLOB, headers TEXT NOT NULL, value BLOB NOT NULL
)
"""


@dataclass(frozen=True)
class SpooledMessage:
    """A Kafka message that waits.

    Attributes:
        topic: Where it goes.
        key: Its key.
        headers: Its headers, by name.
        value: Its value.
        number: Its place in the spool; 0 until it has one.
    """

    topic: str
    key: bytes | None
    headers: dict[str, bytes]
    value: bytes
    number: int = 0

    @property
    def size(self) -> int:
        """What it counts for against ``MAX_BYTES``."""
        return len(self.value)


class Spool:
    """A queue of messages in a SQLite file, which survives the process.

    Args:
        path: The file; its folder is made if it is missing.
        max_bytes: How much it holds.

    Raises:
        ConfigError: If the file cannot be used.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
            self._count, self._bytes = self._db.execute(
                "SELECT count(*), coalesce(sum(length(value)), 0) FROM message"
            ).fetchone()
        except (sqlite3.Error, OSError) as error:
            raise ConfigError(
                "What Kafka does not take cannot be kept on disk",
                expected=f"a SQLite file at {path}",
                got=str(error),
                fix="give a folder that can be written to, or remove the file",
            ) from error

    def __len__(self) -> int:
        return int(self._count)

    def put(self, message: SpooledMessage) -> int:
        """Append a message, at the cost of the oldest if the spool is full.

        Returns:
            How many old messages had to go.

        Raises:
            sqlite3.Error: If the disk does not take it.
        """
        headers = json.dumps({name: value.decode() for name, value in message.headers.items()})
        self._db.execute(
            "INSERT INTO message (topic, key, headers, value) VALUES (?, ?, ?, ?)",
            (message.topic, message.key, headers, message.value),
        )
        self._count += 1
        self._bytes += message.size
        gone = 0
        while self._bytes > self._max_bytes and self._count > 1:
            self.remove(self.oldest(1)[0])
            gone += 1
        return gone

    def oldest(self, limit: int, *, after: int = 0) -> Sequence[SpooledMessage]:
        """Return messages in the order in which they were put; they stay.

        Args:
            limit: How many at most.
            after: Only those with a higher number.
        """
        rows = self._db.execute(
            "SELECT topic, key, headers, value, id FROM message WHERE id > ? ORDER BY id LIMIT ?",
            (after, limit),
        )
        return [
            SpooledMessage(
                topic, key, {n: v.encode() for n, v in json.loads(headers).items()}, value, number
            )
            for topic, key, headers, value, number in rows
        ]

    def remove(self, message: SpooledMessage) -> None:
        """Take a message out; nothing happens if it is gone already."""
        gone = self._db.execute("DELETE FROM message WHERE id = ?", (message.number,)).rowcount
        self._count -= gone
        self._bytes -= gone * message.size

    def close(self) -> None:
        """Close the file."""
        self._db.close()
