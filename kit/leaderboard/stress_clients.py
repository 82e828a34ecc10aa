"""The clients of a rehearsal under load: those who claim, the one who floods, and the pages."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CLAIM_TIMEOUT_S = 10.0
"""How long an answer may take before the claim is sent again, seconds."""

AGAIN_S = 0.2
"""How long to wait before a claim is sent again, seconds."""


@dataclass
class Tally:
    """What the clients have seen; a claim is known by a name of its own.

    Attributes:
        sent: When each claim was first sent, seconds of the monotonic clock.
        answered: When it was acknowledged.
        ids: Identity of its event.
        pages: Of each page and message: how far into the log it goes, and when it came.
        attempts: How often a claim was sent.
        flood: Statuses of the answers to what is no claim.
        away_s: How long the service was away after the kill, seconds.
    """

    sent: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    pages: list[list[tuple[int, float]]] = field(default_factory=list)
    attempts: int = 0
    flood: Counter[str] = field(default_factory=Counter)
    away_s: float | None = None


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


async def claim_all(url: str, queue: asyncio.Queue[tuple[str, str]], tally: Tally) -> None:
    """Send what is in a queue, one after the other.

    Args:
        url: Of the service.
        queue: Claims: a name, and the claim as it is signed.
        tally: Takes note.
    """
    connection = _Connection(url)
    try:
        while True:
            name, signed = await queue.get()
            tally.sent[name] = time.monotonic()
            await _claim(connection, name, signed, tally)
            queue.task_done()
    finally:
        await connection.close()


async def _claim(connection: _Connection, name: str, signed: str, tally: Tally) -> None:
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


async def flood(url: str, requests: int, tally: Tally) -> None:
    """Send what is no claim, as fast as one client can.

    Args:
        url: Of the service.
        requests: How many.
        tally: Takes note.
    """
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


async def watch(url: str, tally: Tally) -> None:
    """Read the board's stream, and note how far into the log each message goes.

    Args:
        url: Of the service.
        tally: Takes note.
    """
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
