from __future__ import annotations

import numpy as np
import pytest

from kit.events import LABELS
from kit.mlops.measuring.evaluate import score_observations
from kit.mlops.measuring.matching import match, rank
from tests.mlops.measuring.making import DANGER, SPEED, box, random_set, seen


@pytest.mark.parametrize("seed", range(6))
def test_the_average_precision_is_that_of_supervision(seed):
    observations = random_set(seed)
    result = score_observations(observations, threshold=0.5)
    for label, ranking in rank(observations).items():
        wanted = result.per_class[label.value].ap50
        assert ranking.average_precision()[0] == pytest.approx(wanted, abs=1e-6)
        assert ranking.curve().mean() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_a_photo_that_counts_twice_is_a_photo_that_is_there_twice(seed):
    observations = random_set(seed, photos=6)
    draws = np.array([[2, 0, 1, 3, 0, 1]])
    drawn = [o for o, times in zip(observations, draws[0], strict=True) for _ in range(times)]
    once, repeated = rank(observations), rank(drawn)
    for label in LABELS[:2]:
        assert once[label].average_precision(draws)[0] == pytest.approx(
            repeated[label].average_precision()[0]
        )


def test_a_sample_without_the_class_has_no_average_precision():
    observations = [seen([(SPEED, box(0, 0))], []), seen([(DANGER, box(0, 0))], [])]
    ranking = rank(observations)[LABELS[SPEED]]
    averages = ranking.average_precision(np.array([[0, 2], [1, 1]]))
    assert np.isnan(averages[0])
    assert averages[1] == 0


def test_the_surer_of_two_detections_finds_the_sign():
    signs = np.array([(SPEED, *box(0, 0)), (SPEED, *box(100, 0))])
    found = np.array(
        [
            (SPEED, *box(2, 0), 0.9),
            (SPEED, *box(1, 0), 0.8),
            (DANGER, *box(100, 0), 0.7),
            (SPEED, *box(104, 0), 0.6),
        ]
    )
    assert match(signs, found).tolist() == [0, -1, -1, 1]


def test_nothing_to_match_is_no_trouble():
    signs, found = np.zeros((0, 5)), np.zeros((0, 6))
    assert match(signs, found).tolist() == []
    assert match(signs, np.array([(SPEED, *box(0, 0), 0.9)])).tolist() == [-1]
    assert rank([seen([], [])]) == {}
