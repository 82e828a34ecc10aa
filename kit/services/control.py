"""Control: commands become bytes to the hub; the only service that moves the train."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, ClassVar

from pydantic import Field

from kit.events import Alive, Command, Event, TrainState
from kit.services.base import ALIVE_EVERY_S, Service, ServiceParameters
from kit.train.controller import Controller, ControlParameters
from kit.train.guardian import Guardian
from kit.train.hub import Hub

WATCHED = frozenset({"capture", "inference", "decision"})
"""Services without which the train must not move."""


class ControlServiceParameters(ServiceParameters):
    """Parameters of the control service.

    Attributes:
        hub: Which hub: ``ble``, ``ble:<name or address>``, or ``hci:<transport>``.
        rules: Powers, ramps and the lease.
        guardian: Whether a second process brakes the hub if this one dies.
    """

    hub: Annotated[str, Field(min_length=1)] = "ble"
    rules: ControlParameters = Field(default_factory=ControlParameters)
    guardian: bool = True


class ControlService(Service[ControlServiceParameters]):
    """Holds the hub's connection and hands every command to the controller at once."""

    name: ClassVar[str] = "control"
    parameters_type: ClassVar[type[ServiceParameters]] = ControlServiceParameters

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the subscription to commands and to the other services' signs of life."""
        self._state: TrainState | None = None
        self._controller: Controller | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        train = f"train/{self.parameters.train_id}"
        self.client.subscribe(f"{train}/command", self._receive_command)
        self.client.subscribe(f"{train}/alive/+", self._receive_alive)
        self.client.on_connection(self._connection_changed)
        yield

    def loop(self) -> None:
        """Run the controller until the end was asked for."""
        asyncio.run(self._control())

    def step(self) -> None:
        """Do nothing: the controller works as commands arrive."""

    async def _control(self) -> None:
        parameters = self.parameters
        key = self.settings.arm_key
        with Guardian(parameters.hub, enabled=parameters.guardian) as guardian:
            async with Hub(parameters.hub) as hub:
                async with Controller(
                    hub,
                    parameters.rules,
                    train_id=parameters.train_id,
                    arm_key=key.get_secret_value() if key else secrets.token_hex(),
                    on_state=self._publish_state,
                ) as controller:
                    self._loop, self._controller = asyncio.get_running_loop(), controller
                    self.ready.set()
                    await self._beat(guardian, controller)
                    self._controller = None
                guardian.goodbye()  # only now: the train was braked, and the hub is still held

    async def _beat(self, guardian: Guardian, controller: Controller) -> None:
        told_at = time.monotonic()
        while not self.ending:
            if not guardian.beat():
                controller.service_lost("guardian")
            if time.monotonic() - told_at >= ALIVE_EVERY_S:  # for who came late, or lost one
                told_at = time.monotonic()
                self._publish_state(controller.state)
            await asyncio.sleep(guardian.beat_every_s)

    def _publish_state(self, state: TrainState) -> None:
        self._state = state
        self.client.publish(state)
        self.count("states")

    def _receive_command(self, event: Event, received_ns: int) -> None:
        if isinstance(event, Command):
            self.count("commands")
            self._tell("handle", event, received_ns)

    def _receive_alive(self, event: Event, _received_ns: int) -> None:
        if isinstance(event, Alive) and event.status == "offline" and event.service in WATCHED:
            self._tell("service_lost", event.service)

    def _connection_changed(self, connected: bool) -> None:  # noqa: FBT001
        if not connected:
            self._tell("service_lost", "broker")

    def _tell(self, method: str, *args: object) -> None:
        controller, loop = self._controller, self._loop
        if controller is not None and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(getattr(controller, method), *args)

    def numbers(self) -> dict[str, int | float | str]:
        """Return the train's state, its reason, the power and the battery."""
        if self._state is None:
            return {"state": "looking for the hub", "hub": self.parameters.hub}
        state = self._state
        battery = "unknown" if state.battery_percent is None else f"{state.battery_percent} %"
        return {
            "state": str(state.motion) + (" (latched)" if state.latched else ""),
            "reason": state.reason,
            "power": f"{state.power_percent} %",
            "battery": battery,
            "commands": self.counters.get("commands", 0),
        }
