"""How much a browser may say."""

from __future__ import annotations

import time
from collections.abc import Callable

PER_S = 60.0
"""Messages a second that a browser may send on average; a picture asks for one answer."""

AT_ONCE = 120.0
"""Messages that it may send in one go."""


class Budget:
    """A bucket of words that fills with time.

    Args:
        per_s: How fast it fills.
        at_once: How much it holds.
        clock: Tells the time, seconds.
    """

    def __init__(
        self,
        *,
        per_s: float = PER_S,
        at_once: float = AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_s = per_s
        self._at_once = at_once
        self._clock = clock
        self._left = at_once
        self._at_s = clock()

    def take(self) -> bool:
        """Take one; tell whether there was one left."""
        now_s = self._clock()
        self._left = min(self._at_once, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
