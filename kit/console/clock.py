"""How long an event was on its way, on this machine or from another one."""

from __future__ import annotations

from kit.events import FrameStamp

SAME_MACHINE_MS = 1000.0
"""Monotonic and wall clock may disagree by this much on the machine of capture, milliseconds."""


class TransitClock:
    """Tells how old a frame was when it arrived.

    Frames of this machine are timed by the monotonic clock, exactly. The clock of another
    machine may be set wrong by any amount; of its frames we only know how much later than the
    fastest of them they came.
    """

    def __init__(self) -> None:
        self._fastest_ms: float | None = None

    def transit_ms(
        self, stamp: FrameStamp, *, received_ns: int, received_s: float
    ) -> tuple[float, bool]:
        """Return the age of a frame at its arrival.

        Args:
            stamp: When it was captured.
            received_ns: Monotonic time of arrival, nanoseconds.
            received_s: The same moment on the wall clock, seconds since 1970.

        Returns:
            Milliseconds from capture to arrival, and whether that is exact: if not, it is the
            delay over that of the fastest frame so far.
        """
        monotonic_ms = (received_ns - stamp.captured_ns) / 1e6
        wall_ms = (received_s - stamp.captured_at.timestamp()) * 1e3
        if monotonic_ms >= 0 and abs(monotonic_ms - wall_ms) < SAME_MACHINE_MS:
            return monotonic_ms, True
        fastest = wall_ms if self._fastest_ms is None else min(self._fastest_ms, wall_ms)
        self._fastest_ms = fastest
        return wall_ms - fastest, False
