"""Sends the board to every open page: the newest document, as soon as it is there.

A document is built and encoded once for all. Each page has room for one: a page that is slow gets
the newest when it is ready for it, and misses those in between.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from sqlalchemy.exc import SQLAlchemyError

from kit.leaderboard.board import visible
from kit.leaderboard.live import Live

logger = logging.getLogger(__name__)

FOLLOW_EVERY_S = 0.4
"""How often the database is asked for what others wrote, seconds."""

SHORTEST_S = 0.15
"""Least time between two documents, seconds: what happens in between is in the second."""

EACH_PAGE_S = 0.002
"""How much longer that time is for each open page, seconds: many pages leave time for claims."""

LONGEST_S = 5.0
"""Most time between two documents, seconds, so that clocks and scores on pages stay right."""

PAGES_OF_ONE_ADDRESS = 400
"""How many pages one address may have open: a whole workshop may share one."""


class Hub:
    """Follows the event and tells the pages; use it as an asynchronous context manager.

    Args:
        live: The event.

    Attributes:
        trouble: What is wrong with the database; empty if nothing is.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._wake = asyncio.Event()
        self._news = asyncio.Event()  # a new one for each document
        self._sequence = 0
        self._message = b""
        self._order: tuple[Any, ...] = ()
        self.trouble = ""
        self._closing = False
        self._pages: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._live.refresh()
        self._publish()
        self._task = asyncio.create_task(self._run(), name="leaderboard-hub")
        self._task.add_done_callback(self._ended)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    @property
    def sequence(self) -> int:
        """Number of the newest document, from 1."""
        return self._sequence

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return self._pages.total()

    @property
    def document(self) -> bytes:
        """The newest document, JSON."""
        return self._message

    def wake(self) -> None:
        """Say that something new is in the database."""
        self._wake.set()

    def close(self) -> None:
        """Let all pages go, so that the service can end."""
        self._closing = True
        self._news.set()

    def has_room(self, address: str) -> bool:
        """Tell whether this address may open one more page."""
        return not self._closing and self._pages[address] < PAGES_OF_ONE_ADDRESS

    async def stream(self, address: str) -> AsyncIterator[bytes]:
        """Yield server-sent events for one page until it goes."""
        self._pages[address] += 1
        seen = -1
        try:
            yield b"retry: 1000\n\n"
            while not self._closing:
                if seen == self._sequence:
                    await self._news.wait()
                elif not self._closing:
                    seen = self._sequence
                    yield b"event: board\nid: %d\ndata: %b\n\n" % (seen, self._message)
        finally:
            self._pages[address] -= 1
            self._pages += Counter()  # forgets who has none left

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        published = loop.time()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), FOLLOW_EVERY_S)
            self._wake.clear()
            news = await self._follow()
            old = loop.time() - published >= LONGEST_S
            if news or old or self._order != self._order_now():
                published = loop.time()
                self._publish()
                await asyncio.sleep(max(SHORTEST_S, EACH_PAGE_S * self.pages))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Say so if pages are no longer told anything: the health is bad then."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.trouble = f"the board stands still: {type(error).__name__}: {error}"
            logger.error("%s", self.trouble, exc_info=error)

    async def _follow(self) -> bool:
        """Read what is new; a database that is away is asked again the next time."""
        try:
            news = await self._live.refresh()
        except SQLAlchemyError as error:
            if not self.trouble:
                logger.warning("the leaderboard's database does not answer: %s", error)
            self.trouble = " ".join(str(error).split())[:300]
            return False
        self.trouble = ""
        return news

    def _order_now(self) -> tuple[Any, ...]:
        """Return what time alone can change: accelerators overtake, the event ends."""
        here = self._live.here()
        rows = visible(self._live.standings(here).rows, self._live.rules, here)
        return here.phase, here.revealed, *(row.user for row in rows)

    def _publish(self) -> None:
        document = self._live.document()
        self._order = self._order_now()
        self._sequence += 1
        document["sequence"] = self._sequence
        self._message = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        self._news, old = asyncio.Event(), self._news
        old.set()
