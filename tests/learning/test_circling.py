"""A train that goes round while a notebook works: what it takes in, and one that really runs."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from kit.config import Settings, share_path
from kit.errors import MissionError
from kit.events import (
    Action,
    Command,
    Frame,
    FrameStamp,
    Label,
    ModelChange,
    ModelStatus,
    Motion,
    Origin,
    Prediction,
    TrainState,
)
from kit.learning.circling import REMEMBERED, CirclingTrain
from kit.learning.journey import plot_journey, read_positions
from kit.vision.frames import encode_jpeg
from tests.watching import make

LOOP = share_path("datasets/scenarios/lessons/warning-loop.yaml")
GREY = encode_jpeg(np.full((400, 600, 3), 90, np.uint8))


@pytest.fixture
def train(tmp_path):
    """A train that was not started; the test tells it what comes by."""
    settings = Settings(runs_dir=tmp_path)
    return CirclingTrain(tmp_path, scenario=LOOP, seed=1, inference={}, settings=settings)


def tell(train, *events):
    for event in events:
        train._receive(event, time.monotonic_ns())


def stamp(sequence=0):
    return FrameStamp.new(
        sequence=sequence, captured_ns=1_000 + sequence, captured_at=datetime.now(UTC)
    )


def state(motion, *, latched, reason=""):
    challenge = "answer me" if latched else None
    return TrainState(
        train_id="train-1", motion=motion, reason=reason, latched=latched, challenge=challenge
    )


RUNS = state(Motion.CRUISING, latched=False)
STANDS = state(Motion.STOPPED, latched=True, reason="no fresh command for 500 ms")


def order(frame, action=Action.STOP, origin=Origin.DECISION):
    return Command(
        train_id="train-1",
        action=action,
        reason="seen",
        label=Label.DANGER_AHEAD,
        frame=frame,
        origin=origin,
    )


def test_the_loop_knows_its_length_and_its_sign(train):
    loop = train.loop
    assert loop.sign.label == "DangerAhead"
    at = loop.sign.at_m
    places = (0, at - 0.01, at + 0.01, at + loop.lap_m - 0.01, at + loop.lap_m + 0.01)
    assert [loop.passes(place) for place in places] == [0, 0, 1, 1, 2]


def test_a_track_that_is_no_loop_is_refused(tmp_path):
    with pytest.raises(MissionError, match="no loop"):
        CirclingTrain(
            tmp_path,
            scenario=share_path("datasets/scenarios/stop-sign.yaml"),
            seed=1,
            inference={},
            settings=Settings(),
        )


def test_a_stop_for_a_sign_comes_with_what_settled_it(train):
    at = stamp()
    frame = Frame(train_id="train-1", frame=at, encoded_ns=1_001, image=GREY)
    seen = Prediction(
        train_id="train-1", frame=at, detections=(make.sign(),), model="7", provider="cpu"
    )
    tell(train, RUNS, frame, seen, order(at), STANDS)
    (halt,) = train.halts
    assert (halt.label, halt.reason, halt.model) == (Label.DANGER_AHEAD, "seen", "7")
    assert halt.detections == seen.detections
    assert halt.picture.shape == (400, 600, 3)
    assert halt.captured_ns == at.captured_ns


def test_without_an_order_it_was_held_up(train):
    tell(train, RUNS, STANDS)
    (halt,) = train.halts
    assert (halt.label, halt.reason) == (None, "no fresh command for 500 ms")
    assert train.shows(halt) == ()


def test_an_order_of_before_the_start_is_no_reason_for_a_later_halt(train):
    tell(train, order(stamp()), RUNS, STANDS, RUNS, STANDS)
    assert [halt.label for halt in train.halts] == [None, None]


def test_an_operators_stop_is_no_sign(train):
    tell(train, RUNS, order(stamp(), origin=Origin.OPERATOR), STANDS)
    assert train.halts[0].label is None


def test_it_is_not_armed_while_the_decision_says_stop_and_then_left_standing(train):
    tell(train, STANDS)
    assert not train._is_left_standing()
    tell(train, RUNS)
    assert train._is_left_standing()
    tell(train, order(stamp(1)), STANDS)
    assert train._is_left_standing()
    tell(train, order(stamp(2), action=Action.CRUISE))
    assert not train._is_left_standing()
    train._stays = True
    assert train._is_left_standing()


def test_only_the_latest_frames_are_remembered(train):
    for sequence in range(REMEMBERED + 5):
        tell(
            train,
            Frame(train_id="train-1", frame=stamp(sequence), encoded_ns=10_000, image=GREY),
        )
    assert len(train._frames) == REMEMBERED


def test_what_stood_in_the_deciding_picture_is_read_from_the_notes(train):
    at = stamp()
    tell(train, RUNS, order(at), STANDS)
    signs = [{"label": "DangerAhead"}, {"label": None}]
    lines = [
        {"kind": "frame", "captured_ns": 1, "truth": []},
        {"kind": "frame", "captured_ns": at.captured_ns, "truth": signs},
    ]
    train.truth.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "fra')
    assert train.shows(train.halts[0]) == ("DangerAhead",)
    train.truth.write_text(json.dumps(lines[0]) + "\n")
    assert train.shows(train.halts[0]) == ()


def test_what_takes_too_long_is_told_with_the_latest_trouble(train):
    tell(train, RUNS, STANDS)
    with pytest.raises(MissionError, match="no fresh command"):
        train.go_past(1, timeout_s=0)


def test_a_model_that_had_to_give_way_again_is_told_as_the_reason(train):
    said = {"train_id": "train-1", "model": "9", "sha256": "0" * 64}
    tell(train, ModelChange(status=ModelStatus.RUNNING, **said))
    with pytest.raises(MissionError, match="was not held up"):
        train.wait_for_stop(timeout_s=0)
    tell(train, ModelChange(status=ModelStatus.ROLLED_BACK, reason="it missed signs", **said))
    with pytest.raises(MissionError, match="model 9 was rolled back: it missed signs"):
        train.wait_for_stop(timeout_s=0)


def test_the_journey_shows_rounds_halts_and_the_change_of_model(train):
    from matplotlib.figure import Figure

    lap = train.loop.lap_m
    rows = [{"kind": "physics", "t_ns": n * 10**8, "position_m": n * lap / 10} for n in range(25)]
    train.truth.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"kind"')
    assert read_positions(train.truth).shape == (25, 2)
    change = ModelChange(
        train_id="train-1",
        status=ModelStatus.RUNNING,
        model="9",
        sha256="0" * 64,
        registry="here",
        reason="it does well",
    )
    tell(train, RUNS, order(stamp()), STANDS, change)
    axis = Figure().subplots()
    plot_journey(axis, train)
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["the warning", "stopped for a sign", "9 takes over"]
    rounds = [line for line in axis.lines if len(line.get_xdata()) > 2]
    assert [len(line.get_xdata()) for line in rounds] == [10, 10, 5]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_shipped_model_stops_it_before_the_warning(tmp_path):
    settings = Settings(runs_dir=tmp_path)
    train = CirclingTrain(
        tmp_path, scenario=LOOP, seed=1, inference={"threads": 1}, settings=settings
    ).start()
    try:
        stop = train.wait_for_stop(timeout_s=400)
        assert stop.label is Label.DANGER_AHEAD
        assert "DangerAhead" in train.shows(stop)
        assert stop.position_m % train.loop.lap_m < train.loop.sign.at_m
        assert stop.picture is not None
    finally:
        train.close()
