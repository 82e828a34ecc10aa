"""The kit's events as the older demo's messages: boxes, times, and what is safe."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import EventError
from kit.events import (
    LABELS,
    Action,
    Box,
    Detection,
    Label,
    Prediction,
    Stage,
)
from kit.interop.book import KEPT, Book, Entry
from kit.interop.formats import OlderCommand, OlderDetection, OlderResult, decode_result
from kit.interop.formats import encode_result as encode
from kit.interop.pictures import Fit, decode_webp, encode_webp, webp_to_frame
from kit.interop.translation import stamp_of, to_command, to_detections, to_result
from kit.vision.frames import decode_jpeg, fit_frame
from tests.event_strategies import a_stamp

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def prediction(*found: Detection, marks: dict[Stage, int] | None = None) -> Prediction:
    return Prediction(
        train_id="t",
        frame=a_stamp(),
        detections=found,
        model="1",
        provider="CPU",
        marks=marks or {},
    )


def sign(label: Label, confidence: float = 0.9) -> Detection:
    return Detection(label=label, confidence=confidence, box=Box(60, 30, 90, 120))


def result_of(made: Prediction) -> OlderResult:
    return to_result(made, older_id=7, webp=b"", width=600, height=400)


def test_boxes_go_out_in_their_square_with_the_scale_that_brings_them_back() -> None:
    result = result_of(prediction(sign(Label.DANGER_AHEAD)))
    assert result.scale == 600 / 640
    assert result.detections[0].box == (64.0, 32.0, 96.0, 128.0)


def test_a_stop_sign_goes_out_as_danger_ahead_and_never_as_2() -> None:
    result = result_of(prediction(sign(Label.STOP)))
    assert (result.detections[0].class_id, result.detections[0].class_name) == (1, "DangerAhead")


def test_the_sign_that_matters_most_comes_first_since_theirs_looks_at_no_other() -> None:
    made = prediction(
        sign(Label.SPEED_LIMIT, 0.99), sign(Label.DANGER_AHEAD, 0.6), sign(Label.STOP, 0.5)
    )
    assert [found.class_id for found in result_of(made).detections] == [1, 1, 0]


def test_times_come_from_the_stages() -> None:
    ms = 1_000_000
    marks = {Stage.FRAME_RECEIVED: 0, Stage.DECODED: 12 * ms, Stage.INFERRED: 62 * ms}
    assert result_of(prediction(marks=marks)).times_s == pytest.approx((0.012, 0.05, 0, 0.062))


boxes = st.builds(Box, st.floats(0, 500), st.floats(0, 300), st.floats(5, 100), st.floats(5, 100))
signs = st.builds(Detection, label=st.sampled_from(Label), confidence=st.floats(0, 1), box=boxes)


@given(st.lists(signs, max_size=6))
def test_predictions_go_there_and_back_but_for_rounding_and_the_stop_sign(
    found: list[Detection],
) -> None:
    result = decode_result(encode(result_of(prediction(*found))))
    back = to_detections(result, Fit())
    expected = sorted(found, key=lambda d: (-LABELS.index(d.label), -d.confidence))
    assert len(back) == len(found)
    for ours, theirs in zip(expected, back, strict=True):
        assert theirs.label is (
            Label.SPEED_LIMIT if ours.label is Label.SPEED_LIMIT else Label.DANGER_AHEAD
        )
        assert abs(theirs.confidence - ours.confidence) <= 0.005 + 1e-9
        assert np.allclose(theirs.box, ours.box, atol=0.015)


@pytest.mark.parametrize("class_id", [-1, 2, 3, 99])
def test_a_class_that_theirs_never_learned_is_left_out(class_id: int) -> None:
    strange = OlderDetection(class_id, "Start", 0.9, (1, 1, 50, 50))
    assert to_detections(OlderResult(1, b"", (strange,), 1.0), Fit()) == ()


def test_a_detection_that_cannot_be_is_left_out() -> None:
    impossible = (
        OlderDetection(1, "DangerAhead", 1.7, (1, 1, 50, 50)),
        OlderDetection(1, "DangerAhead", 0.7, (1, 1, 0, 50)),
        OlderDetection(1, "DangerAhead", 0.7, (900, 900, 5, 5)),
    )
    assert to_detections(OlderResult(1, b"", impossible, 1.0), Fit()) == ()


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (600, 400), (300, 700)])
def test_boxes_of_a_picture_of_theirs_land_where_the_sign_is_in_the_frame(
    width: int, height: int
) -> None:
    picture = np.full((height, width, 3), 40, np.uint8)
    left, top, side = width // 2, height // 2, min(width, height) // 4
    picture[top : top + side, left : left + side] = (255, 255, 255)
    jpeg, fit = webp_to_frame(encode_webp(picture))
    scale = max(width, height) / 640
    square = (left / scale, top / scale, side / scale, side / scale)
    (found,) = to_detections(
        OlderResult(1, b"", (OlderDetection(0, "SpeedLimit", 0.9, square),), scale), fit
    )
    white = np.argwhere(decode_jpeg(jpeg).min(axis=2) > 180)
    (y0, x0), (y1, x1) = white.min(axis=0), white.max(axis=0) + 1
    assert np.allclose(found.box, (x0, y0, x1 - x0, y1 - y0), atol=3)


def test_a_picture_survives_the_way_there() -> None:
    picture = np.zeros((400, 600, 3), np.uint8)
    picture[100:200, 100:300] = (30, 200, 90)
    assert np.abs(decode_webp(encode_webp(picture)).astype(int) - fit_frame(picture)).mean() < 4


def test_what_is_no_picture_is_refused() -> None:
    for junk in (b"", b"RIFF\x00\x00\x00\x00WEBPjunk"):
        with pytest.raises(EventError, match="picture"):
            webp_to_frame(junk)


def test_a_picture_of_theirs_is_as_old_here_as_its_id_says() -> None:
    older_id = int((NOON - timedelta(milliseconds=120)).timestamp() * 1000)
    stamp = stamp_of(older_id, sequence=3, now_ns=10**12, now=NOON)
    assert stamp.captured_ns == 10**12 - 120_000_000
    assert stamp.sequence == 3
    assert stamp.captured_at == NOON - timedelta(milliseconds=120)


def test_a_picture_from_the_future_is_no_fresher_than_one_of_now() -> None:
    later = int((NOON + timedelta(hours=1)).timestamp() * 1000)
    assert stamp_of(later, sequence=0, now_ns=10**12, now=NOON).captured_ns == 10**12


@pytest.mark.parametrize("older_id", [0, 7, 2**53 - 1])
def test_an_id_that_is_no_time_of_our_age_is_refused(older_id: int) -> None:
    with pytest.raises(EventError, match="milliseconds"):
        stamp_of(older_id, sequence=0, now_ns=time.monotonic_ns(), now=NOON)


@pytest.mark.parametrize(
    ("older", "action"),
    [
        (OlderCommand.STOP, Action.STOP),
        (OlderCommand.SLOW, Action.SLOW),
        (OlderCommand.NONE, Action.CRUISE),
    ],
)
def test_their_commands_stop_slow_and_go_on(older: OlderCommand, action: Action) -> None:
    frame = a_stamp()
    command = to_command(older, train_id="t", frame=frame, marks={})
    assert command is not None
    assert (command.action, command.frame) == (action, frame)
    assert older.value in command.reason


def test_without_a_frame_theirs_can_only_stop() -> None:
    made = {c: to_command(c, train_id="t", frame=None, marks={}) for c in OlderCommand}
    assert made[OlderCommand.SLOW] is made[OlderCommand.NONE] is None
    stop = made[OlderCommand.STOP]
    assert stop is not None
    assert stop.action is Action.STOP


def test_ids_rise_even_if_two_frames_come_in_one_millisecond() -> None:
    book = Book()
    ids = [book.new_id(a_stamp()) for _ in range(3)]
    assert ids == sorted(set(ids))
    assert ids[0] == int(a_stamp().captured_at.timestamp() * 1000)


def test_the_book_forgets_the_oldest_picture() -> None:
    book = Book()
    for number in range(KEPT + 1):
        book.note(Entry(number, a_stamp(number), Fit(), b"", 600, 400))
    assert book.find(0) is None
    assert book.find(KEPT) is not None
