"""Those who watch the train and hear the services."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kit.chaos.ear import Ear
from kit.chaos.witness import Witness
from kit.events import (
    Action,
    Alive,
    Command,
    Frame,
    FrameStamp,
    Motion,
    Origin,
    Prediction,
    Stage,
    TrainState,
)
from tests.waiting import wait_until

MS = 1_000_000


def stamp(age_ms: float) -> FrameStamp:
    captured_ns = time.monotonic_ns() - round(age_ms * MS)
    return FrameStamp.new(sequence=0, captured_ns=captured_ns, captured_at=datetime.now(UTC))


def moving(age_ms: float, motion: Motion = Motion.CRUISING) -> TrainState:
    frame = stamp(age_ms)
    acted_ns = frame.captured_ns + round(age_ms * MS)
    return TrainState(
        train_id="t",
        motion=motion,
        reason="no sign in sight",
        power_percent=60,
        latched=False,
        frame=frame,
        marks={Stage.ACTED: acted_ns},
    )


def flow(ear: Ear, age_ms: float) -> None:
    frame, now_ns = stamp(age_ms), time.monotonic_ns()
    for event in (
        Frame(train_id="t", frame=frame, encoded_ns=now_ns, image=b"\xff\xd8\xff\xff\xd9"),
        Prediction(train_id="t", frame=frame, detections=(), model="m", provider="cpu"),
        Command(train_id="t", action=Action.CRUISE, reason="go", frame=frame),
    ):
        ear.receive(event, now_ns)


def test_frames_flow_once_a_new_one_became_a_command_and_the_train_spoke() -> None:
    ear = Ear()
    since_ns = time.monotonic_ns() - 1000 * MS
    assert not ear.flows(since_ns)
    flow(ear, age_ms=2000)
    ear.receive(moving(10), time.monotonic_ns())
    assert not ear.flows(since_ns)
    flow(ear, age_ms=10)
    assert ear.flows(since_ns)


def test_what_operators_say_and_what_claims_to_be_from_the_future_is_no_flow() -> None:
    ear = Ear()
    since_ns = time.monotonic_ns() - 1000 * MS
    flow(ear, age_ms=-60_000)
    ear.receive(moving(10), time.monotonic_ns())
    stop = Command(
        train_id="t", action=Action.EMERGENCY_STOP, reason="stop", origin=Origin.OPERATOR
    )
    ear.receive(stop, time.monotonic_ns())
    assert not ear.flows(since_ns)


def test_a_service_is_online_only_if_it_said_so_lately() -> None:
    ear = Ear()
    ear.receive(Alive(train_id="t", service="capture"), 100)
    assert ear.online("capture", 99)
    assert not ear.online("capture", 100)
    assert not ear.online("inference", 0)
    assert not ear.offline("capture")
    ear.receive(Alive(train_id="t", service="capture", status="offline"), 200)
    assert not ear.online("capture", 99)
    assert ear.offline("capture")


def test_the_oldest_frame_that_the_train_moved_on_is_known() -> None:
    ear = Ear()
    since_ns = time.monotonic_ns()
    assert ear.oldest_acted_ms(since_ns) is None
    for age_ms, motion in ((40, Motion.CRUISING), (90, Motion.SLOWED), (500, Motion.STOPPING)):
        ear.receive(moving(age_ms, motion), time.monotonic_ns())
    assert ear.oldest_acted_ms(since_ns) == pytest.approx(90)


def test_the_witness_follows_the_sets_notes_while_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    with Witness(path) as witness:
        assert witness.speed_mps == 0
        with path.open("w") as file:
            for t_ns, speed in ((1, 0.2), (2, -0.3)):
                line = {
                    "kind": "physics",
                    "t_ns": t_ns,
                    "position_m": 1.0,
                    "speed_mps": speed,
                    "power_percent": 60,
                    "braking": False,
                }
                file.write(json.dumps(line) + "\n")
            file.write('{"kind": "brake", "t_ns": 3, "how": "float"}\n')
            file.write('{"kind": "brake", "t_ns": 4, "how": "brake"}\n{"kind": "fra')
            file.flush()
            wait_until(lambda: witness.ride(0).brakes_ns)
            assert witness.speed_mps == 0.3
            assert [m.t_ns for m in witness.ride(2).moments] == [2]
            assert witness.ride(0).brakes_ns == [4]
        assert witness.wait_for(lambda: True, timeout_s=0)
