"""What the hub's own warnings do to a train that cruises: from the hub's bytes to the motor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from kit.events import Action, Motion
from kit.sim.hub import VirtualHub
from kit.sim.radio import VirtualRadio
from kit.train.controller import Controller, ControlParameters
from kit.train.hub import Hub
from kit.train.lwp3.codec import encode
from kit.train.lwp3.enums import AlertType, Colour, ErrorCode, IoType, MessageType
from kit.train.lwp3.hub_messages import GenericErrorMessage
from tests.train.hub_bench import ARM_KEY, PATIENT, RecordingPort, arm, command, give
from tests.waiting import until

BRAKE = 127


class Run:
    """A train that is decided to cruise all the time, over a real link."""

    def __init__(self, port: RecordingPort, virtual: VirtualHub, controller: Controller) -> None:
        self.port = port
        self.virtual = virtual
        self.controller = controller

    async def set_off(self) -> None:
        await until(lambda: self.controller.motion in {Motion.STOPPED, Motion.FAULT})
        give(self.controller, arm(self.controller))
        await until(lambda: self.port.motor[-1] == 60)

    async def decide(self) -> None:
        while True:
            give(self.controller, command(Action.CRUISE))
            await asyncio.sleep(0.02)


@asynccontextmanager
async def cruising() -> AsyncIterator[Run]:
    port = RecordingPort()
    virtual = VirtualHub(port)
    async with (
        VirtualRadio(virtual) as radio,
        Hub(radio.hci_address) as hub,
        Controller(
            hub,
            ControlParameters(nominal_v=0).model_copy(update=PATIENT),
            train_id="train-1",
            arm_key=ARM_KEY,
            on_state=lambda _: None,
        ) as controller,
    ):
        it = Run(port, virtual, controller)
        deciding = asyncio.get_running_loop().create_task(it.decide())
        try:
            await it.set_off()
            yield it
        finally:
            deciding.cancel()
            with suppress(asyncio.CancelledError):
                await deciding


def _weak_battery(it: Run, *, on: bool) -> None:
    it.port.voltage_v = 5.5 if on else 7.4
    it.virtual.refresh()


def _held_fast(it: Run, *, on: bool) -> None:
    it.virtual.raise_alert(AlertType.HIGH_CURRENT, on=on)


def _too_much_power(it: Run, *, on: bool) -> None:
    it.virtual.raise_alert(AlertType.OVER_POWER, on=on)


def _unplugged(it: Run, *, on: bool) -> None:
    it.virtual.unplug(0) if on else it.virtual.plug(0, IoType.TRAIN_MOTOR)


@pytest.mark.parametrize("warn", [_weak_battery, _held_fast, _too_much_power, _unplugged])
def test_a_warning_stops_the_train_until_it_is_over_and_the_train_is_armed(
    warn: Callable[..., None],
) -> None:
    async def run() -> None:
        async with cruising() as it:
            warn(it, on=True)
            await until(lambda: it.controller.motion is Motion.FAULT)
            await until(lambda: it.virtual.colour == Colour.PURPLE)
            assert it.controller.latched
            give(it.controller, arm(it.controller))
            assert it.controller.latched
            assert it.port.motor[-1] in {BRAKE, 0}  # a motor without a wire rolls
            warn(it, on=False)
            await until(lambda: not it.controller._fault())
            await until(lambda: it.port.motor[-1] == BRAKE)
            assert it.controller.latched
            await it.set_off()

    asyncio.run(run())


def test_a_command_that_is_refused_for_its_current_stops_the_train() -> None:
    async def run() -> None:
        async with cruising() as it:
            refusal = GenericErrorMessage(MessageType.PORT_OUTPUT_COMMAND, ErrorCode.OVERCURRENT)
            it.virtual._sessions[0].notify(encode(refusal))
            await until(lambda: it.port.motor[-1] == BRAKE)
            assert it.controller.latched

    asyncio.run(run())


def test_a_weak_signal_does_not_stop_the_train() -> None:
    async def run() -> None:
        async with cruising() as it:
            it.virtual.raise_alert(AlertType.LOW_SIGNAL)
            await until(lambda: it.controller._hub.facts.weak_signal)
            assert it.controller.motion is Motion.CRUISING
            assert it.port.motor[-1] == 60

    asyncio.run(run())


def test_a_hub_that_says_that_it_will_go_stops_the_train_before_it_goes() -> None:
    async def run() -> list[int]:
        async with cruising() as it:
            it.virtual.switch_off()
            await until(lambda: it.controller.motion is Motion.DISCONNECTED)
            assert it.controller.latched
            it.virtual.switch_on()
            await until(lambda: it.controller.motion is Motion.STOPPED)
            assert it.controller.latched
            return it.port.motor[-1:]

    assert asyncio.run(run()) == [BRAKE]
