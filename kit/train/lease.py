"""The lease: what happens when nobody says anything any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kit.train.motion import ControlParameters


class Lease:
    """Alarms on the event loop that each renewal puts off.

    Args:
        parameters: How long a silence may last.
        on_slow: Called after a silence of ``silence_slow_ms``.
        on_stop: Called after a silence of ``silence_stop_ms``.
        on_expiry: Called if the first renewal does not come within ``arm_expires_ms``.
    """

    def __init__(
        self,
        parameters: ControlParameters,
        *,
        on_slow: Callable[[], None],
        on_stop: Callable[[], None],
        on_expiry: Callable[[], None],
    ) -> None:
        self._parameters = parameters
        self._on_slow = on_slow
        self._on_stop = on_stop
        self._on_expiry = on_expiry
        self._alarms: list[asyncio.TimerHandle] = []

    def renew(self, *, age_s: float, lease_s: float) -> None:
        """Count the silence from the capture of a frame on, not from when its command came.

        Args:
            age_s: How long ago the frame was captured, seconds.
            lease_s: How long its command holds, seconds: it can shorten the silence that is
                borne, and never lengthens it.
        """
        self.end()
        silence_s = self._parameters.silence_stop_ms / 1000
        shortened = min(1.0, lease_s / silence_s)
        loop = asyncio.get_running_loop()
        self._alarms = [
            loop.call_later(shortened * self._parameters.silence_slow_ms / 1000, self._on_slow),
            loop.call_later(min(lease_s, silence_s - age_s), self._on_stop),
        ]

    def expect(self) -> None:
        """Wait for a first renewal: the train was released."""
        self.end()
        within_s = self._parameters.arm_expires_ms / 1000
        self._alarms = [asyncio.get_running_loop().call_later(within_s, self._on_expiry)]

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
