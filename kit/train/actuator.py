"""Turns wanted powers into writes to the hub; a brake overtakes whatever is under way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from kit.errors import HubError
from kit.reasons import Reason
from kit.train.hub_facts import HubEvent, HubFacts
from kit.train.lamps import LampHub
from kit.train.motion import ControlParameters

LONGEST_PAUSE_S = 1.0
"""Longest pause before a brake that could not be written is tried again, seconds."""

_log = logging.getLogger(__name__)


class HubLike(LampHub, Protocol):
    """What the controller needs of a hub; :class:`kit.train.hub.Hub` has it."""

    facts: HubFacts

    @property
    def connected(self) -> bool:
        """Whether the link is up."""

    def on_event(self, callback: Callable[[HubEvent], None], /) -> None:
        """Have a function called with whatever happens."""

    async def set_power(self, percent: int, /) -> None:
        """Set the motor's power, -100 to 100."""

    async def brake(self) -> None:
        """Brake the motor."""

    async def braked(self, timeout_s: float, /) -> bool:
        """Wait until the hub confirms the latest brake."""


class Actuator:
    """The only writer to the motor.

    At most one piece of work runs: a ramp, or a brake that is repeated until the hub confirms
    it. New work ends the old work before it writes anything, so that no write of a ramp can
    follow a brake.

    Args:
        hub: The hub.
        parameters: Ramp and patience.
        on_failure: Called with a reason when work fails in a way that only a stop can answer.
        now_ns: The clock.
    """

    def __init__(
        self,
        hub: HubLike,
        parameters: ControlParameters,
        *,
        on_failure: Callable[[str], None],
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._now_ns = now_ns
        self.power_percent = 0
        self._hub = hub
        self._parameters = parameters
        self._on_failure = on_failure
        self._target = 0
        self._work: asyncio.Task[None] | None = None

    def drive(self, target_percent: int, *, written: Callable[[int], None]) -> None:
        """Bring the motor to a power: up in a ramp, down at once.

        Args:
            target_percent: Power to reach, above 0.
            written: Called with the monotonic time in nanoseconds at which the first write was
                given to the Bluetooth system.
        """
        self._target = target_percent
        self._begin(self._ramp(written))

    def adjust(self, target_percent: int) -> None:
        """Change the power that a moving train has or is brought to, without a new start.

        Args:
            target_percent: Power to reach, above 0.
        """
        self._target = target_percent
        if self._work is None and self.power_percent != target_percent:
            self._begin(self._ramp(lambda _: None))

    def brake(
        self,
        *,
        written: Callable[[int], None],
        confirmed: Callable[[], None],
        unconfirmed: Callable[[], None],
    ) -> None:
        """Brake at once, and again until the hub confirms it.

        Args:
            written: Called with the monotonic time in nanoseconds at which the first write was
                given to the Bluetooth system.
            confirmed: Called once the hub has confirmed.
            unconfirmed: Called once ``confirm_attempts`` have not been confirmed.
        """
        self.power_percent = 0
        self._begin(self._brake(written, confirmed, unconfirmed))

    def cancel(self) -> None:
        """End the work under way, without any write."""
        if self._work is not None:
            self._work.cancel()
            self._work = None

    def forget(self) -> None:
        """End the work under way: the link is gone, and with it what the motor does."""
        self.power_percent = 0
        self.cancel()

    async def brake_for_good(self, timeout_s: float) -> bool:
        """Brake until the hub confirms it, as the last thing of all; it cannot be interrupted.

        Args:
            timeout_s: How long to try, seconds.

        Returns:
            Whether the hub confirmed.
        """
        self.forget()
        return await _uninterrupted(self._brake_until(timeout_s))

    async def _brake_until(self, timeout_s: float) -> bool:
        end_ns = self._now_ns() + timeout_s * 1e9
        while self._now_ns() < end_ns:
            try:
                await self._hub.brake()
                if await self._hub.braked(self._parameters.confirm_ms / 1000):
                    return True
            except HubError as error:
                _log.warning("The brake failed: %s", error)
                await asyncio.sleep(self._parameters.confirm_ms / 1000)
        return False

    async def _ramp(self, written: Callable[[int], None]) -> None:
        step = self._parameters.ramp_percent_per_s * self._parameters.ramp_step_ms / 1000
        power = float(self.power_percent)
        first = True
        while first or self.power_percent != self._target:
            power = min(self._target, max(power + step, self._parameters.start_percent))
            self.power_percent = round(power)
            await self._hub.set_power(self.power_percent)
            if first:
                written(self._now_ns())
                first = False
            if self.power_percent != self._target:
                await asyncio.sleep(self._parameters.ramp_step_ms / 1000)

    async def _brake(
        self,
        written: Callable[[int], None],
        confirmed: Callable[[], None],
        unconfirmed: Callable[[], None],
    ) -> None:
        attempt = 0
        while self._hub.connected:
            attempt += 1
            try:
                await self._hub.brake()
                if attempt == 1:
                    written(self._now_ns())
                if await self._hub.braked(self._parameters.confirm_ms / 1000):
                    confirmed()
                    return
            except HubError as error:
                _log.warning("The brake failed, trying again: %s", error)
                await asyncio.sleep(min(LONGEST_PAUSE_S, 0.02 * 2.0**attempt))
            if attempt == self._parameters.confirm_attempts:
                unconfirmed()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.cancel()
        self._work = asyncio.get_running_loop().create_task(work)
        self._work.add_done_callback(self._ended)

    def _ended(self, work: asyncio.Task[None]) -> None:
        if work.cancelled() or work is not self._work:
            return
        self._work = None
        error = work.exception()
        if error is not None:
            _log.error("Driving the train failed", exc_info=error)
            self._on_failure(Reason.DRIVING_FAILED.say(error=error))


async def _uninterrupted(work: Coroutine[Any, Any, bool]) -> bool:
    """Finish a piece of work even if its caller is cancelled meanwhile, such as by Ctrl-C."""
    task = asyncio.get_running_loop().create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()
