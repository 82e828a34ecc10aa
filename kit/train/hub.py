"""The hub over Bluetooth: finds it, keeps the link, writes and listens.

A lost link is looked for again, with growing pauses, for as long as the hub is open. The first
thing written on a new link is a brake, before anything else is asked or told: to the motor's port
if it is known from before, else to both outer ports, since a device that is no motor refuses it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from kit.errors import HubError
from kit.train.hub_facts import HubEvent, HubEventKind, HubFacts
from kit.train.hub_finder import HubSource
from kit.train.hub_link import HubLink
from kit.train.hub_questions import OUTER_PORTS, what_changes, what_is_attached
from kit.train.lwp3 import commands
from kit.train.lwp3.codec import decode
from kit.train.lwp3.enums import Colour, IoType

ANNOUNCE_TIMEOUT_S = 1.0
"""How long to wait until the hub announces its motor, before asking each port, seconds."""

FIRST_PAUSE_S = 0.1
"""Pause after the first failed attempt to connect; it doubles each time, seconds."""

LONGEST_PAUSE_S = 5.0
"""Longest pause between two attempts to connect, seconds."""

ATTEMPTS = 4
"""How often opening a hub tries to find and connect it."""

_log = logging.getLogger(__name__)


class Hub:
    """A LEGO City hub with a train motor; an async context manager.

    Args:
        source: ``ble`` for any City hub, ``ble:<name or address>`` for one of them, or
            ``hci:<transport>`` for a virtual hub or a Bluetooth dongle of its own.
        attempts: How often to try before giving up, when it is opened.
        link: Makes the link; a simulation faster than life has one without Bluetooth.
    """

    def __init__(
        self,
        source: str,
        *,
        attempts: int = ATTEMPTS,
        link: Callable[..., HubLink] = HubLink,
    ) -> None:
        self.source = HubSource.parse(source)
        self.facts = HubFacts()
        self._attempts = attempts
        self._link = link(self.source, on_data=self._receive, on_lost=self._lost)
        self._callbacks: list[Callable[[HubEvent], None]] = []
        self._motor_known = asyncio.Event()
        self._braked = asyncio.Event()
        self._reconnecting: asyncio.Task[None] | None = None
        self._connected = False
        self._lost_early = False

    @property
    def connected(self) -> bool:
        """Whether the link is up and the motor known."""
        return self._connected

    @property
    def address(self) -> str | None:
        """Address of the hub that was found, if it has one."""
        return self._link.address

    @property
    def battery_percent(self) -> int | None:
        """Charge left, 0 to 100, once the hub has told."""
        return self.facts.battery_percent

    @property
    def voltage_v(self) -> float | None:
        """Battery voltage in volts, once the hub has told."""
        return self.facts.voltage_v

    @property
    def rssi_dbm(self) -> int | None:
        """Strength of our signal at the hub in dBm, once it has told."""
        return self.facts.rssi_dbm

    def on_event(self, callback: Callable[[HubEvent], None]) -> None:
        """Have a function called with whatever happens, on the event loop."""
        self._callbacks.append(callback)

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        """Have a function called when the link is lost unasked, on the event loop."""
        self.on_event(lambda e: callback() if e.kind is HubEventKind.DISCONNECTED else None)

    async def set_power(self, percent: int) -> None:
        """Set the train motor's power.

        Args:
            percent: -100 to 100; 0 lets it run out.

        Raises:
            HubError: If the link is down or the power out of range.
        """
        await self.write(commands.motor_power(self._motor(), percent, feedback=False))

    async def brake(self) -> None:
        """Brake the train motor; :meth:`braked` tells whether the hub did.

        Raises:
            HubError: If the link is down.
        """
        self._braked.clear()
        await self.write(commands.motor_brake(self._motor()))

    async def braked(self, timeout_s: float) -> bool:
        """Wait until the hub confirms the latest brake.

        Args:
            timeout_s: How long to wait, seconds.

        Returns:
            Whether it did.
        """
        return await _set_within(self._braked, timeout_s)

    async def float_(self) -> None:
        """Let the train motor run out.

        Raises:
            HubError: If the link is down.
        """
        await self.write(commands.motor_float(self._motor(), feedback=False))

    async def set_light(self, percent: int) -> None:
        """Set the brightness of the train's light, if it has one.

        Args:
            percent: 0 to 100.

        Raises:
            HubError: If the link is down.
        """
        port = self.facts.port_of(IoType.LIGHT)
        if port is not None:
            await self.write(commands.light(port, percent, feedback=False))

    async def set_colour(self, colour: Colour) -> None:
        """Set the colour of the hub's own light.

        Raises:
            HubError: If the link is down.
        """
        await self.write(commands.status_colour(colour))

    async def write(self, message: bytes) -> None:
        """Write one message, without waiting for an answer.

        Raises:
            HubError: If the link is down.
        """
        await self._link.write(message)

    async def __aenter__(self) -> Self:
        try:
            for attempt in range(1, self._attempts + 1):
                try:
                    await self._connect()
                    break
                except HubError:
                    if attempt == self._attempts:
                        raise
                    await asyncio.sleep(_pause_s(attempt))
        except BaseException:
            await self._link.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connected = False
        if self._reconnecting is not None:
            self._reconnecting.cancel()
            await asyncio.gather(self._reconnecting, return_exceptions=True)
        await self._link.close()

    async def _connect(self) -> None:
        try:
            await self._set_up()
        except BaseException:
            await self._link.hang_up()
            raise
        self._connected = True
        self._emit(HubEvent(HubEventKind.CONNECTED, self.facts.name or ""))

    async def _set_up(self) -> None:
        self._lost_early = False
        await self._link.connect()
        braked = await self._brake_unheard()
        self.facts.forget_link()
        self._motor_known.clear()
        await self._link.listen()
        await self._find_motor()
        if self._motor() not in braked:
            await self._brake_unheard()
        for question in what_changes():
            await self.write(question)
        if self._lost_early:
            raise HubError("The hub's link was lost again while it was set up")

    async def _brake_unheard(self) -> tuple[int, ...]:
        known = self.facts.port_of(IoType.TRAIN_MOTOR)
        ports = OUTER_PORTS if known is None else (known,)
        for port in ports:
            # No feedback, so that its answer can never be taken for that of a later brake.
            await self.write(commands.motor_brake(port, feedback=False))
        return ports

    async def _find_motor(self) -> None:
        # The hub announces its devices once a link, so not on one that the system held already.
        announces = not self._link.held
        if announces and await _set_within(self._motor_known, ANNOUNCE_TIMEOUT_S):
            return
        for question in what_is_attached():
            await self.write(question)
        if not await _set_within(self._motor_known, ANNOUNCE_TIMEOUT_S):
            raise HubError(
                "The hub has no train motor",
                got=self.facts.devices,
                fix="plug the train's motor into port A",
            )

    def _receive(self, data: bytes) -> None:
        try:
            events = self.facts.take(decode(data))
        except HubError as error:
            _log.warning("A message of the hub was ignored: %s", error)
            return
        motor = self.facts.port_of(IoType.TRAIN_MOTOR)
        if motor is not None:
            self._motor_known.set()
        for event in events:
            if event.port == motor and event.done:
                self._braked.set()
            self._emit(event)

    def _lost(self) -> None:
        if self._connected:
            self._connected = False
            self._emit(HubEvent(HubEventKind.DISCONNECTED))
            self._reconnecting = asyncio.get_running_loop().create_task(self._reconnect())
        else:
            self._lost_early = True

    async def _reconnect(self) -> None:
        attempt = 0
        while not self._connected:
            try:
                await self._connect()
            except Exception as error:  # noqa: BLE001  # a task that ended would never brake
                attempt += 1
                _log.warning("The hub is not back yet (attempt %d): %s", attempt, error)
                await asyncio.sleep(_pause_s(attempt))

    def _motor(self) -> int:
        port = self.facts.port_of(IoType.TRAIN_MOTOR)
        if port is None:
            raise HubError("No train motor is attached to the hub")
        return port

    def _emit(self, event: HubEvent) -> None:
        for callback in self._callbacks:
            callback(event)


def _pause_s(attempt: int) -> float:
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (attempt - 1))


async def _set_within(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            return await event.wait()
    except TimeoutError:
        return False
