"""A rehearsal under load: a service of its own, many claims a second, many open pages, and a kill.

Everything is real but the people: the service is a process, each claim is signed and sent on its
own, each page is a connection that reads the server-sent events. What was acknowledged is compared
with what is in the log at the end.
"""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

from kit.child import Child
from kit.leaderboard.claims import Claim, sign
from kit.leaderboard.offline import Place, issue
from kit.leaderboard.rules import load_rules
from kit.leaderboard.store import Store
from kit.messaging.ports import free_port

RULES = "original"
"""Rules of the rehearsal."""

CONNECTIONS = 40
"""How many connections the claims share."""

CLAIM_TIMEOUT_S = 10.0
"""How long an answer may take before the claim is sent again, seconds."""

AGAIN_S = 0.2
"""How long to wait before a claim is sent again, seconds."""

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


@dataclass
class _Tally:
    sent: dict[str, float] = field(default_factory=dict)  # claim -> when first sent
    answered: dict[str, float] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)  # claim -> id of its event
    pages: list[list[tuple[int, float]]] = field(default_factory=list)  # how far, and when
    attempts: int = 0
    flood: Counter[str] = field(default_factory=Counter)
    away_s: float | None = None


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


def _sightings(tally: _Tally, log: dict[str, int]) -> Iterator[tuple[str, float]]:
    """Yield claims, and when a page first had each."""
    names = [name for name in tally.answered if tally.ids[name] in log]
    for name in names[:: max(1, len(names) // LOOKED_AT)]:
        wanted = log[tally.ids[name]]
        for page in tally.pages:
            place = bisect_left(page, wanted, key=lambda message: message[0])
            if place < len(page):
                yield name, page[place][1]


async def _rehearse(load: Load, where: Place, tokens: list[tuple[str, str]]) -> _Tally:
    tally, port = _Tally(), free_port()
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
        pages = [asyncio.create_task(_page(url, tally)) for _ in range(load.pages)]
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        senders = [asyncio.create_task(_send(url, queue, tally)) for _ in range(CONNECTIONS)]
        flooding = asyncio.create_task(_flood(url, load.flood, tally))
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
        await asyncio.sleep(1.5 if load.pages else 0)  # the last ones come to the pages
        for task in (*senders, *pages):
            task.cancel()
        await asyncio.gather(*senders, *pages, return_exceptions=True)
    finally:
        await asyncio.to_thread(service.stop)
    return tally


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


class _Connection:
    """A connection for claims, opened when it is needed; close it at the end."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def open(self) -> bool:
        """Whether it was there at the last attempt; the service closes what is idle for long."""
        return self._streams is not None

    async def post(self, signed: str) -> tuple[int, bytes]:
        """Send a claim; return the status and the body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                self._address.hostname, self._address.port
            )
        reader, writer = self._streams
        body = json.dumps({"claim": signed}).encode()
        head = (
            f"POST /api/claims HTTP/1.1\r\nHost: {self._address.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(answer.partition("content-length:")[2].partition("\r\n")[0])
        return int(answer.split(" ", 2)[1]), await reader.readexactly(length)

    async def close(self) -> None:
        if self._streams is not None:
            await _close(self._streams[1])
        self._streams = None


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):  # the other end has gone already
        await writer.wait_closed()


async def _send(url: str, queue: asyncio.Queue[tuple[str, str]], tally: _Tally) -> None:
    connection = _Connection(url)
    try:
        while True:
            name, signed = await queue.get()
            tally.sent[name] = time.monotonic()
            await _claim(connection, name, signed, tally)
            queue.task_done()
    finally:
        await connection.close()


async def _claim(connection: _Connection, name: str, signed: str, tally: _Tally) -> None:
    """Send a claim until it is acknowledged, or refused for good."""
    while True:
        tally.attempts += 1
        was_open = connection.open
        try:
            status, body = await asyncio.wait_for(connection.post(signed), CLAIM_TIMEOUT_S)
        except (OSError, EOFError, TimeoutError):
            await connection.close()
            if not was_open:
                await asyncio.sleep(AGAIN_S)
            continue
        if status in {200, 201}:
            tally.answered[name] = time.monotonic()
            tally.ids[name] = json.loads(body)["id"]
            return
        if status < 500 and status != 429:
            return
        await asyncio.sleep(AGAIN_S)


async def _flood(url: str, requests: int, tally: _Tally) -> None:
    """Send what is no claim, as fast as one client can."""
    connection = _Connection(url)
    try:
        while tally.flood.total() < requests:
            try:
                status, _ = await connection.post("forged")
            except (OSError, EOFError):
                await connection.close()
                await asyncio.sleep(AGAIN_S)
                continue
            tally.flood[str(status)] += 1
    finally:
        await connection.close()


async def _page(url: str, tally: _Tally) -> None:
    """Read the board's stream, and note how far into the log each message goes."""
    seen: list[tuple[int, float]] = []
    tally.pages.append(seen)
    while True:
        with suppress(OSError, EOFError):
            async with _stream(url) as reader:
                while True:
                    log = (await _message(reader)).partition(b'"log":')[2].partition(b",")[0]
                    if log:
                        seen.append((int(log), time.monotonic()))
        await asyncio.sleep(0.5)


@asynccontextmanager
async def _stream(url: str) -> AsyncIterator[asyncio.StreamReader]:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**21)
    try:
        writer.write(f"GET /api/board/stream HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        yield reader
    finally:
        await _close(writer)


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Return one chunk of the stream (RFC 9112, 7.1)."""
    size = int((await reader.readuntil(b"\r\n")).strip(), 16)
    if size == 0:
        raise EOFError
    return (await reader.readexactly(size + 2))[:-2]
