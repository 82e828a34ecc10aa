"""Thresholds, sizes, calibration and confusion, each on cases that can be told by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kit.mlops.measuring.calibration import calibrate
from kit.mlops.measuring.confusion import confuse
from kit.mlops.measuring.evaluate import score_observations
from kit.mlops.measuring.matching import rank
from kit.mlops.measuring.measurement import measure, summarise, with_robustness
from kit.mlops.measuring.sizes import by_size, frame_scale
from kit.mlops.measuring.tables import as_text
from kit.mlops.measuring.tradeoff import curves, trade_off
from kit.vision.frames import fit_frame
from tests.mlops.measuring.making import DANGER, SPEED, STOP, Scripted, box, photo, random_set, seen

TWO = [(SPEED, box(0, 0)), (SPEED, box(100, 0))]


def test_the_best_threshold_leaves_the_false_alarm_out():
    found = [(SPEED, box(0, 0), 0.9), (SPEED, box(100, 0), 0.7), (SPEED, box(300, 300), 0.4)]
    result = trade_off(rank([seen(TWO, found)]), threshold=0.8)
    assert (result.shipped.precision, result.shipped.recall) == (1, 0.5)
    assert result.shipped.f1 == pytest.approx(2 / 3)
    assert 0.4 < result.best.threshold <= 0.7
    assert result.best.f1 == 1
    assert result.points[0].precision == pytest.approx(2 / 3)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_the_trade_off_agrees_with_the_evaluation(threshold):
    observations = random_set(3)
    point = trade_off(rank(observations), threshold=threshold).shipped
    result = score_observations(observations, threshold=threshold)
    assert (point.precision, point.recall) == pytest.approx((result.precision, result.recall))


def test_a_curve_falls_from_what_the_surest_detections_give():
    found = [(SPEED, box(0, 0), 0.9), (SPEED, box(300, 300), 0.8), (SPEED, box(100, 0), 0.7)]
    curve = curves(rank([seen(TWO, found)]))["SpeedLimit"]
    assert curve.precision[:51] == (1.0,) * 51
    assert curve.precision[51:] == pytest.approx([2 / 3] * 50)


@pytest.mark.parametrize("size", [(600, 400), (640, 480), (1920, 1080), (320, 320), (300, 900)])
def test_the_scale_is_that_of_the_frame(size):
    """A white square of a tenth of the picture's width, and how wide it is in the frame."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    edge = width // 10
    x, y = (width - edge) // 2, (height - edge) // 2
    image[y : y + edge, x : x + edge] = 255
    lit = (fit_frame(image) == 255).all(axis=2)
    assert lit.any(axis=0).sum() == pytest.approx(edge * frame_scale(width, height), abs=2.5)


def test_signs_are_told_apart_by_size():
    small, large = (SPEED, box(0, 0, 20.0)), (SPEED, box(100, 0, 80.0))
    found = [(SPEED, box(100, 0, 80.0), 0.9), (SPEED, box(300, 300, 24.0), 0.8)]
    tiny, low, middle, high = by_size([seen([small, large], found)], threshold=0.5)
    assert (tiny.signs, tiny.recall, tiny.map50) == (0, None, None)
    assert (low.signs, low.recall, low.false_alarms) == (1, 0, 1)
    assert (middle.signs, middle.false_alarms) == (0, 0)
    assert (high.signs, high.recall, high.map50) == (1, 1, pytest.approx(1))


def test_the_sizes_hold_every_sign_once():
    observations = random_set(5)
    sizes = by_size(observations, threshold=0.5)
    assert sum(one.signs for one in sizes) == sum(len(o.photo.signs) for o in observations)


def test_a_detector_that_is_right_as_often_as_it_says_has_no_error():
    signs = [(SPEED, box(100 * i, 0)) for i in range(3)]
    right = [(SPEED, corners, 0.75) for _, corners in signs]
    honest = calibrate(rank([seen(signs, [*right, (SPEED, box(300, 300), 0.75)])]).values())
    assert honest.error == pytest.approx(0)
    boasting = calibrate(rank([seen(signs, [(SPEED, box(300, 300), 0.95)])]).values())
    assert boasting.error == pytest.approx(0.95)
    (full,) = [one for one in boasting.bins if one.detections]
    assert (full.low, full.high, full.right) == (0.9, 1.0, 0)


def test_the_confusion_tells_what_was_taken_for_what():
    signs = [(SPEED, box(0, 0)), (DANGER, box(100, 0)), (DANGER, box(200, 0))]
    others = [("parking", box(300, 0)), ("no horn", box(400, 0))]
    found = [
        (SPEED, box(0, 0), 0.9),
        (SPEED, box(100, 0), 0.9),
        (DANGER, box(300, 0), 0.9),
        (SPEED, box(0, 300), 0.9),
        (STOP, box(100, 300), 0.9),
        (DANGER, box(200, 0), 0.2),
    ]
    table = confuse([seen(signs, found, others=others)], threshold=0.5)
    assert table.columns == ("SpeedLimit", "DangerAhead", "Stop", "nothing")
    assert dict(zip(table.rows, table.counts, strict=True)) == {
        "SpeedLimit": (1, 0, 0, 0),
        "DangerAhead": (1, 0, 0, 1),
        "no horn": (0, 0, 0, 1),
        "parking": (0, 1, 0, 0),
        "nothing": (1, 0, 0, 0),  # nobody labelled stops: that one may be true
    }


def test_a_measurement_is_plain_json_with_the_evaluation_on_top():
    measured = summarise(random_set(1), threshold=0.5)
    record = json.loads(json.dumps(measured.as_json(), allow_nan=False))
    assert {"map50", "map50_95", "per_class", "latency_ms"} <= set(record)
    assert record["map50"] == round(measured.evaluation.map50, 4)
    assert len(record["mistakes"]) == sum(record["mistakes_by_kind"].values()) > 0
    assert set(record["mistakes"][0]) >= {"kind", "photo", "reason", "size_px"}
    assert "observations" not in record


def test_a_measurement_times_the_detector_on_frames():
    eyes = Scripted((SPEED, box(0, 0), 0.9))
    measured = measure(eyes, [photo((SPEED, box(0, 0)))], threshold=0.5)
    assert measured.evaluation.latency_ms["p50"] > 0
    assert eyes.calls > 60


def test_another_detector_can_be_timed_in_its_place():
    eyes, timed = (Scripted((SPEED, box(0, 0), 0.9)) for _ in range(2))
    measure(eyes, [photo((SPEED, box(0, 0)))], threshold=0.5, timed=timed)
    assert eyes.calls == 1
    assert timed.calls > 60


def test_robustness_is_measured_on_each_transform():
    """A detector that knows the places alone: it is right until the picture turns."""
    photos = [photo((SPEED, box(100, 100)))]
    eyes = Scripted((SPEED, box(100, 100), 0.9))
    whole = measure(eyes, photos, threshold=0.5)
    measured = with_robustness(whole, eyes, photos, transforms=["dark:0.5", "roll:30"])
    dark, rolled = measured.robustness
    assert (dark.transform, dark.map50, dark.recall) == ("dark:0.5", pytest.approx(1), 1)
    assert (rolled.map50, rolled.recall) == (0, 0)
    assert "roll:30" in as_text(measured)
