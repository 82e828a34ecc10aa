"""Which frame a command of the older demo belongs to: theirs do not say.

Their decision answers each result with one command, in order. So the oldest result that has no
answer yet is the one that a command answers. Messages of quality 0 may get lost; then commands
are taken for older than they are, never for fresher, and the train stands rather than goes. When
that has happened, results are held back until their decision is surely idle, and both
begin again together.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from kit.events import FrameStamp

LATE_MS = 300.0
"""A command on an older frame moves no train: the controller's own bound, milliseconds."""

LATE_IN_A_ROW = 10
"""After so many late commands something was lost, or their decision cannot keep up."""

IDLE_S = 1.0
"""After this long without a command, their decision has nothing left to answer, seconds."""

MOST = 500
"""Most results that are waited for; beyond, their decision is taken for dead."""


class Attribution:
    """Joins commands with frames; safe for several threads.

    It begins at rest: what their decision may still have in hand from before belongs to nothing.

    Args:
        now_ns: The clock, monotonic nanoseconds.

    Attributes:
        restarts: How often something was lost, or their decision could not keep up.
    """

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.restarts = 0
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._asked: deque[FrameStamp] = deque()
        self._late = 0
        self._resting = True
        self._quiet_since_ns = now_ns()

    @property
    def resting(self) -> bool:
        """Whether nothing may go to their decision now, so that it can finish."""
        with self._lock:
            return self._still_resting()

    def asks(self, frame: FrameStamp) -> bool:
        """Note a result that goes to their decision.

        Returns:
            False if it must not go there now.
        """
        with self._lock:
            if len(self._asked) >= MOST:
                self._rest()
            if self._still_resting():
                return False
            self._asked.append(frame)
            return True

    def answers(self) -> FrameStamp | None:
        """Note a command of theirs.

        Returns:
            The frame that it was decided on; None if that is not known.
        """
        with self._lock:
            now_ns = self._now_ns()
            if self._still_resting():
                self._quiet_since_ns = now_ns
                return None
            if not self._asked:
                return None
            frame = self._asked.popleft()
            late = (now_ns - frame.captured_ns) / 1e6 > LATE_MS
            self._late = self._late + 1 if late else 0
            if self._late >= LATE_IN_A_ROW:
                self._rest()
            return frame

    def _still_resting(self) -> bool:
        if self._resting and self._now_ns() - self._quiet_since_ns >= IDLE_S * 1e9:
            self._resting = False
        return self._resting

    def _rest(self) -> None:
        self._asked.clear()
        self._late = 0
        self._resting = True
        self._quiet_since_ns = self._now_ns()
        self.restarts += 1
