"""The monitor knows the newest of everything, and ignores what is left over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kit.events import (
    Action,
    Alive,
    Command,
    FrameStamp,
    Motion,
    Origin,
    Stage,
    TrainState,
)
from kit.runtime.monitor import Monitor
from tests.runtime.runs import ARMED_NS, BEGAN_AT, FRAME_NS


@pytest.fixture
def monitor() -> Monitor:
    return Monitor(since=BEGAN_AT)


def stamp(sequence: int) -> FrameStamp:
    return FrameStamp.new(
        sequence=sequence, captured_ns=ARMED_NS + sequence * FRAME_NS, captured_at=BEGAN_AT
    )


def stop(**changes: object) -> Command:
    fields = {"action": Action.STOP, "reason": "danger", "frame": stamp(1)} | changes
    return Command(train_id="t", **fields)


def state(motion: Motion, *, latched: bool = False, **changes: object) -> TrainState:
    return TrainState(train_id="t", motion=motion, reason="so", latched=latched, **changes)


def test_a_service_that_said_nothing_has_no_status(monitor: Monitor) -> None:
    assert monitor.status("capture") is None


def test_a_service_that_says_online_is_online(monitor: Monitor) -> None:
    monitor.receive(Alive(train_id="t", service="capture"), 0)

    assert monitor.status("capture") == "online"


def test_signs_of_life_of_earlier_runs_are_ignored(monitor: Monitor) -> None:
    old = BEGAN_AT - timedelta(seconds=1)
    monitor.receive(Alive(train_id="t", service="capture", made_at=old), 0)

    assert monitor.status("capture") is None


def test_a_stop_before_arming_is_no_decision_to_stop(monitor: Monitor) -> None:
    monitor.receive(stop(), 0)

    assert monitor.stop_decision is None


def test_the_first_stop_after_arming_is_kept(monitor: Monitor) -> None:
    monitor.armed = True
    first = stop()
    for command in (first, stop(frame=stamp(2))):
        monitor.receive(command, 0)

    assert monitor.stop_decision == first


def test_an_operators_stop_is_no_decision(monitor: Monitor) -> None:
    monitor.armed = True
    monitor.receive(stop(origin=Origin.OPERATOR, frame=None), 0)

    assert monitor.stop_decision is None


@pytest.mark.parametrize(
    ("motion", "latched", "stopped"),
    [
        (Motion.STOPPED, True, True),
        (Motion.STOPPED, False, False),
        (Motion.STOPPING, True, False),
    ],
)
def test_a_train_has_stopped_when_it_stands_latched_after_the_decision(
    monitor: Monitor, motion: Motion, *, latched: bool, stopped: bool
) -> None:
    monitor.armed = True
    monitor.receive(stop(), 0)
    monitor.receive(state(motion, latched=latched), 0)

    assert monitor.stopped_by_decision is stopped


def test_latency_is_the_median_of_the_frames_acted_on(monitor: Monitor) -> None:
    for sequence, latency_ms in enumerate((30, 40, 90)):
        frame = stamp(sequence)
        marks = {Stage.ACTED: frame.captured_ns + latency_ms * 1_000_000}
        monitor.receive(state(Motion.CRUISING, frame=frame, marks=marks), 0)

    assert monitor.latency_ms == 40.0


def test_waiting_ends_when_the_time_is_up(monitor: Monitor) -> None:
    assert not monitor.wait_for(lambda: False, timeout_s=0.01)


def test_a_train_that_latches_without_a_sign_has_halted(monitor: Monitor) -> None:
    monitor.armed = True
    monitor.receive(state(Motion.CRUISING), 0)
    monitor.receive(state(Motion.STOPPED, latched=True), 0)

    assert monitor.halted


def test_a_train_that_has_not_yet_heard_that_it_is_armed_has_not_halted(monitor: Monitor) -> None:
    monitor.armed = True
    monitor.receive(state(Motion.STOPPED, latched=True), 0)

    assert not monitor.halted


def test_a_train_that_stopped_for_a_sign_has_not_halted(monitor: Monitor) -> None:
    monitor.armed = True
    monitor.receive(state(Motion.CRUISING), 0)
    monitor.receive(stop(), 0)
    monitor.receive(state(Motion.STOPPED, latched=True), 0)

    assert not monitor.halted
