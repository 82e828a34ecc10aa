"""The controller in a time of its own: lease, hand, light and battery."""

from __future__ import annotations

from itertools import groupby

import pytest

from kit.events import Action, Motion
from kit.train.controller import ControlParameters
from kit.train.lwp3.enums import Colour
from tests.train.fast_time import BRAKE, Play, play


@pytest.mark.parametrize("age_ms", [0, 50, 250])
def test_the_brake_comes_450_ms_after_the_capture_of_the_last_frame(age_ms: int) -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        await it.wait(300)  # so that the next frame is newer, however old
        it.say(Action.CRUISE, age_ms=age_ms)
        await it.wait(449 - age_ms)
        assert it.hub.motor[-1] != BRAKE
        await it.wait(2)
        assert it.hub.motor[-1] == BRAKE
        assert it.controller.latched

    play(script)


def test_silence_slows_and_then_brakes_and_latches() -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        await it.wait(1000)
        assert it.controller.latched
        assert "no fresh decision" in it.states[-1].reason

    it = play(script, ControlParameters(nominal_v=0))
    motions = [motion for motion, _ in groupby(state.motion for state in it.states)]
    assert motions[motions.index(Motion.CRUISING) :] == [
        Motion.CRUISING,
        Motion.SLOWED,
        Motion.STOPPING,
        Motion.STOPPED,
    ]
    assert it.hub.motor[it.hub.motor.index(60) + 1 :] == [35, BRAKE, BRAKE]  # and one at the end


def test_a_repeated_command_does_not_renew_the_lease() -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        it.arm()
        await it.wait(1)
        move = it.say(Action.CRUISE)
        for _ in range(4):
            await it.wait(100)
            assert not it.controller.latched
            it.controller.handle(move, it.now_ns())
        assert it.controller.ignored == 4
        await it.wait(51)
        assert it.controller.latched

    play(script)


def test_a_shorter_lease_of_the_command_is_respected() -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        it.arm()
        await it.wait(1)
        it.say(Action.CRUISE, lease_ms=50)
        await it.wait(49)
        assert it.controller.motion is not Motion.STOPPED
        await it.wait(2)
        assert it.controller.latched

    play(script)


@pytest.mark.parametrize(("age_ms", "why"), [(301, "ms old"), (-60_000, "future")])
def test_a_frame_that_is_not_fresh_moves_nothing(age_ms: float, why: str) -> None:
    async def script(it: Play) -> None:
        await it.wait(400)
        it.arm()
        it.say(Action.CRUISE, age_ms=age_ms)
        await it.wait(30_001)
        assert it.controller.latched
        assert why in it.states[-1].reason

    assert play(script).hub.motor == [BRAKE] * 3


def test_a_loop_that_was_held_up_follows_nothing_before_it_looks_at_the_lease() -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        written = len(it.hub.motor)
        it.loop.hold_up(5)
        it.say(Action.SLOW)
        assert it.controller.latched
        await it.wait(5)
        assert it.hub.motor[written:] == [BRAKE]
        assert "no fresh decision" in it.states[-1].reason

    play(script)


def test_a_hand_that_lets_go_is_silence() -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        it.arm()
        for _ in range(20):
            it.controller.drive_by_hand(80)
            await it.wait(100)
        assert it.hub.motor[-1] == 80
        await it.wait(260)
        assert it.hub.motor[-1] == 35
        await it.wait(250)
        assert it.hub.motor[-1] == BRAKE
        assert it.controller.latched
        it.controller.drive_by_hand(80)
        await it.wait(100)
        assert it.hub.motor[-1] == BRAKE

    play(script, by_hand=True)


def test_a_hand_that_goes_to_zero_stops_and_latches() -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        it.arm()
        it.controller.drive_by_hand(30)
        await it.wait(100)
        it.controller.drive_by_hand(0)
        await it.wait(10)
        assert it.controller.motion is Motion.STOPPED
        assert it.controller.latched

    assert play(script, by_hand=True).hub.motor[-1] == BRAKE


@pytest.mark.parametrize("action", [Action.CRUISE, Action.SLOW])
def test_no_decision_moves_a_hand_driven_train(action: Action) -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        it.arm()
        await it.keep_saying(action, for_ms=1000)
        assert set(it.hub.motor) == {BRAKE}

    play(script, by_hand=True)


@pytest.mark.parametrize("action", [Action.STOP, Action.EMERGENCY_STOP])
def test_every_stop_stops_a_hand_driven_train(action: Action) -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        it.arm()
        it.controller.drive_by_hand(50)
        await it.wait(100)
        it.say(action)
        it.controller.drive_by_hand(50)
        await it.wait(10)
        assert it.hub.motor[-1] == BRAKE
        assert it.controller.latched

    play(script, by_hand=True)


def test_a_train_that_is_driven_by_decisions_follows_no_hand() -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        it.arm()
        it.controller.drive_by_hand(50)
        await it.wait(100)
        assert set(it.hub.motor) == {BRAKE}

    play(script)


def test_the_light_blinks_twice_when_the_train_slows_and_stays_on() -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        before = len(it.hub.lights)
        await it.keep_saying(Action.SLOW, for_ms=2000)
        assert it.hub.lights[before:] == [100, 0, 100, 0, 100]

    play(script)


def test_the_light_blinks_twice_when_the_train_stops_and_stays_dark() -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        before = len(it.hub.lights)
        it.say(Action.STOP)
        await it.wait(2000)
        assert it.hub.lights[before:] == [100, 0, 100, 0, 0]

    play(script)


def test_the_brake_is_written_before_the_light_blinks() -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        lit, told = len(it.hub.lights), len(it.hub.motor)
        it.say(Action.STOP)
        while len(it.hub.motor) == told:
            assert len(it.hub.lights) == lit
            await it.wait(0)
        assert it.hub.motor[told:] == [BRAKE]

    play(script)


def test_a_train_that_is_told_to_go_on_while_it_blinks_shows_a_steady_light() -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        await it.keep_saying(Action.SLOW, for_ms=300)
        await it.keep_saying(Action.CRUISE, for_ms=2000)
        assert it.hub.lights[-1] == 100
        assert it.hub.colours[-1] == Colour.GREEN

    play(script)


def test_no_blinks_if_they_are_not_wanted() -> None:
    async def script(it: Play) -> None:
        await it.cruising()
        await it.keep_saying(Action.SLOW, for_ms=2000)

    assert play(script, ControlParameters(blink_ms=0)).hub.lights == [0, 0, 100, 100]


def test_a_hand_sets_the_light_of_a_standing_train() -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        it.controller.set_headlight(40)
        await it.wait(10)
        assert it.hub.lights[-1] == 40

    play(script, by_hand=True)


def test_a_hub_that_is_back_is_shown_its_colour_again() -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        shown = len(it.hub.colours)
        it.hub.lose()
        it.hub.come_back()
        await it.wait(10)
        assert it.hub.colours[shown:] == [Colour.RED]

    play(script)


def _battery(it: Play, volts: float) -> None:
    """Have the hub tell a voltage, as its sensor and its ranges would."""
    it.hub.facts._raw_voltage = round(volts * 100)
    it.hub.facts._raw_max, it.hub.facts._millivolts_max = 1000.0, 10_000.0


def test_a_weak_battery_gets_more_power_for_the_same_speed() -> None:
    async def script(it: Play) -> None:
        _battery(it, 7.0)
        await it.cruising()
        assert it.hub.motor[-1] == round(60 * 8.5 / 7.0)
        await it.keep_saying(Action.SLOW, for_ms=300)
        assert it.hub.motor[-1] == round(35 * 8.5 / 7.0)

    play(script)


def test_power_follows_a_battery_that_drains_without_a_new_start() -> None:
    async def script(it: Play) -> None:
        _battery(it, 8.5)
        await it.cruising()
        assert it.hub.motor[-1] == 60
        _battery(it, 7.5)
        await it.keep_saying(Action.CRUISE, for_ms=30_000)
        assert it.hub.motor[-1] == round(60 * 8.5 / 7.5)
        climb = it.hub.motor[it.hub.motor.index(60) :]
        assert climb == sorted(climb)

    play(script)


def test_a_short_sag_of_the_voltage_hardly_changes_the_power() -> None:
    async def script(it: Play) -> None:
        _battery(it, 8.5)
        await it.cruising()
        _battery(it, 7.0)
        await it.keep_saying(Action.CRUISE, for_ms=200)
        _battery(it, 8.5)
        await it.keep_saying(Action.CRUISE, for_ms=1000)
        assert max(p for p in it.hub.motor if p != BRAKE) <= 61

    play(script)
