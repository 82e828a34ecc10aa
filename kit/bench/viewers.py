"""Many browsers at one console: what it costs, how many pictures each gets, and how old they are.

A train is played to a Kafka broker of the bench's own, at the rate of a real one. Each viewer is a
WebSocket that answers as the page does. A real browser, if one is asked for, tells when it has
painted each picture.
"""

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
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect

from kit.bench.figures import Figures
from kit.bench.usage import Sample, Usage
from kit.child import Child
from kit.config import Settings
from kit.errors import MissionError, missing_extra
from kit.events import (
    Action,
    Alive,
    Box,
    Command,
    Detection,
    Frame,
    FrameStamp,
    Label,
    Motion,
    Prediction,
    Stage,
    TrainState,
)
from kit.messaging.brokers import embedded_kafka
from kit.messaging.kafka import KafkaSink
from kit.vision.frames import encode_jpeg

TRAIN_ID = "bench"
"""Which train is played."""

SETTLE_S = 3.0
"""How long everything runs before it is measured, seconds."""

_PATIENCE_S = 30.0
_SERVICES = ("capture", "inference", "decision", "control", "streaming")

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
class Played:
    """When each frame of the played train was captured, by its number.

    Attributes:
        captured_ns: Monotonic time, nanoseconds.
        captured_s: Wall clock, seconds since 1970.
    """

    captured_ns: dict[int, int] = field(default_factory=dict)
    captured_s: dict[int, float] = field(default_factory=dict)


@dataclass
class Watcher:
    """What one viewer got: the age of each picture at its arrival, milliseconds."""

    ages_ms: list[float] = field(default_factory=list)

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
        if measuring.is_set():
            (length,) = struct.unpack_from(">I", message, 8)
            sequence = json.loads(message[12 : 12 + length])["sequence"]
            self.ages_ms.append((came_ns - played.captured_ns[sequence]) / 1e6)


@dataclass(frozen=True)
class Crowd:
    """What was measured.

    Attributes:
        viewers: How many looked, without the browser.
        fps: Pictures a second that were played.
        seconds: How long it was measured.
        worst_fps: Pictures a second of the viewer that got the fewest.
        mean_fps: Of all of them on average.
        age: Age of the pictures at their arrival, over all viewers.
        console: What the console's process used.
        painted: From the capture of a picture until its pixels were on a browser's page; None
            without a browser.
    """

    viewers: int
    fps: float
    seconds: float
    worst_fps: float
    mean_fps: float
    age: Figures
    console: Usage
    painted: Figures | None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, ready for JSON."""
        return {
            "viewers": self.viewers,
            "fps": self.fps,
            "seconds": self.seconds,
            "worst_fps": self.worst_fps,
            "mean_fps": self.mean_fps,
            "age_ms": self.age.as_dict(),
            "console": self.console.as_dict(),
            "painted_ms": self.painted.as_dict() if self.painted else None,
        }


def measure_viewers(
    viewers: int, *, fps: float, seconds: float, browser: str | None = None
) -> Crowd:
    """Let many look at a train, and measure.

    Args:
        viewers: How many.
        fps: Pictures a second, each of some 40 kB.
        seconds: How long to measure, after a start that is left out.
        browser: Path of a Chromium that looks, too; None for no browser.

    Raises:
        ConfigError: If Playwright is not installed and a browser is asked for.
        MissionError: If nothing came.
    """
    played, measuring = Played(), threading.Event()
    with embedded_kafka() as kafka:
        settings = Settings(kafka_bootstrap=kafka.bootstrap)
        env = {"KIT_KAFKA_BOOTSTRAP": kafka.bootstrap}
        with (
            Child.module("kit.console", name="console", env=env) as console,
            KafkaSink(kafka.bootstrap, settings=settings) as sink,
            _playing(sink, played, fps),
        ):
            url = console.ready()["url"]
            watchers = [Watcher() for _ in range(viewers)]
            with _watching(watchers, url, played, measuring), _page(browser, url) as page:
                time.sleep(SETTLE_S)
                used = _sample(console.pid)
                if page is not None:
                    page.evaluate("() => { window.painted = []; }")
                measuring.set()
                _pass(seconds, page)
                measuring.clear()
                usage = Usage.between("console", used, _sample(console.pid), seconds=seconds)
                painted = page.evaluate("() => window.painted") if page is not None else None
    return _judge(watchers, played, usage, painted, fps=fps, seconds=seconds)


def _judge(
    watchers: list[Watcher],
    played: Played,
    usage: Usage,
    painted: list[tuple[int, float]] | None,
    *,
    fps: float,
    seconds: float,
) -> Crowd:
    ages = [age for watcher in watchers for age in watcher.ages_ms]
    if not ages:
        raise MissionError("No viewer got a picture", fix="look at the console's messages above")
    rates = [len(watcher.ages_ms) / seconds for watcher in watchers]
    on_page = [at_ms - played.captured_s[number] * 1e3 for number, at_ms in painted or ()]
    return Crowd(
        viewers=len(watchers),
        fps=fps,
        seconds=seconds,
        worst_fps=round(min(rates), 2),
        mean_fps=round(sum(rates) / len(rates), 2),
        age=Figures.of(ages),
        console=usage,
        painted=Figures.of(on_page) if on_page else None,
    )


def _sample(pid: int) -> Sample:
    process = psutil.Process(pid)
    times = process.cpu_times()
    return Sample(times.user + times.system, process.memory_info().rss / 1e6)


def _pass(seconds: float, page: Any) -> None:
    if page is None:
        time.sleep(seconds)
    else:
        page.wait_for_timeout(seconds * 1e3)


@contextmanager
def _watching(
    watchers: list[Watcher], url: str, played: Played, measuring: threading.Event
) -> Iterator[None]:
    """Let viewers watch, in a thread of their own."""
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
def _page(browser: str | None, url: str) -> Iterator[Any]:
    """Open the console in a browser that notes when each picture is painted."""
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


@contextmanager
def _playing(sink: KafkaSink, played: Played, fps: float) -> Iterator[None]:
    """Play a train to Kafka, in a thread of its own."""
    ended = threading.Event()

    def play() -> None:
        image = _picture()
        begin_s = time.monotonic()
        number = 0
        while not ended.wait(max(0.0, begin_s + number / fps - time.monotonic())):
            _play_frame(sink, played, number, image)
            if number % max(1, round(fps)) == 0:
                for name in _SERVICES:
                    sink.send(Alive(train_id=TRAIN_ID, service=name))
            number += 1

    thread = threading.Thread(target=play, name="train", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _play_frame(sink: KafkaSink, played: Played, number: int, image: bytes) -> None:
    now_ns, now_s = time.monotonic_ns(), time.time()
    played.captured_ns[number], played.captured_s[number] = now_ns, now_s
    stamp = FrameStamp.new(
        sequence=number, captured_ns=now_ns, captured_at=datetime.fromtimestamp(now_s, UTC)
    )
    marks = dict.fromkeys(Stage, now_ns)
    sign = Detection(label=Label.SPEED_LIMIT, confidence=0.9, box=Box(60, 120, 90, 100))
    sink.send(Frame(train_id=TRAIN_ID, frame=stamp, encoded_ns=now_ns, image=image))
    sink.send(
        Prediction(
            train_id=TRAIN_ID, frame=stamp, detections=(sign,), model="bench", provider="none"
        )
    )
    sink.send(
        Command(train_id=TRAIN_ID, action=Action.SLOW, reason="a speed limit ahead", frame=stamp)
    )
    sink.send(
        TrainState(
            train_id=TRAIN_ID,
            motion=Motion.SLOWED,
            reason="a speed limit ahead",
            latched=False,
            frame=stamp,
            marks=marks,
        )
    )


def _picture() -> bytes:
    """Return a JPEG as large as a real frame's, some 40 kB."""
    noise = np.random.default_rng(1).normal(110, 12, (400, 600, 3))
    return encode_jpeg(np.clip(noise, 0, 255).astype(np.uint8), quality=75)
