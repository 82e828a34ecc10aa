"""Many browsers at one console: what it costs, how many pictures each gets, and how old they are.

A train is played to a Kafka broker of the bench's own, at the rate of a real one. Each viewer is a
WebSocket that answers as the page does. A real browser, if one is asked for, tells when it has
painted each picture.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import psutil

from kit.bench.figures import Figures
from kit.bench.played_train import Played, playing
from kit.bench.usage import Sample, Usage
from kit.bench.watchers import Watcher, browser_page, watching
from kit.child import Child
from kit.config import Settings
from kit.errors import MissionError
from kit.messaging.brokers import embedded_kafka
from kit.messaging.kafka import KafkaSink

SETTLE_S = 3.0
"""How long everything runs before it is measured, once each viewer has a picture, seconds."""

PATIENCE_S = 60.0
"""How long the first picture of a viewer may take, seconds."""

_LOOK_EVERY_S = 0.05


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
        MissionError: If no picture came to one of them.
    """
    played, measuring = Played(), threading.Event()
    with embedded_kafka() as kafka:
        settings = Settings(kafka_bootstrap=kafka.bootstrap)
        env = {"KIT_KAFKA_BOOTSTRAP": kafka.bootstrap}
        with (
            Child.module("kit.console", name="console", env=env) as console,
            KafkaSink(kafka.bootstrap, settings=settings) as sink,
            playing(sink, played, fps),
        ):
            url = console.ready()["url"]
            watchers = [Watcher() for _ in range(viewers)]
            with watching(watchers, url, played, measuring), browser_page(browser, url) as page:
                _settle(watchers)
                used = _sample(console.pid)
                if page is not None:
                    page.evaluate("() => { window.painted = []; }")
                began_s = time.monotonic()
                measuring.set()
                _pass(seconds, page)
                measuring.clear()
                took_s = time.monotonic() - began_s  # longer than asked for on a busy machine
                usage = Usage.between("console", used, _sample(console.pid), seconds=took_s)
                painted = page.evaluate("() => window.painted") if page is not None else None
    return _judge(watchers, played, usage, painted, fps=fps, seconds=took_s)


def _settle(watchers: list[Watcher]) -> None:
    """Wait until each viewer has a picture, and for a while more."""
    ends_s = time.monotonic() + PATIENCE_S
    while not all(watcher.pictures for watcher in watchers):
        if time.monotonic() > ends_s:
            raise MissionError(
                f"A viewer got no picture within {PATIENCE_S:g} s",
                fix="look at the console's messages above",
            )
        time.sleep(_LOOK_EVERY_S)
    time.sleep(SETTLE_S)


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
        seconds=round(seconds, 1),
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
