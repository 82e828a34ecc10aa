"""Live cameras: the newest picture only, and patience with a source that is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from kit.errors import CameraError
from kit.vision.cameras.camera import NS_PER_S, Camera, Pace, Source
from kit.vision.frames import Picture

GIVE_UP_S = 15.0
"""How long a live source may give no picture before reading fails, seconds."""

FIRST_RETRY_S = 0.1
"""Wait before a lost source is opened again for the first time, seconds; doubled each time."""

SLOWEST_RETRY_S = 2.0
"""Longest wait between two tries, seconds."""

CLOSE_TIMEOUT_S = 3.0
"""How long closing waits for a driver that does not answer, seconds."""


class LiveCamera(Camera):
    """A camera whose driver is drained by a thread of its own.

    The thread keeps one picture, the newest: however slow the reader is, what it gets is
    fresh, and no lag builds up. A source that fails is opened again, with growing pauses.

    Args:
        open_source: Opens the camera; called at once, and again whenever it is lost.
        name: The source as it may be shown to people.
        fps: Pictures a second to give at most, above 0.
        give_up_s: How long no picture may come before reading fails, seconds.

    Raises:
        CameraError: If the camera cannot be opened now: a wrong name should show at once.
        ConfigError: If the rate is wrong.
    """

    live = True

    def __init__(
        self,
        open_source: Callable[[], Source],
        *,
        name: str,
        fps: float,
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        self.name = name
        self._open_source = open_source
        self._pace = Pace(fps)
        self._give_up_s = give_up_s
        self._changed = threading.Condition()
        self._newest: Picture | None = None
        self._failure: CameraError | None = None
        self._closing = threading.Event()
        self._seen_ns = time.monotonic_ns()
        self._thread = threading.Thread(
            target=self._drain, args=(open_source(),), name=f"camera {name}", daemon=True
        )
        self._thread.start()

    def read(self) -> Picture | None:
        """Wait for the first picture that is due and that nobody has read.

        Returns:
            The newest picture, or None if the camera was closed.

        Raises:
            CameraError: If no picture has come for ``give_up_s``.
        """
        while (picture := self._take()) is not None:
            if self._pace.takes(picture.captured_ns):
                return picture
        return None

    def close(self) -> None:
        """Stop the thread, which lets go of the source."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(CLOSE_TIMEOUT_S)

    def _take(self) -> Picture | None:
        with self._changed:
            told = self._changed.wait_for(self._has_news, timeout=self._give_up_s)
            picture, self._newest = self._newest, None
        if self._closing.is_set():
            return None
        if picture is None:
            raise self._failure if told and self._failure else self._silence()
        return picture

    def _has_news(self) -> bool:
        return bool(self._newest or self._failure or self._closing.is_set())

    def _silence(self) -> CameraError:
        return CameraError(
            f"The camera '{self.name}' stopped giving pictures",
            expected=f"one in {self._give_up_s:g} s at least",
            got="none",
            fix="check its cable and its power",
        )

    def _drain(self, source: Source | None) -> None:
        retry_s = FIRST_RETRY_S
        while not self._closing.is_set():
            try:
                if source is None:
                    source = self._open_source()
                    self.reopened += 1
                self._put(source.grab())
                retry_s = FIRST_RETRY_S
            except CameraError as error:
                _let_go(source)
                source = None
                if self._gave_up(error):
                    return
                self._closing.wait(retry_s)
                retry_s = min(2 * retry_s, SLOWEST_RETRY_S)
        _let_go(source)

    def _put(self, picture: Picture) -> None:
        with self._changed:
            self.dropped += self._newest is not None
            self._newest = picture
            self._seen_ns = time.monotonic_ns()
            self._changed.notify_all()

    def _gave_up(self, error: CameraError) -> bool:
        silent_s = (time.monotonic_ns() - self._seen_ns) / NS_PER_S
        if silent_s < self._give_up_s:
            return False
        with self._changed:
            self._failure = error
            self._changed.notify_all()
        return True


def _let_go(source: Source | None) -> None:
    if source is not None:
        source.close()
