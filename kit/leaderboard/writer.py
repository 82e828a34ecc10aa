"""Writes to the log for many at once: what comes while one transaction runs goes into the next.

So one commit, the slow part, serves as many claims as came meanwhile, and nobody is told that a
record is kept before it is on the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from kit.errors import ConfigError
from kit.leaderboard.events import AnyRecord
from kit.leaderboard.store import Store

AT_ONCE = 1000
"""How many records one transaction takes at most."""

WAITING = 20_000
"""How many records may wait; more are refused, so that the memory does not fill."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    record: AnyRecord
    by: str
    kept: asyncio.Future[bool]


class Writer:
    """The one that writes; use it as an asynchronous context manager.

    Args:
        store: The log.
        on_kept: Called, in the event loop, after each transaction that kept something new.
    """

    def __init__(self, store: Store, *, on_kept: Callable[[], None]) -> None:
        self._store = store
        self._on_kept = on_kept
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="leaderboard-writer")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._task is not None
        await self._queue.join()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def keep(self, records: Sequence[AnyRecord], *, by: str) -> list[bool]:
        """Keep records.

        Args:
            records: With their identities.
            by: Who has them kept.

        Returns:
            For each, whether it is new: False if one with its identity was kept before.

        Raises:
            ConfigError: If the database does not take them, or too many wait already.
        """
        if self._queue.qsize() + len(records) > WAITING:
            raise ConfigError(
                "Too many records wait for the database", fix="send them again in a second"
            )
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(record, by, loop.create_future()) for record in records]
        for each in waiting:
            self._queue.put_nowait(each)
        return await asyncio.gather(*(each.kept for each in waiting))

    async def _run(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < AT_ONCE and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await self._write(batch)
            finally:
                for _ in batch:
                    self._queue.task_done()

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        for by in dict.fromkeys(each.by for each in batch):
            mine = [each for each in batch if each.by == by]
            try:
                done = await asyncio.to_thread(
                    self._store.append, [each.record for each in mine], by=by
                )
            except Exception as error:  # noqa: BLE001 - at the edge: who waits gets an answer
                for each in mine:
                    if not each.kept.done():
                        each.kept.set_exception(error)
                continue
            new = {id(record) for record in done.accepted}
            for each in mine:
                if not each.kept.done():  # its client may have gone
                    each.kept.set_result(id(each.record) in new)
            if new:
                self._on_kept()
