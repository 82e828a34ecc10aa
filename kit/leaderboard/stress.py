"""A rehearsal under load: a service of its own, many claims a second, many open pages, and a kill.

Everything is real but the people: the service is a process, each claim is signed and sent on its
own, each page is a connection that reads the server-sent events. What was acknowledged is compared
with what is in the log at the end.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from kit.child import Child
from kit.leaderboard.claims import Claim, sign
from kit.leaderboard.offline import Place, issue
from kit.leaderboard.rules import load_rules
from kit.leaderboard.store import Store
from kit.leaderboard.stress_clients import Tally, claim_all, flood, watch
from kit.messaging.ports import free_port

RULES = "original"
"""Rules of the rehearsal."""

CONNECTIONS = 40
"""How many connections the claims share."""

LOOKED_AT = 1000
"""For how many claims, at even distances, each page is asked when it showed them."""

SETTLE_S = 30.0
"""How long what is under way may take after the last claim, seconds."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What to rehearse.

    Attributes:
        rate: Claims a second.
        seconds: For how long.
        people: How many participants claim in turn.
        pages: How many pages are open.
        flood: How many ill-signed requests one more client sends, one after the other.
        kill: Whether the service is killed (SIGKILL) in the middle, and started again.
        database: URL of an empty database; a SQLite file of its own if None.
    """

    rate: float = 500.0
    seconds: float = 60.0
    people: int = 500
    pages: int = 0
    flood: int = 0
    kill: bool = True
    database: str | None = None


@dataclass(frozen=True)
class Spread:
    """Spread of some durations, milliseconds."""

    p50: float
    p95: float
    p99: float
    worst: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Spread | None:
        """Return the spread of some durations in seconds; None if there are fewer than two."""
        values = sorted(each * 1000 for each in seconds)
        if len(values) < 2:
            return None
        cuts = quantiles(values, n=100, method="inclusive")
        return cls(*(round(each, 1) for each in (cuts[49], cuts[94], cuts[98], values[-1])))


@dataclass(frozen=True)
class Result:
    """What came of it.

    Attributes:
        claimed: Claims that were made.
        acknowledged: Those that the service said are kept.
        kept: Events in the log.
        lost: Acknowledged, but not in the log.
        doubled: In the log more than once.
        sent_again: How many attempts were made beyond the first one of each claim.
        rate: Claims a second that were acknowledged, from the first to the last.
        away_s: From the kill until the service answered again; None without a kill.
        answer_ms: From sending a claim, the first time, to its acknowledgement.
        page_ms: From a claim's acknowledgement to the first message on a page whose standings
            have it, over `LOOKED_AT` claims and all pages; None without pages.
        page_send_ms: The same from the moment at which the claim was first sent.
        flood: How many of the ill-signed requests were answered with each HTTP status.
    """

    claimed: int
    acknowledged: int
    kept: int
    lost: int
    doubled: int
    sent_again: int
    rate: float
    away_s: float | None
    answer_ms: Spread | None
    page_ms: Spread | None
    page_send_ms: Spread | None
    flood: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Return a dictionary that JSON can hold."""
        return asdict(self)


def stress(load: Load) -> Result:
    """Rehearse.

    Args:
        load: What.

    Raises:
        MissionError: If the service does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="kit-stress-") as folder:
        where = Place(
            database=load.database or f"sqlite:///{folder}/event.sqlite",
            keys=Path(folder, "keys.json"),
        )
        names = [f"p{number:05d}" for number in range(load.people)]
        tokens = issue(where, names, rules=load_rules(RULES), by="stress")
        tally = asyncio.run(_rehearse(load, where, tokens))
        with Store.open(where.database) as store:
            events = [s for s in store.read() if s.record.kind == "event"]
    kept = [stored.record.id for stored in events]
    log = {stored.record.id: stored.sequence for stored in events}
    lost = set(tally.ids.values()) - set(kept)
    first, last = min(tally.answered.values()), max(tally.answered.values())
    seen = list(_sightings(tally, log))
    return Result(
        claimed=len(tally.sent),
        acknowledged=len(tally.answered),
        kept=len(kept),
        lost=len(lost),
        doubled=len(kept) - len(set(kept)) + max(0, len(set(kept)) - len(tally.sent)),
        sent_again=tally.attempts - len(tally.sent),
        rate=round(len(tally.answered) / max(1e-9, last - first), 1),
        away_s=tally.away_s,
        answer_ms=Spread.of(at - tally.sent[each] for each, at in tally.answered.items()),
        page_ms=Spread.of(max(0.0, at - tally.answered[each]) for each, at in seen),
        page_send_ms=Spread.of(at - tally.sent[each] for each, at in seen),
        flood=dict(tally.flood),
    )


def _sightings(tally: Tally, log: dict[str, int]) -> Iterator[tuple[str, float]]:
    """Yield claims, and when a page first had each."""
    names = [name for name in tally.answered if tally.ids[name] in log]
    for name in names[:: max(1, len(names) // LOOKED_AT)]:
        wanted = log[tally.ids[name]]
        for page in tally.pages:
            place = bisect_left(page, wanted, key=lambda message: message[0])
            if place < len(page):
                yield name, page[place][1]


async def _rehearse(load: Load, where: Place, tokens: list[tuple[str, str]]) -> Tally:
    tally, port = Tally(), free_port()
    starts_at = datetime.now(UTC).isoformat()

    def start() -> Child:
        arguments = ("--database", where.database, "--keys", str(where.keys), "--port", str(port))
        child = Child.module(
            "kit.leaderboard", *arguments, "--starts-at", starts_at, name="leaderboard"
        )
        child.ready(timeout_s=120)
        return child

    service = await asyncio.to_thread(start)
    try:
        url = f"http://127.0.0.1:{port}/"
        pages = [asyncio.create_task(watch(url, tally)) for _ in range(load.pages)]
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        senders = [asyncio.create_task(claim_all(url, queue, tally)) for _ in range(CONNECTIONS)]
        flooding = asyncio.create_task(flood(url, load.flood, tally))
        feeding = asyncio.create_task(_feed(load, tokens, queue))
        if load.kill:
            await asyncio.sleep(load.seconds / 2)
            began = time.monotonic()
            service.signal(signal.SIGKILL)
            await asyncio.to_thread(service.stop)
            service = await asyncio.to_thread(start)
            tally.away_s = round(time.monotonic() - began, 2)
        await asyncio.gather(feeding, flooding)
        await asyncio.wait_for(queue.join(), SETTLE_S + load.seconds)
        await _on_all_pages(tally, await asyncio.to_thread(_log_length, where))
        for task in (*senders, *pages):
            task.cancel()
        await asyncio.gather(*senders, *pages, return_exceptions=True)
    finally:
        await asyncio.to_thread(service.stop)
    return tally


def _log_length(where: Place) -> int:
    with Store.open(where.database) as store:
        return store.last()


async def _on_all_pages(tally: Tally, log: int) -> None:
    """Wait until the last record of the log is on each page, however late; it is measured."""
    ends = time.monotonic() + SETTLE_S
    while time.monotonic() < ends:
        if all(page and page[-1][0] >= log for page in tally.pages):
            return
        await asyncio.sleep(0.05)


async def _feed(
    load: Load, tokens: list[tuple[str, str]], queue: asyncio.Queue[tuple[str, str]]
) -> None:
    """Hand out claims at the rate: each of the people in turn, three exercises and then again."""
    began, exercises = time.monotonic(), ("hero", "villain", "fight")
    for number in range(round(load.rate * load.seconds)):
        pause_s = began + number / load.rate - time.monotonic()
        if pause_s > 0:
            await asyncio.sleep(pause_s)
        turn, person = divmod(number, len(tokens))
        user, token = tokens[person]
        claim = Claim(exercise=exercises[turn % 3], value=1)
        nonce = f"{user}-{turn:06d}"
        signed = sign(token, claim, now_s=time.time(), nonce=nonce)
        name = user if turn == 0 else nonce
        queue.put_nowait((name, signed))
