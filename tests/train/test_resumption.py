"""A train at a booth goes on by itself after a decided stop, and after nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from pydantic import ValidationError

from kit.events import Action, Motion, Origin
from kit.train.controller import ControlParameters
from kit.train.hub_facts import HubEventKind
from kit.train.lwp3.enums import AlertType
from tests.train.fast_time import BRAKE, Play, play

BOOTH = ControlParameters(resume_after_s=5)
Script = Callable[[Play], Awaitable[None]]


async def _stopped_by_a_sign(it: Play) -> None:
    await it.cruising()
    it.say(Action.STOP)
    await it.wait(50)
    assert it.controller.motion is Motion.STOPPED


def test_it_goes_on_once_the_time_is_up_and_the_sign_is_obeyed() -> None:
    async def script(it: Play) -> None:
        await _stopped_by_a_sign(it)
        await it.keep_saying(Action.CRUISE, for_ms=4800)
        assert it.controller.latched
        assert it.hub.motor[-1] == BRAKE
        await it.keep_saying(Action.CRUISE, for_ms=1500)
        assert it.controller.motion is Motion.CRUISING
        assert it.hub.motor[-1] == 60

    it = play(script, BOOTH)
    assert any("goes on by itself" in state.reason for state in it.states)


def test_by_default_it_never_goes_on_by_itself() -> None:
    async def script(it: Play) -> None:
        await _stopped_by_a_sign(it)
        await it.keep_saying(Action.CRUISE, for_ms=120_000)
        assert it.controller.latched

    assert play(script).hub.motor[-1] == BRAKE


def test_it_stands_for_as_long_as_the_decision_still_says_stop() -> None:
    async def script(it: Play) -> None:
        await _stopped_by_a_sign(it)
        await it.keep_saying(Action.STOP, for_ms=20_000)
        assert it.controller.latched
        await it.keep_saying(Action.SLOW, for_ms=200)
        assert it.controller.motion is Motion.SLOWED

    play(script, BOOTH)


def test_it_goes_on_only_on_a_frame_that_was_captured_after_it_was_released() -> None:
    async def script(it: Play) -> None:
        await _stopped_by_a_sign(it)
        await it.keep_saying(Action.CRUISE, for_ms=5100)
        assert not it.controller.latched
        before = len(it.hub.motor)
        it.say(Action.CRUISE, age_ms=290)
        assert len(it.hub.motor) == before

    play(script, BOOTH)


async def _emergency(it: Play) -> None:
    it.say(Action.EMERGENCY_STOP)


async def _button(it: Play) -> None:
    it.hub.happens(HubEventKind.BUTTON_PRESSED)


async def _service(it: Play) -> None:
    it.controller.service_lost("inference")


async def _broker(it: Play) -> None:
    it.controller.service_lost("broker")


async def _link(it: Play) -> None:
    it.hub.lose()
    await it.wait(20)
    it.hub.come_back()


async def _alert(it: Play) -> None:
    it.hub.facts.alerts.add(AlertType.HIGH_CURRENT)
    it.hub.happens(HubEventKind.ALERT)
    await it.wait(20)
    it.hub.facts.alerts.clear()
    it.hub.happens(HubEventKind.ALERT_OVER)


async def _silence(it: Play) -> None:
    await it.wait(1000)


async def _operators_stop(it: Play) -> None:
    it.say(Action.STOP, origin=Origin.OPERATOR)


OTHERS: list[Script] = [_emergency, _button, _service, _broker, _link, _alert, _silence]


@pytest.mark.parametrize("other", [*OTHERS, _operators_stop])
def test_after_any_other_stop_it_waits_to_be_armed(other: Script) -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        await other(it)
        await it.keep_saying(Action.CRUISE, for_ms=60_000)
        assert it.controller.latched

    assert play(script, BOOTH).hub.motor[-1] == BRAKE


@pytest.mark.parametrize("other", OTHERS)
def test_what_happens_while_it_stands_for_a_sign_takes_the_right_to_go_on_away(
    other: Script,
) -> None:
    async def script(it: Play) -> None:
        await _stopped_by_a_sign(it)
        await it.keep_saying(Action.CRUISE, for_ms=1000)
        await other(it)
        await it.keep_saying(Action.CRUISE, for_ms=60_000)
        assert it.controller.latched
        it.arm()
        await it.keep_saying(Action.CRUISE, for_ms=300)
        assert it.controller.motion is Motion.CRUISING

    play(script, BOOTH)


def test_a_stop_on_a_stale_frame_stops_but_does_not_let_it_go_on() -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        it.say(Action.STOP, age_ms=5000)
        await it.keep_saying(Action.CRUISE, for_ms=60_000)
        assert it.controller.latched

    play(script, BOOTH)


def test_a_brake_that_the_hub_does_not_confirm_lets_nothing_go_on() -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        it.hub.confirms = False
        it.say(Action.STOP)
        await it.keep_saying(Action.CRUISE, for_ms=3000)
        assert it.controller.motion is Motion.FAULT
        it.hub.confirms = True
        await it.keep_saying(Action.CRUISE, for_ms=60_000)
        assert it.controller.latched

    play(script, BOOTH)


def test_it_goes_on_once_a_stop_and_needs_no_hands_for_the_next_one() -> None:
    async def script(it: Play) -> None:
        await _stopped_by_a_sign(it)
        for _ in range(3):
            await it.keep_saying(Action.CRUISE, for_ms=6000)
            assert it.controller.motion is Motion.CRUISING
            it.say(Action.STOP)
            await it.wait(50)
            assert it.controller.latched

    play(script, BOOTH)


def test_a_pause_of_an_instant_is_refused() -> None:
    with pytest.raises(ValidationError, match="resume_after_s"):
        ControlParameters(resume_after_s=0.2)


def test_a_hand_driven_train_never_goes_on_by_itself() -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        it.arm()
        it.controller.drive_by_hand(50)
        await it.wait(100)
        it.say(Action.STOP)
        await it.keep_saying(Action.CRUISE, for_ms=60_000)
        assert it.controller.latched

    play(script, BOOTH, by_hand=True)
