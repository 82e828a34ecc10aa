"""Control: commands become bytes to the hub; the only service that moves the train."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, ClassVar

from pydantic import Field

from kit.config import validated
from kit.errors import ConfigError
from kit.events import (
    Action,
    Alive,
    Command,
    Event,
    Motion,
    Origin,
    Stage,
    TrainState,
    arm_proof,
)
from kit.monitoring.histogram import Histogram
from kit.monitoring.metrics import Counted, Reading
from kit.monitoring.train import train_readings
from kit.services.base import ALIVE_EVERY_S, Service, ServiceParameters, Snapshot, Summary
from kit.services.priority import going_first
from kit.train.controller import Controller, ControlParameters
from kit.train.guardian import Guardian
from kit.train.hub import Hub
from kit.train.wire_trace import WireTrace

WATCHED = frozenset({"capture", "inference", "decision"})
"""Services without which the train must not move."""


class ControlServiceParameters(ServiceParameters):
    """Parameters of the control service.

    Attributes:
        hub: Which hub: ``ble``, ``ble:<name or address>``, or ``hci:<transport>``.
        rules: Powers, ramps and the lease.
        resume_after_s: For a train that runs in a loop at a booth: how long it stands for a sign
            before it goes on by itself, seconds; 0 leaves it to the rules, where it is off.
        by_hand: Whether a person drives, by :meth:`ControlService.drive`, and not the decisions.
        guardian: Whether a second process brakes the hub if this one dies.
    """

    hub: Annotated[str, Field(min_length=1)] = "ble"
    rules: ControlParameters = Field(default_factory=ControlParameters)
    resume_after_s: Annotated[float, Field(ge=0)] = 0.0
    by_hand: bool = False
    guardian: bool = True


class ControlService(Service[ControlServiceParameters]):
    """Holds the hub's connection and hands every command to the controller at once."""

    name: ClassVar[str] = "control"
    parameters_type: ClassVar[type[ServiceParameters]] = ControlServiceParameters
    counted: ClassVar[Mapping[str, Counted]] = {
        "commands": Counted("kit_commands_received_total"),
        "states": Counted("kit_states_total"),
        "hub_losses": Counted("kit_hub_losses_total"),
    }
    work: ClassVar[str] = "word from the controller"

    def run(
        self,
        *,
        show: Callable[[Snapshot], None] | None = None,
        once_ready: Callable[[], None] | None = None,
    ) -> Summary:
        """Work as any service does, but ahead of other programs, where the system grants it."""
        with going_first():
            return super().run(show=show, once_ready=once_ready)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the subscription to commands and to the other services' signs of life."""
        self._state: TrainState | None = None
        self._latency = Histogram()
        self._controller: Controller | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.trace = WireTrace()
        train = f"train/{self.parameters.train_id}"
        self.client.subscribe(f"{train}/command", self._receive_command)
        self.client.subscribe(f"{train}/alive/+", self._receive_alive)
        self.client.on_connection(self._connection_changed)
        yield

    @property
    def state(self) -> TrainState | None:
        """The train's latest state, or None before the hub was found."""
        return self._state

    def drive(self, percent: int) -> None:
        """Drive by hand; call it again and again, since each call renews a lease.

        Args:
            percent: Power at the nominal voltage, to 100; 0 and below stop and latch the train.
        """
        self._tell("drive_by_hand", percent)

    def shine(self, percent: int) -> None:
        """Set the light on port B until the next stop, 0 to 100 percent."""
        self._tell("set_headlight", percent)

    def emergency_stop(self, reason: str) -> None:
        """Stop the train at once and latch it, without a way over the broker.

        Args:
            reason: Why, in words for people.
        """
        self._tell("emergency_stop", reason)

    def arm(self, reason: str) -> None:
        """Answer the train's challenge of now, with the key that this process was given.

        The train may refuse, as it does whoever asks: its next state tells.

        Args:
            reason: Why, in words for people.

        Raises:
            ConfigError: If this process was not given the key.
        """
        key, state = self.settings.arm_key, self._state
        if key is None:
            raise ConfigError(
                "This program must not arm the train: it has no key",
                expected="the environment variable KIT_ARM_KEY",
            )
        if state is None or state.challenge is None:
            return
        train_id, secret = self.parameters.train_id, key.get_secret_value()
        proof = arm_proof(secret, train_id=train_id, challenge=state.challenge)
        command = Command(
            train_id=train_id,
            action=Action.ARM,
            reason=reason,
            origin=Origin.OPERATOR,
            proof=proof,
        )
        self._tell("handle", command, time.monotonic_ns())

    def loop(self) -> None:
        """Run the controller until the end was asked for."""
        asyncio.run(self._control())

    def step(self) -> None:
        """Do nothing: the controller works as commands arrive."""

    async def _control(self) -> None:
        parameters = self.parameters
        key = self.settings.arm_key
        with Guardian(parameters.hub, enabled=parameters.guardian) as guardian:
            async with Hub(parameters.hub, link=self.trace.link) as hub:
                async with Controller(
                    hub,
                    self._rules(),
                    by_hand=parameters.by_hand,
                    train_id=parameters.train_id,
                    arm_key=key.get_secret_value() if key else secrets.token_hex(),
                    on_state=self._publish_state,
                ) as controller:
                    self._loop, self._controller = asyncio.get_running_loop(), controller
                    self.ready.set()
                    guardian.keep_to(hub.address)
                    await self._beat(guardian, controller)
                    self._controller = None
                guardian.goodbye()  # only now: the train was braked, and the hub is still held

    def _rules(self) -> ControlParameters:
        rules, after_s = self.parameters.rules, self.parameters.resume_after_s
        if not after_s:
            return rules
        return validated(ControlParameters, rules.model_dump() | {"resume_after_s": after_s})

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
        before, self._state = self._state, state
        self.client.publish(state)
        self.count("states")
        self.worked()
        if state.motion is Motion.DISCONNECTED and before and before.motion is not state.motion:
            self.count("hub_losses")
        if state.frame is not None and (before is None or before.frame != state.frame):
            self._note_latency(state.frame.captured_ns, state.marks)

    def _note_latency(self, captured_ns: int, marks: Mapping[Stage, int]) -> None:
        """Note how long it took to act on a frame; its first state tells."""
        if {Stage.DECIDED, Stage.COMMAND_RECEIVED, Stage.ACTED} <= marks.keys():
            received_ns, acted_ns = marks[Stage.COMMAND_RECEIVED], marks[Stage.ACTED]
            self.took(Stage.COMMAND_RECEIVED, received_ns - marks[Stage.DECIDED])
            self.took(Stage.ACTED, acted_ns - received_ns)
            self._latency.observe((acted_ns - captured_ns) / 1e9)

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

    def readings(self) -> Iterator[Reading]:
        """Yield also how the train and its hub do."""
        yield from super().readings()
        if self.ready.is_set() and self._state is not None:
            yield Reading("kit_frame_latency_seconds", self._latency)
            yield from train_readings(self._state)

    def troubles(self) -> list[str]:
        """Return also what is wrong with the hub."""
        found = super().troubles()
        if self.ready.is_set() and self._state is not None:
            if self._state.motion is Motion.DISCONNECTED:
                found.append("no link to the hub")
            elif self._state.motion is Motion.FAULT:
                found.append(f"a fault: {self._state.reason}")
        return found

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
