"""The lease: what happens when nobody says anything any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Lease:
    """Two alarms on the event loop that each renewal puts off.

    Args:
        on_slow: Called after the first span of silence.
        on_stop: Called after the second.
    """

    def __init__(self, *, on_slow: Callable[[], None], on_stop: Callable[[], None]) -> None:
        self._on_slow = on_slow
        self._on_stop = on_stop
        self._alarms: list[asyncio.TimerHandle] = []

    def renew(self, *, slow_s: float, stop_s: float) -> None:
        """Count the silence from now on.

        Args:
            slow_s: Silence after which ``on_slow`` is called, seconds.
            stop_s: Silence after which ``on_stop`` is called, seconds.
        """
        self.end()
        loop = asyncio.get_running_loop()
        self._alarms = [
            loop.call_later(slow_s, self._on_slow),
            loop.call_later(stop_s, self._on_stop),
        ]

    def expect(self, within_s: float, otherwise: Callable[[], None]) -> None:
        """Wait for a first renewal.

        Args:
            within_s: How long to wait, seconds.
            otherwise: Called if it does not come.
        """
        self.end()
        self._alarms = [asyncio.get_running_loop().call_later(within_s, otherwise)]

    @property
    def overdue(self) -> bool:
        """Whether the last alarm should have gone off already.

        An event loop that was held up finds what came meanwhile before it looks at its alarms.
        """
        if not self._alarms:
            return False
        return asyncio.get_running_loop().time() >= self._alarms[-1].when()

    def end(self) -> None:
        """Switch the alarms off."""
        for alarm in self._alarms:
            alarm.cancel()
        self._alarms = []
