"""Those who look at a console: WebSockets that answer as the page does, and a real browser."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

from kit.bench.played_train import TRAIN_ID, Played
from kit.errors import missing_extra

_PATIENCE_S = 30.0

_WATCH = """() => {
    window.painted = [];
    const canvas = document.querySelector('#picture');
    new MutationObserver(() => {
        const sequence = Number(canvas.dataset.sequence);
        // After the next frame is drawn: only then have the pixels changed.
        requestAnimationFrame(() => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => painted.push([sequence, Date.now()]);
            channel.port2.postMessage(null);
        });
    }).observe(canvas, { attributes: true, attributeFilter: ['data-sequence'] });
}"""


@dataclass
class Watcher:
    """What one viewer got.

    Attributes:
        ages_ms: The age of each picture at its arrival while it was measured, milliseconds.
        pictures: How many came at all.
    """

    ages_ms: list[float] = field(default_factory=list)
    pictures: int = 0

    async def watch(self, url: str, played: Played, measuring: threading.Event) -> None:
        """Look at the train until cancelled, and answer each picture as the page does."""
        authority = urlsplit(url).netloc
        async with connect(
            f"ws://{authority}/view",
            origin=f"http://{authority}",  # type: ignore[arg-type]  # websockets' own NewType
            compression=None,
        ) as socket:
            await socket.send(json.dumps({"train": TRAIN_ID}))
            while True:
                await self._take(socket, played, measuring)

    async def _take(
        self, socket: ClientConnection, played: Played, measuring: threading.Event
    ) -> None:
        message = await socket.recv()
        if isinstance(message, str):
            return
        came_ns = time.monotonic_ns()
        await socket.send('{"got_picture": true}')
        self.pictures += 1
        if measuring.is_set():
            (length,) = struct.unpack_from(">I", message, 8)
            sequence = json.loads(message[12 : 12 + length])["sequence"]
            self.ages_ms.append((came_ns - played.captured_ns[sequence]) / 1e6)


@contextmanager
def watching(
    watchers: list[Watcher], url: str, played: Played, measuring: threading.Event
) -> Iterator[None]:
    """Let viewers watch, in a thread of their own.

    Args:
        watchers: Who; each notes what it gets.
        url: Where the console is.
        played: When each frame was captured.
        measuring: Set while it counts.
    """
    enough = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def end() -> None:
        await enough.wait()

    async def all_of_them() -> None:
        tasks = {asyncio.create_task(one.watch(url, played, measuring)) for one in watchers}
        tasks.add(asyncio.create_task(end()))
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()  # raises what ended it

    with ThreadPoolExecutor(1, thread_name_prefix="viewers") as pool:
        running = pool.submit(loop.run_until_complete, all_of_them())
        try:
            yield
        finally:
            loop.call_soon_threadsafe(enough.set)
            try:
                running.result(_PATIENCE_S)
            finally:
                loop.close()


@contextmanager
def browser_page(browser: str | None, url: str) -> Iterator[Any]:
    """Open the console in a browser that notes when each picture is painted.

    Args:
        browser: Path of a Chromium; None for no browser.
        url: Where the console is.

    Yields:
        Playwright's page, whose ``window.painted`` has number and wall clock of each picture in
        milliseconds; None without a browser.

    Raises:
        ConfigError: If Playwright is not installed.
    """
    if browser is None:
        yield None
        return
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise missing_extra("playwright", "dev") from error
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": 1600, "height": 900})
        page.goto(f"{url}#{TRAIN_ID}")
        page.wait_for_function("() => document.querySelector('#picture').dataset.sequence")
        page.evaluate(_WATCH)
        yield page
        chromium.close()
