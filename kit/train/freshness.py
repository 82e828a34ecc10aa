"""Which decisions count: those on a new picture, each once, and none that was said before."""

from __future__ import annotations

from collections.abc import Callable

from kit.events import Command, FrameStamp, Origin
from kit.reasons import Reason


class Freshness:
    """Remembers which frame was acted on last, so that nothing old and nothing repeated counts.

    Args:
        max_age_ms: Frames captured longer ago do not count, milliseconds.
        now_ns: The clock, monotonic nanoseconds.

    Attributes:
        refused: Why the latest decision to move was refused; empty if it was followed.
    """

    def __init__(self, *, max_age_ms: int, now_ns: Callable[[], int]) -> None:
        self.refused = ""
        self._max_age_ms = max_age_ms
        self._now_ns = now_ns
        self._newest_ns = 0

    def begin(self) -> None:
        """Let only frames count that are captured from now on: the train was released."""
        self._newest_ns = self._now_ns()
        self.refused = ""

    def note(self, frame: FrameStamp) -> None:
        """Let only frames count from here on that were captured after this one."""
        self._newest_ns = frame.captured_ns

    def follow(self, frame: FrameStamp) -> None:
        """Note a frame that the train moves on."""
        self.refused = ""
        self.note(frame)

    def staleness(self, frame: FrameStamp) -> str | None:
        """Return why a frame does not count, or None if it does."""
        return staleness(
            frame,
            newer_than_ns=self._newest_ns,
            max_age_ms=self._max_age_ms,
            now_ns=self._now_ns(),
        )

    def age_s(self, frame: FrameStamp) -> float:
        """Return how long ago a frame was captured, seconds."""
        return (self._now_ns() - frame.captured_ns) / 1e9

    def decided_now(self, command: Command) -> FrameStamp | None:
        """Return the frame that a command was decided on, if it was on one that counts."""
        frame = command.frame
        if command.origin is not Origin.DECISION or frame is None:
            return None
        return frame if self.staleness(frame) is None else None


def staleness(frame: FrameStamp, *, newer_than_ns: int, max_age_ms: int, now_ns: int) -> str | None:
    """Return why a frame is not fresh enough to move on, or None if it is.

    Args:
        frame: The frame that was decided on.
        newer_than_ns: It must be captured after this, monotonic nanoseconds.
        max_age_ms: It must be captured this long ago at most, milliseconds.
        now_ns: Monotonic time now, nanoseconds.
    """
    age_ms = (now_ns - frame.captured_ns) / 1e6
    if age_ms > max_age_ms:
        return Reason.WAS_OLD.say(age=f"{age_ms:.0f}")
    if age_ms < 0:
        return Reason.FROM_THE_FUTURE
    if frame.captured_ns <= newer_than_ns:
        return Reason.NOT_NEWER
    return None
