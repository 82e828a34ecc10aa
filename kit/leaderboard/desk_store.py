"""Keeps the organiser's entries in the database of the event's log."""

from __future__ import annotations

# After store_tables, which tells how to install it where it is missing.
from sqlalchemy import BigInteger, Column, Integer, String, Table, func, insert, select

from kit.leaderboard.desk import Deed, Entry
from kit.leaderboard.store_tables import METADATA, begin_append, connect

_DESK = Table(
    "leaderboard_desk",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(100), nullable=False),
    Column("deed", String(20), nullable=False),
    Column("about", String(100), nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("why", String(500), nullable=False),
    sqlite_autoincrement=True,
)


class DeskStore:
    """Entries in the order in which they were made. Threads and processes may share it.

    Args:
        url: SQLAlchemy's URL of the database, as for the log.

    Raises:
        ConfigError: If it cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._engine = connect(url)

    def append(self, *entries: Entry) -> None:
        """Add entries, all or none."""
        rows = [
            {name: getattr(entry, name) for name in Entry.__dataclass_fields__} for entry in entries
        ]
        with self._engine.connect() as connection:
            begin_append(connection)
            connection.execute(insert(_DESK), rows)
            connection.commit()

    def count(self) -> int:
        """Return how many entries there are."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(_DESK)).scalar_one()

    def read(self) -> list[Entry]:
        """Return all entries."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(_DESK).order_by(_DESK.c.number)).mappings().all()
        return [
            Entry(
                at_ms=row["at_ms"],
                who=row["who"],
                deed=Deed(row["deed"]),
                about=row["about"],
                value=row["value"],
                why=row["why"],
            )
            for row in rows
        ]

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()
