"""Live video with boxes below a notebook's cell: the newest picture wins, in the browser too.

In a browser it is a widget that is sent pictures as fast as it draws them. Where nobody watches,
under papermill or nbval, it is a picture and figures that are replaced in place, and nothing waits.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.console.trains import Picture
from kit.errors import EventError
from kit.events import Action
from kit.labels import known, told, translated
from kit.learning.live_feed import LiveFeed, from_broker, from_recording, recorded_train_id
from kit.services.base import Snapshot
from kit.services.live import LiveView

if TYPE_CHECKING:
    from kit.runtime.stage import Stage

STATUS_EVERY_S = 0.25
"""How often a browser is told decision and figures while no picture comes, seconds."""

MOST_FPS = 15.0
"""Most pictures a second that leave for a browser: Jupyter's server lets a million bytes a second
through for each kernel, and drops what comes beyond."""

FORGET_S = 3.0
"""A picture that was not drawn within this long is not awaited any more, seconds."""

FIRST_PICTURE_S = 6.0
"""How long a cell that only shows the view waits for a picture or a browser, seconds."""

Numbers = Mapping[str, int | float | str]


class LiveVideo:
    """A live view; shown as the last value of a cell, or given to a service as ``show``.

    It reads in threads of its own and ends with :meth:`close`, with its stage, or with the kernel.

    Args:
        feed: What is shown.
        source: What feeds it, while it is entered.
        title: Name above the figures where nobody watches.
    """

    def __init__(
        self, feed: LiveFeed, source: AbstractContextManager[None], *, title: str = "live view"
    ) -> None:
        from kit.learning.live_widget import InFlight, LiveWidget

        self.feed = feed
        self.widget = LiveWidget()
        self._title = title
        self._began_s = time.monotonic()
        self._flight = InFlight()
        self._unwatched = 0
        self._lock = threading.Lock()
        self._numbers: Numbers = {}
        self._plain = LiveView()
        self._handle: Any = None
        self._ended = threading.Event()
        self._source = source
        self._source.__enter__()
        self.widget.on_words(self._hear)
        self._thread = threading.Thread(target=self._send_all, name="live view", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def watched(self) -> bool:
        """Whether a browser has said that it shows this view."""
        with self._lock:
            return self._flight.watched

    @property
    def drawn(self) -> int:
        """Number of the newest picture that a browser has drawn; they count from 1."""
        with self._lock:
            return self._flight.drawn

    @property
    def left_out(self) -> int:
        """Pictures that newer ones overtook, here or in the browser, since a browser watches."""
        here = self.feed.left_out  # not with our lock held: the feed asks us with its own
        with self._lock:
            watched = self._flight.watched
            return here - self._unwatched + self._flight.overtaken if watched else 0

    def __call__(self, snapshot: Snapshot) -> None:
        """Show a service's numbers beside the picture; see :meth:`Service.run`."""
        self._numbers = snapshot.numbers
        self._display()
        if self.watched:
            self._plain.clear()
        elif snapshot.picture is None:
            self._plain(replace(snapshot, picture=self._picture()))
        else:
            self._plain(snapshot)

    def close(self) -> None:
        """End the reading; the last picture stays, as a plain one. Safe to call twice."""
        if self._ended.is_set():
            return
        atexit.unregister(self.close)
        self._ended.set()
        self.feed.wake()
        self._thread.join()
        self._source.__exit__(None, None, None)
        if self._handle is not None:
            self._leave_a_picture()
        self.widget.close()

    def _ipython_display_(self) -> None:
        self._display()

        def enough() -> bool:
            return self.watched or self.feed.newest is not None

        self.feed.wait_for(enough, FIRST_PICTURE_S)
        if not self.watched:
            self._plain(self._snapshot())

    def _display(self) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(self.widget, display_id=True)

    def _leave_a_picture(self) -> None:
        """Replace the widget, which shows nothing without its kernel, by what it showed last."""
        from IPython.display import HTML

        from kit.services.live import render

        watched = self.watched and not self._plain.shown
        self._handle.update(HTML(render(self._snapshot()) if watched else ""))

    def _hear(self, words: dict[str, Any]) -> None:
        so_far = self.feed.left_out
        with self._lock:
            before = self._flight.watched
            self._flight.hear(words)
            watched = self._flight.watched
            if watched and not before:
                self._unwatched = so_far
        if watched:
            self._plain.clear()
        self.feed.wake()

    def _may_take(self) -> bool:
        with self._lock:
            return self._ended.is_set() or self._flight.room

    def _send_all(self) -> None:
        while not self._ended.is_set():
            picture = self.feed.take(self._may_take, STATUS_EVERY_S)
            if self._ended.is_set():
                return
            with self._lock:
                self._flight.forget(time.monotonic() - FORGET_S)
            if picture is not None:
                self._send(picture)
                self._ended.wait(1 / MOST_FPS)
            elif self.watched:
                self.widget.send({"say": "status", "status": self._status()})

    def _send(self, picture: Picture) -> None:
        header = picture.header(now_ns=time.monotonic_ns())
        with self._lock:
            number = self._flight.send(time.monotonic())
        words = {"say": "picture", "number": number, "status": self._status(), **header}
        self.widget.send(words, buffers=[picture.frame.image])

    def _status(self) -> dict[str, Any]:
        status = self.feed.status()
        figures = self._figures(status).items()
        return {
            "decision": _reason_told(status["decision"]),
            "state": _reason_told(status["state"]),
            "lines": [[translated(name), str(known(value))] for name, value in figures],
            "left_out": self.left_out,
        }

    def _figures(self, status: Mapping[str, Any]) -> dict[str, int | float | str]:
        latency = status["latency_ms"]
        here = {
            "frames a second": round(status["fps"], 1),
            "camera to here": "unknown" if latency is None else f"{latency:.0f} ms",
        }
        return {**self._numbers, **here}

    def _snapshot(self) -> Snapshot:
        status = self.feed.status()
        numbers = {**self._figures(status), "left out": self.left_out}
        decision = status["decision"]
        if decision is not None and "action" not in self._numbers:  # the service's own say it too
            numbers |= {"decision": decision["action"], "because": decision["reason"]}
        elapsed_s = time.monotonic() - self._began_s
        return Snapshot(self._title, elapsed_s, numbers, self._picture())

    def _picture(self) -> Any:
        """Return the newest picture, drawn; None before the first."""
        picture = self.feed.newest
        return None if picture is None else _drawn(picture, self.feed.status()["decision"])


def live_view(
    stage: Stage | None = None,
    *,
    recording: Path | None = None,
    speed: float = 1.0,
    loop: bool = False,
) -> LiveVideo:
    """Show live what a train sees, decides and does.

    Args:
        stage: Where the train's broker is; the view ends with it. A recorded run is shown if None.
        recording: A run's folder or its file; the one that comes with the kit if None.
        speed: How much faster than it was the recording is played.
        loop: Whether the recording begins again at its end.

    Returns:
        The view: the last value of a cell shows it, and ``service.run(show=...)`` takes it.

    Raises:
        KitError: If there is no broker or no recording.
    """
    if stage is None:
        feed = LiveFeed(recorded_train_id())
        return LiveVideo(feed, from_recording(feed, recording, speed=speed, loop=loop))
    feed = LiveFeed(stage.train_id)
    view = LiveVideo(feed, from_broker(feed, stage.settings))
    stage.before_closing(view.close)
    return view


def watch(stage: Stage) -> LiveVideo | LiveView:
    """Show a service while it runs: ``service.run(show=watch(theatre))``.

    Args:
        stage: Where the train's broker is.

    Returns:
        Live video with the service's numbers. On a stage that only uses what runs already, as in
        a mission, the numbers and the service's own picture alone: nobody watches there, and
        the train's machine has better things to do.
    """
    return LiveView() if stage.attached else live_view(stage)


def _reason_told(status: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a decision or a state with its reason in the notebook's language."""
    return None if status is None else {**status, "reason": told(status["reason"])}


def _drawn(picture: Picture, decision: Mapping[str, Any] | None) -> Any:
    """Return a picture with its boxes and the decision drawn in; None if it is damaged."""
    from kit.vision.frames import decode_jpeg
    from kit.vision.overlay import draw

    try:
        image = decode_jpeg(picture.frame.image)
    except EventError:
        return None
    found = picture.prediction.detections if picture.prediction else ()
    if decision is None:
        return draw(image, found)
    return draw(image, found, action=Action(decision["action"]), reason=told(decision["reason"]))
