"""Pictures that fit the link to Kafka: smaller, lighter or fewer, as what it takes asks for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass

from kit.errors import EventError
from kit.events import Frame, PictureQuality
from kit.labels import say, told
from kit.messaging.kafka.live_lane import LiveAnswer
from kit.messaging.kafka.quality import QualityPolicy
from kit.messaging.kafka.quality_steps import QualityStep
from kit.vision.frames import decode_jpeg, encode_jpeg, resize

OUTCOMES = ("taken", "postponed", "overtaken", "skipped")
"""What becomes of pictures in the live lane; all but the first are kept for later."""


@dataclass(frozen=True)
class Thinned:
    """What is to become of a frame.

    Attributes:
        smaller: JPEG that is sent live in its place; None for its own.
        later: Whether it is only kept for later.
    """

    smaller: bytes | None = None
    later: bool = False


class Thinner:
    """Thins pictures by a policy; safe to use from several threads.

    Attributes:
        counts: Live pictures by what became of them: ``taken``, ``postponed``, ``overtaken``,
            ``skipped``; and ``bytes`` of those that Kafka took.
        changes: Steps by direction: ``down`` and ``up``.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.changes: Counter[str] = Counter()
        self._policy = QualityPolicy()
        self._lock = threading.Lock()
        self._turn = 0
        self._sent_ns: int | None = None
        self._away = False

    def thin(self, frame: Frame) -> Thinned:
        """Say what is to become of a frame.

        Args:
            frame: As it was captured.
        """
        with self._lock:
            self._policy.offer(time.monotonic(), full_bytes=len(frame.image))
            step = self._policy.step
            due = self._due(step, frame.frame.captured_ns)
            self.counts["skipped"] += not due
        return Thinned(smaller=shrink(frame, step)) if due else Thinned(later=True)

    def answered(self, answer: LiveAnswer) -> None:
        """Take in what became of a live picture."""
        now_s = time.monotonic()
        with self._lock:
            if answer.taken is None:
                self.counts["overtaken"] += 1
                self._policy.overtaken(now_s)
            elif answer.taken:
                self.counts["taken"] += 1
                if self._away:  # it is back: the next picture does not wait for its turn
                    self._away, self._turn, self._sent_ns = False, self._policy.step.every, None
                self.counts["bytes"] += answer.size
                self._policy.taken(now_s, size=answer.size, delay_s=answer.delay_s)
            else:
                self.counts["postponed"] += 1
                self._away = True
                self._policy.failed(now_s)

    def judge(self, *, oldest_s: float, events_waiting: int) -> bool:
        """Look whether another step is due; return whether it has changed.

        Args:
            oldest_s: For how long the oldest live picture has had no answer, seconds.
            events_waiting: How many events wait for Kafka.
        """
        with self._lock:
            before = self._policy.index
            changed = self._policy.judge(
                time.monotonic(), oldest_s=oldest_s, events_waiting=events_waiting
            )
            if changed:
                self.changes["down" if self._policy.index > before else "up"] += 1
            return changed

    @property
    def index(self) -> int:
        """The step in force; 0 for all pictures as they were taken."""
        with self._lock:
            return self._policy.index

    def quality(self) -> PictureQuality:
        """Return how pictures go to Kafka now."""
        with self._lock:
            step = self._policy.step
            figures = self._policy.figures(time.monotonic())
            return PictureQuality(
                step=self._policy.index,
                steps=len(self._policy.steps),
                width=step.width,
                height=step.height,
                jpeg_quality=step.jpeg_quality,
                fps=round(figures.fps, 1),
                kbit_per_s=round(figures.bytes_per_s * 8 / 1000, 1),
                delay_ms=None if figures.delay_s is None else round(figures.delay_s * 1000, 1),
                reason=self._policy.reason,
            )

    def words(self) -> str:
        """Return how pictures go to Kafka now, in words for people."""
        now = self.quality()
        return say(
            "{now.width} × {now.height}, {now.fps:g} a second: {reason}",
            now=now,
            reason=told(now.reason),
        )

    def _due(self, step: QualityStep, captured_ns: int) -> bool:
        self._turn += 1
        if self._turn < step.every:
            return False
        if step.max_fps is not None and self._sent_ns is not None:
            early = captured_ns - self._sent_ns < 1e9 / step.max_fps
            if early and captured_ns >= self._sent_ns:  # else the camera's clock began anew
                return False
        self._turn, self._sent_ns = 0, captured_ns
        return True


def shrink(frame: Frame, step: QualityStep) -> bytes | None:
    """Return a frame's JPEG as a step asks for it; None if that is as it was taken.

    Args:
        frame: The frame.
        step: The step.
    """
    if step.jpeg_quality is None:
        return None
    try:
        image = decode_jpeg(frame.image)
    except EventError:  # whoever looks at it will be told; we pass it on as it is
        return None
    if (image.shape[1], image.shape[0]) != (step.width, step.height):
        image = resize(image, step.width, step.height)
    smaller = encode_jpeg(image, quality=step.jpeg_quality)
    return smaller if len(smaller) < len(frame.image) else None
