"""What the train's tests share: recording ports, a scripted hub, and commands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kit.errors import HubError
from kit.events import Action, Command, FrameStamp, Label, arm_proof
from kit.train.controller import Controller
from kit.train.hub_facts import HubEvent, HubEventKind, HubFacts
from kit.train.lwp3.enums import Colour, IoType

ARM_KEY = "a key for tests"
PATIENT = {"silence_slow_ms": 400_000, "silence_stop_ms": 500_000}
"""Rules beyond what is allowed, for a train that no busy machine shall stop."""


@dataclass
class RecordingPort:
    """A train without a world: notes what its hub does to it."""

    battery_percent: float = 87.0
    voltage_v: float = 7.4
    done: list[tuple[str, int]] = field(default_factory=list)

    def set_motor(self, power: int, /) -> None:
        self.done.append(("motor", power))

    def brake(self) -> None:
        self.done.append(("brake", 127))

    def float_(self) -> None:
        self.done.append(("float", 0))

    def set_light(self, power: int, /) -> None:
        self.done.append(("light", power))

    @property
    def motor(self) -> list[int]:
        """What the motor was told: power, 127 for a brake."""
        return [value for what, value in self.done if what != "light"]


class ScriptedHub:
    """Fulfils what the controller needs of a hub, without a link."""

    def __init__(self) -> None:
        self.facts = HubFacts(devices={0: IoType.TRAIN_MOTOR, 1: IoType.LIGHT})
        self.connected = True
        self.confirms = True
        self.motor: list[int] = []
        self.colours: list[Colour] = []
        self.lights: list[int] = []
        self.fail_next_power = False
        self._callbacks: list[Callable[[HubEvent], None]] = []

    def on_event(self, callback: Callable[[HubEvent], None], /) -> None:
        self._callbacks.append(callback)

    def happens(self, kind: HubEventKind, detail: str = "") -> None:
        for callback in self._callbacks:
            callback(HubEvent(kind, detail))

    def lose(self) -> None:
        self.connected = False
        self.happens(HubEventKind.DISCONNECTED)

    def come_back(self) -> None:
        self.connected = True
        self.happens(HubEventKind.CONNECTED)

    async def set_power(self, percent: int, /) -> None:
        self._need_link()
        if self.fail_next_power:
            self.fail_next_power = False
            raise HubError("The radio had a hiccup")
        self.motor.append(percent)

    async def brake(self) -> None:
        self._need_link()
        self.motor.append(127)

    async def braked(self, timeout_s: float, /) -> bool:
        await asyncio.sleep(0 if self.confirms else timeout_s)
        return self.confirms

    async def set_light(self, percent: int, /) -> None:
        self._need_link()
        self.lights.append(percent)

    async def set_colour(self, colour: Colour, /) -> None:
        self._need_link()
        self.colours.append(colour)

    def _need_link(self) -> None:
        if not self.connected:
            raise HubError("The hub is not connected")


def stamp(*, sequence: int = 0, age_ms: float = 0.0, captured_ns: int | None = None) -> FrameStamp:
    """A frame captured ``age_ms`` ago, or at a given time."""
    at_ns = time.monotonic_ns() - round(age_ms * 1e6) if captured_ns is None else captured_ns
    return FrameStamp.new(sequence=sequence, captured_ns=at_ns, captured_at=datetime.now(UTC))


def command(action: Action, *, age_ms: float = 0.0, **changes: Any) -> Command:
    """A command as the decision service would send it; unless told, its lease never ends here."""
    needs_frame = action in {Action.STOP, Action.SLOW, Action.CRUISE}
    fields: dict[str, Any] = {
        "train_id": "train-1",
        "action": action,
        "reason": f"test says {action}",
        "frame": stamp(age_ms=age_ms) if needs_frame else None,
        "label": Label.STOP if action is Action.STOP else None,
    }
    made = Command(**fields | changes)
    return made if "lease_ms" in changes else made.model_copy(update={"lease_ms": 600_000})


def arm(controller: Controller) -> Command:
    """The command that releases a controller now."""
    challenge = controller.state.challenge
    assert challenge is not None
    proof = arm_proof(ARM_KEY, train_id=controller.train_id, challenge=challenge)
    return command(Action.ARM, proof=proof)


def give(controller: Controller, order: Command) -> None:
    """Hand a command over, as received now."""
    controller.handle(order, time.monotonic_ns())
