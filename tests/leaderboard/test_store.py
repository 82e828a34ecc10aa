"""The log: once, for ever, in order, in SQLite and in a real PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from kit.errors import ConfigError
from kit.leaderboard.events import (
    Adjust,
    AnyRecord,
    Disqualify,
    Event,
    Hide,
    Join,
    Undo,
    identified,
)
from kit.leaderboard.store import Store

WRITER = """
import sys
from kit.leaderboard.events import Event, identified
from kit.leaderboard.store import Store

with Store.open(sys.argv[1]) as store:
    for number in range(1_000_000):
        pair = [
            identified(Event(at_ms=number, user=f"user-{number}", exercise=exercise))
            for exercise in ("hero", "villain")
        ]
        store.append(pair)
        print(*(record.id for record in pair), flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/log.db"
        return
    server = make_url(request.getfixturevalue("postgresql_url"))
    name = f"test_{uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    yield server.set(database=name).render_as_string(hide_password=False)


def event(number: int = 0, *, user: str = "ada") -> Event:
    return identified(Event(at_ms=number, user=user, exercise="hero"))


def records(store: Store) -> list[AnyRecord]:
    return [stored.record for stored in store.read()]


def test_a_record_that_comes_twice_is_kept_once(url: str) -> None:
    with Store.open(url) as store:
        first = store.append([event(1), event(2), event(1)])
        again = store.append([event(2), event(3)])
        kept = records(store)
    assert (first.accepted, first.duplicates) == ((event(1), event(2)), (event(1),))
    assert (again.accepted, again.duplicates) == ((event(3),), (event(2),))
    assert sorted(kept, key=lambda record: record.at_ms) == [event(1), event(2), event(3)]


def test_the_same_record_twice_in_one_go_is_accepted_once(url: str) -> None:
    record = event(1)
    with Store.open(url) as store:
        told = store.append([record, record])
    assert (told.accepted, told.duplicates) == ((record,), (record,))


def test_another_content_cannot_take_the_place_of_a_kept_one(url: str) -> None:
    forged = Event(at_ms=0, user="bob", exercise="hero", id=event().id)
    with Store.open(url) as store:
        assert store.append([event(), forged]).conflicts == (forged,)
        assert store.append([forged]).conflicts == (forged,)
        assert records(store) == [event()]


def test_every_kind_of_record_is_read_as_it_was_kept(url: str) -> None:
    why = {"who": "organiser", "why": "it's a test; DROP TABLE leaderboard_records --"}
    given: list[AnyRecord] = [
        Event(at_ms=-5, user="ada", exercise="hero", env="prod", condition="c", value=0.25),
        Join(at_ms=0, user="ada", name="Ada 🚂 <b>", bracket="students", team="émile"),
        Undo(at_ms=9, user="ada", target="x", restore=True, **why),
        Disqualify(at_ms=9, user="ada", **why),
        Adjust(at_ms=9, user="ada", points=-1.5, **why),
        Hide(at_ms=9, user="ada", hidden=False, **why),
    ]
    with Store.open(url) as store:
        store.append(given)
        kept = records(store)
    by_kind = {record.kind: record for record in kept}
    assert [by_kind[record.kind] for record in given] == [identified(record) for record in given]


def test_a_log_is_there_when_it_is_opened_again(url: str) -> None:
    with Store.open(url) as store:
        store.append([event(1)])
    with Store.open(url) as store:
        assert records(store) == [event(1)]
        assert store.append([event(1)]).duplicates == (event(1),)


def test_a_reader_goes_on_after_what_it_knows(url: str) -> None:
    with Store.open(url) as store:
        store.append([event(1)])
        known = store.last()
        store.append([event(2)])
        store.append([event(3)])
        assert [stored.record for stored in store.read(after=known)] == [event(2), event(3)]
        assert [stored.record for stored in store.read(after=known, limit=1)] == [event(2)]
        assert store.read(after=store.last()) == []


def test_the_audit_tells_who_did_what_why_and_when_it_was_kept(url: str) -> None:
    fair = Adjust(at_ms=5, user="ada", points=3, who="olga", why="the power was off")
    unfair = Disqualify(at_ms=6, user="bob", who="olga", why="copied")
    with Store.open(url) as store:
        store.append([event(), fair], by="olga's laptop")
        store.append([unfair])
        told = store.audit()
        about_bob = store.audit("bob")
    assert [stored.record for stored in told] == [identified(fair), identified(unfair)]
    assert told[0].recorded_by == "olga's laptop"
    assert told[0].recorded_at <= told[1].recorded_at
    assert [stored.record for stored in about_bob] == [identified(unfair)]


@pytest.mark.parametrize("verb", ["DELETE FROM", "UPDATE"])
def test_the_database_itself_refuses_to_change_the_past(url: str, verb: str) -> None:
    with Store.open(url) as store:
        store.append([event()])
        rest = " SET content = ''" if verb == "UPDATE" else ""
        engine = create_engine(url)
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(f"{verb} leaderboard_records{rest}"))
        engine.dispose()
        assert records(store) == [event()]


def test_writers_at_once_lose_nothing_and_a_reader_passes_over_nothing(url: str) -> None:
    seen: list[AnyRecord] = []

    def write(user: str) -> int:
        with Store.open(url) as store:
            batches = [[event(n, user=user), event(n, user="both")] for n in range(15)]
            return sum(len(store.append(batch).accepted) for batch in batches)

    with Store.open(url) as store, ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, user) for user in ("ada", "bob", "cem")]
        last, finished = 0, False
        while not finished:
            finished = all(writer.done() for writer in writers)  # before the last look
            for stored in store.read(after=last):
                last = stored.sequence
                seen.append(stored.record)
        assert sum(writer.result() for writer in writers) == len(seen) == 4 * 15
        assert len({record.id for record in seen}) == len(seen)


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(url: str) -> None:
    acknowledged: list[str] = []
    command = [sys.executable, "-c", WRITER, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            acknowledged += line.split()
            if len(acknowledged) == 100:
                writer.send_signal(signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    with Store.open(url) as store:
        kept = [record.id for record in records(store)]
        assert set(acknowledged) <= set(kept)
        assert len(set(kept)) == len(kept)
        assert len(kept) % 2 == 0, "half a transaction was kept"
        assert len(store.append([event(0, user="user-0")]).duplicates) == 1


def test_sqlite_waits_for_the_disk_at_each_commit(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/log.db") as store, store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_log_in_memory_serves_several_threads() -> None:
    with Store.open() as store, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: store.append([event(number)]), range(20)))
        assert len(store.read()) == 20


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("nonsense", "could not parse"),
        ("mysql://host/db", "another kind"),
        ("sqlite:////no/such/folder/log.db", "unable to open"),
        ("postgresql+psycopg://kit:secret@127.0.0.1:1/db", "connection"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(wrong: str, told: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used") as raised:
        Store.open(wrong)
    assert told in str(raised.value).lower()
    assert "secret" not in str(raised.value)


def test_a_full_database_acknowledges_nothing(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/log.db") as store:
        with store._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(ConfigError, match="did not take"):
            store.append([event(number) for number in range(500)])
        assert records(store) == []
