from __future__ import annotations

import numpy as np
import pytest

from kit.mlops.measuring.mistakes import CROP_PX, Kind, find_mistakes, worst
from tests.mlops.measuring.making import DANGER, SPEED, STOP, box, random_set, seen


def one(signs, found, **more):
    """The only mistake."""
    (mistake,) = find_mistakes([seen(signs, found, **more)], threshold=0.5)
    return mistake


def test_no_mistake_is_found_where_none_is():
    right = seen([(SPEED, box(0, 0))], [(SPEED, box(0, 0), 0.9), (STOP, box(200, 0), 0.9)])
    assert find_mistakes([right], threshold=0.5) == []


def test_a_false_alarm_tells_how_sure_it_was():
    observation = [(SPEED, box(0, 0))], [(SPEED, box(0, 0), 0.9), (SPEED, box(300, 0), 0.8)]
    mistake = one(*observation)
    assert (mistake.kind, mistake.confidence, mistake.sign) == (Kind.FALSE_ALARM, 0.8, None)
    assert mistake.detection == box(300, 0)
    assert mistake.caption == "SpeedLimit 0.80, 40 px: no sign is labelled there"


def test_a_missed_sign_tells_whether_it_was_nearly_found():
    mistake = one([(DANGER, box(0, 0))], [(DANGER, box(2, 0), 0.4)])
    assert (mistake.kind, mistake.label, mistake.confidence) == (Kind.MISSED, "DangerAhead", 0.4)
    assert mistake.reason == "seen with 0.40, below 0.5"
    assert one([(DANGER, box(0, 0))], []).reason == "not seen at all"


def test_a_wrong_class_is_not_told_again_as_missed():
    signs = [(DANGER, box(0, 0)), (SPEED, box(100, 0))]
    mistake = one(signs, [(SPEED, box(0, 0), 0.9), (SPEED, box(100, 0), 0.9)])
    assert mistake.kind is Kind.WRONG_CLASS
    assert mistake.reason == "a DangerAhead taken for SpeedLimit"


def test_another_sign_taken_for_ours_is_a_wrong_class():
    found = [(SPEED, box(0, 0), 0.9), (SPEED, box(100, 0), 0.9)]
    mistake = one([(SPEED, box(0, 0))], found, others=[("no horn", box(100, 0))])
    assert (mistake.kind, mistake.reason) == (
        Kind.WRONG_CLASS,
        "'no horn' taken for SpeedLimit",
    )


def test_a_bad_box_is_neither_false_alarm_nor_missed():
    mistake = one([(SPEED, box(0, 0))], [(SPEED, box(20, 0), 0.9)])
    assert (mistake.kind, mistake.reason) == (Kind.BAD_BOX, "overlaps the sign by 0.33 only")


def test_a_sign_found_twice_is_told_once():
    mistake = one([(SPEED, box(0, 0))], [(SPEED, box(0, 0), 0.9), (SPEED, box(6, 0), 0.7)])
    assert (mistake.kind, mistake.confidence) == (Kind.TWICE, 0.7)


def test_every_wrong_detection_and_every_sign_not_found_is_accounted_for():
    for seed in range(5):
        observations = random_set(seed)
        mistakes = find_mistakes(observations, threshold=0.5)
        signs = sum(len(o.photo.signs) for o in observations)
        wrong = sum(mistake.detection is not None for mistake in mistakes)
        detections = sum(len(o.above(0.5)) for o in observations)
        right = detections - wrong
        lost = [m for m in mistakes if m.kind not in {Kind.FALSE_ALARM, Kind.TWICE}]
        assert right + len(lost) == signs


def test_the_worst_come_first():
    signs = [(SPEED, box(0, 0, 20.0)), (SPEED, box(100, 0, 60.0))]
    found = [(SPEED, box(300, 0), 0.6), (SPEED, box(300, 200), 0.9)]
    mistakes = find_mistakes([seen(signs, found)], threshold=0.5)
    assert [m.confidence for m in worst(mistakes, Kind.FALSE_ALARM, 5)] == [0.9, 0.6]
    assert [m.size_px for m in worst(mistakes, Kind.MISSED, 5)] == [60, 20]
    assert len(worst(mistakes, Kind.MISSED, 1)) == 1


@pytest.mark.parametrize("place", [box(0, 0), box(570, 380), box(200, 100, 200.0)])
def test_its_picture_shows_the_place_with_the_box_around_it(place):
    image = np.zeros((400, 600, 3), np.uint8)
    x1, y1, x2, y2 = (round(v) for v in place)
    image[y1:y2, x1:x2] = (200, 0, 0)
    picture = one([(SPEED, place)], [], image=image).picture()
    assert picture.shape == (CROP_PX, CROP_PX, 3)
    middle = picture[CROP_PX // 2, CROP_PX // 2]
    inside = x2 <= 600 and y2 <= 400
    assert not inside or middle.tolist() == [200, 0, 0]
    assert (picture == (90, 220, 60)).all(axis=2).any()
