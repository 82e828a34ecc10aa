"""Which frames are fresh enough to move on: pure."""

from __future__ import annotations

from kit.events import FrameStamp
from kit.reasons import Reason


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
