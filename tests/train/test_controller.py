"""The controller against a scripted hub: what it writes, in which order, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import ConfigError, HubError
from kit.events import Action, Command, Motion, Stage, TrainState
from kit.train.controller import Controller
from kit.train.hub_facts import HubEventKind
from kit.train.lwp3.enums import AlertType, Colour, IoType
from kit.train.motion import TRANSITIONS
from tests.train.controller_bench import BRAKE, PATIENT, Bench, bench, scene
from tests.train.hub_bench import ARM_KEY, ScriptedHub, arm, command, give, stamp
from tests.waiting import until


def test_it_comes_up_standing_and_latched_with_a_challenge() -> None:
    async def play(it: Bench) -> None:
        await it.standing()
        assert it.controller.latched
        assert it.states[-1].challenge
        assert it.hub.motor == [BRAKE]

    scene(play)


@pytest.mark.parametrize("action", [Action.CRUISE, Action.SLOW])
def test_a_latched_train_follows_no_move(action: Action) -> None:
    async def play(it: Bench) -> None:
        await it.standing()
        give(it.controller, command(action))
        await asyncio.sleep(0)
        assert it.controller.ignored == 1

    assert scene(play).hub.motor == [BRAKE, BRAKE]  # at the beginning and at the end


def test_an_armed_train_waits_for_a_decision_and_then_ramps_up() -> None:
    async def play(it: Bench) -> None:
        await it.armed()
        assert not it.controller.latched
        assert it.states[-1].motion is Motion.STOPPED
        give(it.controller, command(Action.CRUISE))
        await until(lambda: it.hub.motor[-1] == 60)

    powers = scene(play).hub.motor[1:-1]
    assert powers[0] == 20
    assert powers == sorted(powers)
    assert len(powers) > 4


def test_slower_is_at_once() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        give(it.controller, command(Action.SLOW))
        await until(lambda: it.controller.motion is Motion.SLOWED and it.hub.motor[-1] == 35)

    motor = scene(play).hub.motor
    assert motor[motor.index(60) + 1 :] == [35, BRAKE]


def test_a_stop_during_a_ramp_is_the_next_write_and_no_power_follows_it() -> None:
    async def play(it: Bench) -> None:
        await it.armed()
        give(it.controller, command(Action.CRUISE))
        await until(lambda: len(it.hub.motor) >= 4, "the ramp is under way")
        written = len(it.hub.motor)
        give(it.controller, command(Action.STOP))
        await it.standing()
        assert it.hub.motor[written:] == [BRAKE]
        await asyncio.sleep(0.05)
        assert it.hub.motor[written:] == [BRAKE]

    scene(play)


def test_a_stop_that_comes_with_a_move_in_the_same_moment_wins() -> None:
    async def play(it: Bench) -> None:
        await it.armed()
        give(it.controller, command(Action.CRUISE))
        give(it.controller, command(Action.STOP))
        give(it.controller, command(Action.CRUISE))
        await it.standing()
        assert it.hub.motor == [BRAKE, BRAKE]

    scene(play)


def test_a_stop_latches_and_tells_why_and_when_it_acted() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        stop = command(Action.STOP, reason="a sign", marks={Stage.DECIDED: 5})
        give(it.controller, stop)
        await until(lambda: it.controller.motion is Motion.STOPPED)
        stopping = next(s for s in it.states if s.frame == stop.frame)
        assert stopping.motion is Motion.STOPPING
        assert stopping.reason == "a sign"
        assert stopping.latched
        assert stopping.marks[Stage.DECIDED] == 5
        assert stopping.marks[Stage.COMMAND_RECEIVED] <= stopping.marks[Stage.ACTED]

    scene(play)


def test_each_move_that_changes_nothing_is_answered_with_its_frame() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        for _ in range(3):
            move = command(Action.CRUISE)
            give(it.controller, move)
            assert it.states[-1].frame == move.frame
            assert Stage.ACTED in it.states[-1].marks

    motor = scene(play).hub.motor
    assert motor.count(60) == 1


def test_a_standing_train_answers_further_stops_without_writing() -> None:
    async def play(it: Bench) -> None:
        await it.standing()
        stop = command(Action.STOP)
        give(it.controller, stop)
        assert it.states[-1].frame == stop.frame
        assert it.hub.motor == [BRAKE]

    scene(play)


def test_a_fresh_decision_after_a_short_silence_lets_it_cruise_again() -> None:
    hesitant = PATIENT.model_copy(update={"silence_slow_ms": 20})

    async def play(it: Bench) -> None:
        await it.armed()
        give(it.controller, command(Action.CRUISE))
        await until(lambda: it.controller.motion is Motion.SLOWED, "slowed by silence")
        give(it.controller, command(Action.CRUISE))
        assert it.controller.motion is Motion.CRUISING

    scene(play, hesitant)


def test_an_armed_train_that_gets_no_decision_latches_again() -> None:
    short = PATIENT.model_copy(update={"arm_expires_ms": 20})

    async def play(it: Bench) -> None:
        await it.armed()
        await until(lambda: it.controller.latched, "latched again")

    assert 60 not in scene(play, short).hub.motor


def test_a_frame_captured_before_the_arming_moves_nothing() -> None:
    async def play(it: Bench) -> None:
        await it.standing()
        before = command(Action.CRUISE)
        give(it.controller, arm(it.controller))
        give(it.controller, before)
        assert it.controller.motion is Motion.STOPPED

    scene(play)


def test_an_arm_that_answers_an_older_challenge_is_refused() -> None:
    async def play(it: Bench) -> None:
        await it.standing()
        late = arm(it.controller)
        give(it.controller, command(Action.EMERGENCY_STOP))
        await until(lambda: it.controller.motion is Motion.STOPPED)
        give(it.controller, late)
        assert it.controller.latched

    scene(play)


def test_an_arm_while_it_still_brakes_is_refused() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        it.hub.confirms = False
        give(it.controller, command(Action.STOP))
        await until(lambda: it.controller.motion is Motion.STOPPING)
        give(it.controller, arm(it.controller))
        assert it.controller.latched
        it.hub.confirms = True

    scene(play)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (lambda it: give(it.controller, command(Action.EMERGENCY_STOP)), "emergency_stop"),
        (lambda it: it.controller.emergency_stop("the button on the console"), "console"),
        (lambda it: it.hub.happens(HubEventKind.BUTTON_PRESSED), "button was pressed"),
        (lambda it: it.controller.service_lost("inference"), "'inference' is gone"),
        (lambda it: it.hub.happens(HubEventKind.GOING, "will switch off"), "will switch off"),
    ],
)
def test_whatever_stops_it_brakes_at_once_and_latches(
    stop: Callable[[Bench], None], reason: str
) -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        stop(it)
        assert it.controller.latched
        await it.standing()
        assert reason in it.states[-1].reason

    motor = scene(play).hub.motor
    assert motor[motor.index(60) + 1] == BRAKE


def test_a_service_lost_while_latched_changes_nothing() -> None:
    async def play(it: Bench) -> None:
        await it.standing()
        challenge = it.controller.state.challenge
        it.controller.service_lost("capture")
        assert it.controller.state.challenge == challenge

    scene(play)


def test_a_lost_link_latches_and_the_train_stays_stopped_when_it_is_back() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        it.hub.lose()
        assert it.controller.motion is Motion.DISCONNECTED
        assert it.controller.latched
        give(it.controller, command(Action.CRUISE))
        it.hub.come_back()
        await it.standing()
        assert it.controller.latched
        give(it.controller, command(Action.CRUISE))
        await asyncio.sleep(0.02)

    motor = scene(play).hub.motor
    assert motor[motor.index(60) + 1 :] == [BRAKE, BRAKE]


def test_a_brake_that_is_not_confirmed_is_repeated_and_becomes_a_fault() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        it.hub.confirms = False
        give(it.controller, command(Action.STOP))
        await until(lambda: it.controller.motion is Motion.FAULT, "fault")
        brakes = it.hub.motor.count(BRAKE)
        give(it.controller, arm(it.controller))
        assert it.controller.latched
        await until(lambda: it.hub.motor.count(BRAKE) > brakes, "it goes on braking")
        it.hub.confirms = True
        await it.standing()

    scene(play)


@pytest.mark.parametrize("alert", [AlertType.LOW_VOLTAGE, AlertType.HIGH_CURRENT])
def test_an_alert_is_a_fault_that_cannot_be_armed_away(alert: AlertType) -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        it.hub.facts.alerts.add(alert)
        it.hub.happens(HubEventKind.ALERT)
        await until(lambda: it.hub.motor[-1] == BRAKE)
        assert it.controller.motion is Motion.FAULT
        give(it.controller, arm(it.controller))
        assert it.controller.latched
        it.hub.facts.alerts.clear()
        give(it.controller, arm(it.controller))
        assert it.controller.motion is Motion.STOPPED
        assert not it.controller.latched

    scene(play)


def test_a_fault_that_lasts_over_a_lost_link_cannot_be_armed_away() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        it.hub.happens(HubEventKind.DISCONNECTED)
        it.hub.facts.alerts.add(AlertType.HIGH_CURRENT)
        it.hub.happens(HubEventKind.CONNECTED)
        await until(lambda: it.controller.motion is not Motion.DISCONNECTED)
        give(it.controller, arm(it.controller))
        assert it.controller.latched

    scene(play)


def test_an_unplugged_motor_is_a_fault() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        del it.hub.facts.devices[0]
        it.hub.happens(HubEventKind.DETACHED)
        assert it.controller.motion is Motion.FAULT
        assert it.controller.state.reason == "the motor is unplugged"
        it.hub.facts.devices[0] = IoType.TRAIN_MOTOR

    scene(play)


def test_a_write_that_fails_stops_the_train() -> None:
    async def play(it: Bench) -> None:
        await it.armed()
        it.hub.fail_next_power = True
        give(it.controller, command(Action.CRUISE))
        await until(lambda: it.controller.motion is Motion.FAULT)
        await until(lambda: it.hub.motor[-1] == BRAKE)
        assert "hiccup" in it.controller.state.reason

    scene(play)


def test_a_listener_that_fails_does_not_keep_the_train_from_braking() -> None:
    async def run() -> ScriptedHub:
        hub = ScriptedHub()

        def fail(_state: TrainState) -> None:
            raise ValueError

        async with Controller(
            hub, PATIENT, train_id="train-1", arm_key=ARM_KEY, on_state=fail
        ) as controller:
            await until(lambda: controller.motion is Motion.STOPPED)
        return hub

    assert asyncio.run(run()).motor == [BRAKE, BRAKE]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_whatever_ends_it_the_last_write_is_a_brake(error: type[BaseException]) -> None:
    it = Bench(PATIENT)

    async def run() -> None:
        async with it.controller:
            await it.cruising()
            raise error

    with pytest.raises(error):
        asyncio.run(run())
    assert it.hub.motor[-1] == BRAKE
    assert it.states[-1].motion is Motion.STOPPED
    assert it.states[-1].latched


def test_being_cancelled_twice_does_not_interrupt_the_last_brake() -> None:
    it = Bench(PATIENT)

    async def run() -> None:
        async with it.controller:
            await it.cruising()
            it.hub.confirms = False
            await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(run())
        await until(lambda: it.hub.motor[-1:] == [60])
        await until(lambda: not it.hub.confirms)
        task.cancel()
        await until(lambda: it.hub.motor[-1] == BRAKE)
        task.cancel()
        it.hub.confirms = True
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert it.hub.motor[-1] == BRAKE


def test_an_end_without_a_link_says_that_the_train_may_move() -> None:
    async def run() -> None:
        async with bench() as it:
            await it.cruising()
            it.hub.lose()

    with pytest.raises(HubError, match="did not confirm the last brake"):
        asyncio.run(run())


def test_nothing_is_followed_after_the_end() -> None:
    async def run() -> Bench:
        async with bench() as it:
            await it.armed()
        give(it.controller, command(Action.CRUISE))
        it.hub.happens(HubEventKind.BUTTON_PRESSED)
        return it

    assert asyncio.run(run()).hub.motor == [BRAKE, BRAKE]


def test_a_command_for_another_train_is_ignored() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        give(it.controller, command(Action.STOP, train_id="train-2"))
        assert it.controller.motion is Motion.CRUISING

    scene(play)


def test_the_hubs_own_light_shows_the_state() -> None:
    async def play(it: Bench) -> None:
        await it.cruising()
        give(it.controller, command(Action.SLOW))
        await until(lambda: it.hub.colours[-1] == Colour.ORANGE)
        give(it.controller, command(Action.STOP))
        await until(lambda: it.hub.colours[-1] == Colour.RED)

    it = scene(play)
    assert it.hub.colours == [
        Colour.RED,
        Colour.YELLOW,
        Colour.GREEN,
        Colour.ORANGE,
        Colour.RED,
    ]


def test_the_state_tells_the_battery() -> None:
    async def play(it: Bench) -> None:
        await it.standing()
        it.hub.facts.battery_percent = 42
        it.hub.happens(HubEventKind.READING)
        assert it.states[-1].battery_percent == 42

    scene(play)


_HOSTILE = st.fixed_dictionaries(
    {
        "train_id": st.sampled_from(["train-1", "train-2"]),
        "action": st.sampled_from(list(Action)),
        "reason": st.text(max_size=500),
        "origin": st.sampled_from(["decision", "operator", "supervisor"]),
        "lease_ms": st.integers(50, 5000),
        "proof": st.none() | st.text(max_size=64),
        "captured_ns": st.integers(0, 2**63 - 1) | st.none(),
        "received_ns": st.integers(0, 2**63 - 1),
    }
)


def _hostile_command(fields: dict) -> Command | None:
    captured_ns = fields.pop("captured_ns")
    frame = stamp() if captured_ns is None else stamp(captured_ns=captured_ns)
    try:
        return Command(**fields, frame=frame)
    except ValueError:
        return None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.lists(_HOSTILE, max_size=25))
def test_no_sequence_of_commands_without_the_key_starts_a_latched_train(story: list[dict]) -> None:
    async def play(it: Bench) -> None:
        await it.standing()
        for told in story:
            fields = dict(told)
            received_ns = fields.pop("received_ns")
            hostile = _hostile_command(fields)
            if hostile is not None:
                it.controller.handle(hostile, received_ns)
                await asyncio.sleep(0)
            assert it.controller.latched
        await it.standing()

    assert set(scene(play).hub.motor) == {BRAKE}


_DEEDS = ["arm", "cruise", "slow", "stop", "emergency", "lose", "back", "alert", "wait", "button"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deeds=st.lists(st.sampled_from(_DEEDS), max_size=30))
def test_it_only_takes_the_ways_that_the_states_allow(deeds: list[str]) -> None:
    ways: set[tuple[Motion, Motion]] = set()

    async def play(it: Bench) -> None:
        controller, enter = it.controller, it.controller._enter

        def watched(motion: Motion, reason: str) -> None:
            ways.add((controller.motion, motion))
            enter(motion, reason)

        controller._enter = watched  # type: ignore[method-assign]
        for deed in deeds:
            await _do(it, deed)
            if controller.latched:
                assert controller.motion not in {Motion.CRUISING, Motion.SLOWED}
            if not it.hub.connected:
                assert controller.motion is Motion.DISCONNECTED
        it.hub.facts.alerts.clear()
        if not it.hub.connected:
            it.hub.come_back()

    it = scene(play)
    assert it.hub.motor[-1] == BRAKE
    for before, after in ways:
        assert before is after or after in TRANSITIONS[before], (before, after)


async def _do(it: Bench, deed: str) -> None:
    controller, hub = it.controller, it.hub
    if deed == "arm" and controller.state.challenge:
        give(controller, arm(controller))
    elif deed in {"cruise", "slow", "stop"}:
        give(controller, command(Action(deed)))
    elif deed == "emergency":
        give(controller, command(Action.EMERGENCY_STOP))
    elif deed == "lose" and hub.connected:
        hub.lose()
    elif deed == "back" and not hub.connected:
        hub.come_back()
    elif deed == "alert" and hub.connected:
        hub.facts.alerts ^= {AlertType.OVER_POWER}
        on = bool(hub.facts.alerts)
        hub.happens(HubEventKind.ALERT if on else HubEventKind.ALERT_OVER)
    elif deed == "button" and hub.connected:
        hub.happens(HubEventKind.BUTTON_PRESSED)
    elif deed == "wait":
        await asyncio.sleep(0.001)
    await asyncio.sleep(0)


@pytest.mark.parametrize("train_id", ["replay", "replay-7", "replay.train-1"])
def test_no_controller_takes_a_train_that_is_played_from_a_recording(train_id: str) -> None:
    with pytest.raises(ConfigError, match="played from a recording, and is never driven"):
        Controller(ScriptedHub(), train_id=train_id, arm_key=ARM_KEY, on_state=lambda _state: None)
