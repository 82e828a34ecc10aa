"""Killed, restarted, doubled: what was acknowledged stays, and counts once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from kit.leaderboard.client import Participant
from kit.leaderboard.store import Store
from kit.leaderboard.stress import Load, stress
from tests.leaderboard.served import Served, served
from tests.ports import kept_port
from tests.waiting import PATIENCE_S

PEOPLE = 8
CLAIMS = 15


def test_claims_that_were_acknowledged_survive_kill_9_and_count_once(tmp_path: Path) -> None:
    port, begun = kept_port(), threading.Event()

    def claim(token: str, url: str) -> list[str]:
        ids = []
        with Participant(url, token) as me:
            for number in range(CLAIMS):
                ids.append(me.claim(("hero", "villain", "fight")[number % 3]).id)
                if number == CLAIMS // 4:
                    begun.set()
        return ids

    with ThreadPoolExecutor(PEOPLE) as people:
        with served(tmp_path, port=port, per_person="1000/second") as service:
            tokens = [service.add(f"p{number}") for number in range(PEOPLE)]
            working = [people.submit(claim, token, service.url) for token in tokens]
            assert begun.wait(PATIENCE_S)
            service.child.signal(signal.SIGKILL)
        with served(tmp_path, port=port, started_s=None, per_person="1000/second"):
            acknowledged = [name for each in working for name in each.result(120)]
    with Store.open(f"sqlite:///{tmp_path / 'event.sqlite'}") as store:
        kept = [s.record.id for s in store.read() if s.record.kind == "event"]
    assert len(acknowledged) == PEOPLE * CLAIMS
    assert sorted(kept) == sorted(acknowledged)


@pytest.fixture(scope="module")
def database(postgresql_url: str) -> str:
    """URL of an empty database in a real PostgreSQL."""
    name = f"board_{uuid4().hex[:12]}"
    engine = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgresql_url.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="module")
def two(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Two services with one database and one key file."""
    tmp_path = tmp_path_factory.mktemp("replicas")
    with (
        served(tmp_path, database=database) as one,
        served(tmp_path, database=database, started_s=None) as other,
    ):
        yield one, other


def test_a_claim_that_goes_to_both_replicas_counts_once(two: tuple[Served, Served]) -> None:
    import time

    from kit.leaderboard.claims import Claim, sign

    one, other = two
    signed = sign(one.add("dora"), Claim(exercise="hero"), now_s=time.time())
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda service: service.send(signed).status_code, two))
    assert sorted(answers) == [200, 201]
    events = other.until(
        lambda: [r for r in other.look("/records", user="dora") if r["kind"] == "event"]
    )
    assert len(events) == 1


def test_two_replicas_on_one_postgresql_agree(two: tuple[Served, Served]) -> None:
    one, other = two
    tokens = {name: one.add(name) for name in ("ada", "bob", "cleo")}
    with Participant(one.url, tokens["ada"]) as ada, Participant(other.url, tokens["bob"]) as bob:
        claims = {ada.claim("hero").id, bob.claim("hero").id, ada.claim("villain").id}
    one.desk("corrections", kind="hide", user="cleo", why="a test account")
    other.desk("deeds", deed="freeze")
    for service in two:
        service.until(lambda: service.look()["phase"] == "frozen")  # noqa: B023
        service.until(lambda: claims <= {r["id"] for r in service.look("/records")})  # noqa: B023
        service.until(lambda: "cleo" not in service.places())  # noqa: B023
    boards = [
        [(row["rank"], row["user"], row["score"], row["done"]) for row in service.places().values()]
        for service in two
    ]
    assert boards[0] == boards[1]
    assert [row[1] for row in boards[0] if row[1] != "dora"] == ["ada", "bob"]


def test_a_rehearsal_under_load_tells_what_was_kept_and_when_pages_had_it() -> None:
    result = stress(Load(rate=20, seconds=2, people=10, pages=3, flood=30, kill=False))
    assert (result.claimed, result.acknowledged, result.kept) == (40, 40, 40)
    assert (result.lost, result.doubled, result.away_s) == (0, 0, None)
    assert result.answer_ms is not None
    assert result.page_ms is not None
    assert result.page_ms.p50 <= result.page_ms.p95 <= result.page_ms.worst
    assert sum(result.flood.values()) == 30
    assert set(result.flood) <= {"422", "429"}
