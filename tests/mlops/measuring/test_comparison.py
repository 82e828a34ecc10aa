from __future__ import annotations

import json

import numpy as np
import pytest

from kit.errors import ConfigError
from kit.mlops.measuring.comparison import bootstrap, compare
from kit.mlops.measuring.evaluate import score_observations
from kit.mlops.measuring.matching import rank
from kit.mlops.measuring.tables import comparison_text
from tests.mlops.measuring.making import DANGER, SPEED, Scripted, box, photo, random_set

NAMES = ("new", "old")


def marked(*places):
    """A photo whose first pixel tells where its signs are: 40 px squares of class 0 or 1."""
    image = np.zeros((400, 600, 3), np.uint8)
    image[0, : len(places), 0] = 1
    image[0, : len(places), 1] = places
    signs = [(place % 2, box(100.0 * place, 50)) for place in places]
    return photo(*signs, image=image, name=f"photo {places}")


def finder(*, blind_to=()):
    """Reads such photos' signs off, but for some places."""

    def look(image):
        marks = image[0][image[0, :, 0] == 1]
        places = [int(mark[1]) for mark in marks if int(mark[1]) not in blind_to]
        return [(p % 2, box(100.0 * p, 50), 0.9) for p in places]

    return Scripted(look=look)


PHOTOS = [marked(0, 1), marked(2, 3), marked(0, 3), marked(1, 2), marked(0, 1, 2)] * 3


def compared(first, second):
    return compare((first, second), PHOTOS, names=NAMES, thresholds=(0.5, 0.5))


def test_a_better_model_is_called_better():
    result = compared(finder(), finder(blind_to=(0, 3)))
    assert result.interval.low > 0
    assert result.verdict.startswith("new is better than old: mAP50 +")
    assert result.interval.low <= result.interval.difference <= result.interval.high


def test_a_worse_model_is_called_worse():
    assert compared(finder(blind_to=(0, 3)), finder()).verdict.startswith("new is worse than old")


def test_two_equal_models_are_not_told_apart():
    result = compared(finder(), finder())
    assert (result.interval.low, result.interval.high) == (0, 0)
    assert "do not tell new and old apart" in result.verdict
    assert result.disagreements == ()


def test_each_figure_stands_beside_its_rival_with_the_difference():
    result = compared(finder(), finder(blind_to=(0,)))
    rows = {row.figure: row for row in result.rows}
    recall = rows["SpeedLimit recall"]
    assert (recall.model, recall.difference) == (1, pytest.approx(1 - recall.against))
    assert rows["DangerAhead recall"].difference == 0
    assert rows["recall below 16 px"].difference is None
    assert {"latency p50 ms", "map50_95", "calibration error"} <= set(rows)
    told = comparison_text(result)
    assert "SpeedLimit recall" in told
    assert result.verdict in told


def test_photos_on_which_they_differ_are_shown_with_both_models_boxes():
    result = compared(finder(), finder(blind_to=(0,)))
    assert len(result.disagreements) == 9  # of 15 photos, those with a sign at place 0
    first = result.disagreements[0]
    assert (first.model, first.against) == (0, 1)
    ours, theirs = first.pictures()
    assert ours.shape == (400, 600, 3)
    assert (ours != theirs).any()


def test_the_record_is_json():
    record = json.loads(json.dumps(compared(finder(), finder(blind_to=(0,))).as_json()))
    assert record["names"] == ["new", "old"]
    assert set(record["interval"]) == {"difference", "low", "high", "level", "samples", "seed"}


def test_the_same_seed_gives_the_same_interval():
    first, second = rank(random_set(1)), rank(random_set(2))
    one = bootstrap(first, second, photos=12, seed=3, samples=300)
    assert one == bootstrap(first, second, photos=12, seed=3, samples=300)
    assert one != bootstrap(first, second, photos=12, seed=4, samples=300)


def test_the_bootstrap_starts_from_the_difference_of_the_evaluations():
    pair = random_set(1), random_set(1, shift=14.0)
    one = bootstrap(rank(pair[0]), rank(pair[1]), photos=12, samples=100)
    better, worse = (score_observations(p, threshold=0.5).map50 for p in pair)
    assert one.difference == pytest.approx(better - worse)


def test_a_detector_of_other_classes_too_is_judged_on_the_labelled_ones():
    result = compared(finder(), Scripted((SPEED, box(0, 50), 0.9), (DANGER, box(500, 300), 0.9)))
    assert result.interval.low > 0
    assert result.model.evaluation.map50 == pytest.approx(1)


def test_without_photos_there_is_nothing_to_compare():
    with pytest.raises(ConfigError, match="nothing to compare"):
        compare((finder(), finder()), [], names=NAMES, thresholds=(0.5, 0.5))
