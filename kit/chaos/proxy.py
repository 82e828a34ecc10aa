"""A TCP proxy that stands on a wire and makes it slow, narrow or dead.

It knows nothing of what it carries. Bytes are never lost or changed, as TCP promises: they come
late, or not until the wire is whole again, or the connection ends.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from kit.chaos.callers import hear, is_ours

CHUNK_BYTES = 16_384
"""Most that is taken from a wire at once."""

QUEUED_CHUNKS = 8
"""How much one direction holds before its sender has to wait, as a socket's buffers would."""

_END_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Conditions:
    """How a wire is. Each direction has them by itself.

    Attributes:
        passing: False lets nothing through, and tells nobody: connections stay open at both
            ends, new ones are taken but lead nowhere yet. What was sent meanwhile arrives
            once it passes again, but not from new ones that were given up by then.
        delay_ms: How long each piece takes.
        jitter_ms: How much longer it may take, evenly distributed; the order stays.
        kbit_per_s: How much gets through a second; None without a limit.
    """

    passing: bool = True
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    kbit_per_s: float | None = None

    def late_s(self) -> float:
        """Return for how long the next piece is under way, seconds; by chance where it jitters."""
        return (self.delay_ms + random.uniform(0, self.jitter_ms)) / 1000

    def narrow_s(self, size: int) -> float:
        """Return for how long a piece keeps the wire busy, seconds.

        Args:
            size: Bytes of it.
        """
        return size * 8 / (self.kbit_per_s * 1000) if self.kbit_per_s else 0.0

    def due_s(self, now_s: float, *, after_s: float, size: int) -> float:
        """Return when a piece arrives that is sent now.

        Args:
            now_s: The time, seconds.
            after_s: When the piece before it arrives.
            size: Bytes of it.
        """
        return max(now_s + self.late_s(), after_s) + self.narrow_s(size)


CLEAR = Conditions()
"""As if there were no proxy."""

OUTAGE = Conditions(passing=False)
"""Nothing gets through: a half-open connection, seen from either side."""

FIVE_G = Conditions(delay_ms=12, jitter_ms=8, kbit_per_s=20_000)
"""A good mobile link: about 32 ms there and back, 20 Mbit/s. Chosen, not measured on a network."""

TUNNEL = Conditions(delay_ms=60, jitter_ms=80, kbit_per_s=600)
"""What is left at the edge of a cell: about 200 ms there and back, 600 kbit/s. Chosen likewise."""

PROFILES: dict[str, Conditions] = {
    "clear": CLEAR,
    "5g": FIVE_G,
    "tunnel": TUNNEL,
    "outage": OUTAGE,
}
"""Links by name."""


@dataclass
class _Way:
    """One direction of a link that all connections share.

    Attributes:
        free_s: When it has carried all that was given to it.
    """

    free_s: float = 0.0

    def due_s(self, conditions: Conditions, now_s: float, *, after_s: float, size: int) -> float:
        """Return when a piece arrives; see :meth:`Conditions.due_s`."""
        self.free_s = max(now_s, self.free_s) + conditions.narrow_s(size)
        return max(self.free_s + conditions.late_s(), after_s)


class Proxy:
    """Carries TCP connections to one address; a context manager with a thread of its own.

    Args:
        upstream: ``host:port`` of the server behind it.
        conditions: How the wire is at first.
        is_link: Whether all connections share what gets through, as on a radio link, instead of
            having a wire each. Connections of this very process are spared then, since they
            stand at the far end of it: a reader of Kafka, which sends every client through here.
        port: Where it listens; any free port if 0.
    """

    def __init__(
        self,
        upstream: str,
        *,
        conditions: Conditions = CLEAR,
        is_link: bool = False,
        port: int = 0,
    ) -> None:
        self._host, _, behind = upstream.rpartition(":")
        self._port = int(behind)
        self._own_port = port
        self._conditions = conditions
        self._is_link = is_link
        self._there, self._back = _Way(), _Way()
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    @property
    def address(self) -> str:
        """``host:port`` that clients connect to."""
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    @property
    def conditions(self) -> Conditions:
        """How the wire is."""
        return self._conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        async def change() -> None:
            self._conditions = conditions
            self._there, self._back = _Way(), _Way()
            (self._passing.set if conditions.passing else self._passing.clear)()

        self._run(change())

    @property
    def connections(self) -> int:
        """How many connections it carries; each has two ends."""
        return len(self._writers) // 2

    def cut(self) -> None:
        """End all its connections at both ends, at once; new ones are welcome."""

        async def cut() -> None:
            for writer in self._writers:
                writer.transport.abort()

        self._run(cut())

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(self._listen())
        self.conditions = self._conditions
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_END_TIMEOUT_S)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", self._own_port)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        spared = self._is_link and is_ours(writer)
        try:
            said = b"" if spared else await self._let_through(reader)
            there, back = await asyncio.open_connection(self._host, self._port)
            self._writers.add(back)
            with suppress(OSError):  # an end that is cut ends the connection, and that is all
                await asyncio.gather(
                    self._flow(reader, back, spared=spared, there=True, said=said),
                    self._flow(there, writer, spared=spared, there=False),
                )
            self._writers.discard(back)
            back.transport.abort()
        except* OSError:  # nobody listens behind us: then nobody does here either
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _let_through(self, reader: asyncio.StreamReader) -> bytes:
        """Wait until the wire passes; return what the client said meanwhile.

        Raises:
            ConnectionError: In a group, if the client gave up before.
        """
        said = bytearray()
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(hear(reader, said, most=CHUNK_BYTES))
            await self._passing.wait()
            hearing.cancel()
        return bytes(said)

    async def _flow(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        *,
        spared: bool,
        there: bool,
        said: bytes = b"",
    ) -> None:
        """Carry one direction until its source ends, with what it has said already."""
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED_CHUNKS)
        if said:
            held.put_nowait((0.0 if spared else self._due_s(0.0, len(said), there=there), said))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take(source, held, spared=spared, there=there))
            group.create_task(self._give(held, sink, spared=spared))

    async def _take(
        self,
        source: asyncio.StreamReader,
        held: asyncio.Queue[tuple[float, bytes]],
        *,
        spared: bool,
        there: bool,
    ) -> None:
        due_s, chunk = 0.0, b"-"
        while chunk:
            try:
                chunk = await source.read(CHUNK_BYTES)
            except OSError:  # it was reset, which is an end too
                chunk = b""
            if not spared:
                due_s = self._due_s(due_s, len(chunk), there=there)
            await held.put((due_s, chunk))

    def _due_s(self, after_s: float, size: int, *, there: bool) -> float:
        now_s = self._loop.time()
        if not self._is_link:
            return self._conditions.due_s(now_s, after_s=after_s, size=size)
        way = self._there if there else self._back
        return way.due_s(self._conditions, now_s, after_s=after_s, size=size)

    async def _give(
        self, held: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter, *, spared: bool
    ) -> None:
        while True:
            due_s, chunk = await held.get()
            if (wait_s := due_s - self._loop.time()) > 0:
                await asyncio.sleep(wait_s)
            if not spared:
                await self._passing.wait()
            if sink.is_closing():
                return
            with suppress(OSError):  # the far end has gone; its own direction tells
                if not chunk:
                    sink.write_eof()
                    return
                sink.write(chunk)
                await sink.drain()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_END_TIMEOUT_S)
