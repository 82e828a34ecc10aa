"""The log's tables, and what each database needs so that it only grows and forgets nothing."""

from __future__ import annotations

import sqlite3
from typing import Any

from kit.errors import ConfigError, missing_extra

try:
    from sqlalchemy import (
        BigInteger,
        Column,
        Connection,
        Engine,
        Integer,
        MetaData,
        String,
        Table,
        Text,
        create_engine,
        event,
        text,
    )
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
    from sqlalchemy.pool import StaticPool
except ImportError as error:
    raise missing_extra("sqlalchemy", "leaderboard") from error

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another one."""

APPEND_LOCK = 7_110_421
"""PostgreSQL's advisory lock that lets one writer append at a time: any number, but always this."""

METADATA = MetaData()

RECORDS = Table(
    "leaderboard_records",
    METADATA,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(100), nullable=False, unique=True),
    Column("kind", String(20), nullable=False, index=True),
    Column("user", String(100), nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("recorded_by", String(100), nullable=False),
    sqlite_autoincrement=True,
)
"""Records: identity, what is looked for, the fields as JSON; when and by whom they were kept."""

_SQLITE_GUARDS = [
    f"CREATE TRIGGER IF NOT EXISTS leaderboard_records_no_{verb} BEFORE {verb.upper()} "
    "ON leaderboard_records BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
    for verb in ("update", "delete")
]
_POSTGRESQL_GUARDS = [
    """
    CREATE OR REPLACE FUNCTION leaderboard_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$
    """,
    """
    CREATE OR REPLACE TRIGGER leaderboard_records_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON leaderboard_records
    EXECUTE FUNCTION leaderboard_append_only()
    """,
]


def connect(url: str) -> Engine:
    """Reach a database and set up its tables.

    Args:
        url: SQLAlchemy's, such as ``sqlite:///event.db`` or ``postgresql+psycopg://user@host/db``.

    Raises:
        ConfigError: If the URL is wrong, or the database cannot be reached or is of another kind.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _wrong(url, error) from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise _wrong(parsed.render_as_string(), "another kind of database")
    try:
        engine = create_engine(parsed, **_options(parsed))
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
        with engine.connect() as connection:
            begin_append(connection)
            METADATA.create_all(connection)
            guards = _SQLITE_GUARDS if engine.dialect.name == "sqlite" else _POSTGRESQL_GUARDS
            for statement in guards:
                connection.execute(text(statement))
            connection.commit()
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "psycopg", "leaderboard") from error
    except (SQLAlchemyError, NoSuchModuleError, OSError) as error:
        raise _wrong(parsed.render_as_string(), error) from error
    return engine


def begin_append(connection: Connection) -> None:
    """Begin a transaction that no other writer's overlaps; it ends with the commit.

    So sequence numbers become visible in their order: a reader that goes on after the last one it
    has seen passes over none.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({APPEND_LOCK})"))


def _options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        return {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    return {"pool_pre_ping": True}


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver shall begin no transaction by itself: begin_append does, before the first read.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    # Each commit is on the disk before it is acknowledged; NORMAL would lose some with the power.
    connection.execute("PRAGMA synchronous = FULL")


def _wrong(url: str, problem: object) -> ConfigError:
    return ConfigError(
        f"The leaderboard's database '{url}' cannot be used",
        expected="sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
        got=" ".join(str(problem).split())[:300],
    )
