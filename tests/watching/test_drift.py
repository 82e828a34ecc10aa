"""Figures of frames, and whether they are still what they were."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import ConfigError
from kit.watching.drift import (
    CHANGED,
    LEAST_VALUES,
    WORTH_A_LOOK,
    Drift,
    Histogram,
    Reference,
    stability_index,
)
from kit.watching.figures import Figures, Look, figures_of, look_of
from tests.watching.make import picture, sign

counts = st.lists(st.integers(0, 500), min_size=4, max_size=4)


def test_a_flat_grey_picture_is_as_bright_as_its_grey_and_has_no_contrast():
    flat = look_of(np.full((40, 60, 3), 90, np.uint8))
    assert flat == pytest.approx(Look(90, 0, 0), abs=1e-4)


def test_blur_takes_sharpness_and_dark_takes_brightness():
    image = picture(1)
    blurred, dark = cv2.GaussianBlur(image, (0, 0), 9), (image * 0.4).astype(np.uint8)
    assert look_of(blurred).sharpness < look_of(image).sharpness
    assert look_of(dark).brightness < 0.5 * look_of(image).brightness
    assert look_of(dark).contrast < look_of(image).contrast


def test_the_figures_of_a_frame():
    look = Look(1, 2, 3)
    found = figures_of(
        look, [sign(side=30, confidence=0.8), sign(side=50, confidence=0.6)], doubtful=True
    )
    assert found.confidence == (pytest.approx(0.7),)
    assert found.detections == (2,)
    assert found.doubtful == (1,)
    assert found.box_side == (30, 50)
    assert figures_of(look, [], doubtful=False).confidence == ()


@given(counts, counts)
def test_the_index_is_never_negative_and_symmetric(one, other):
    index = stability_index(one, other)
    assert index >= 0
    assert math.isfinite(index)
    assert index == pytest.approx(stability_index(other, one))


@given(counts)
def test_equal_counts_have_the_index_nought(one):
    assert stability_index(one, one) == 0


def test_the_index_is_the_sum_over_the_bins():
    # p = (50.5, 50.5) / 101 and q = (25.5, 75.5) / 101, by hand
    p, q = (0.5, 0.5), (25.5 / 101, 75.5 / 101)
    by_hand = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert stability_index([50, 50], [25, 75]) == pytest.approx(by_hand)
    assert by_hand > CHANGED


def rows(count, *, seed, brightness=100.0, signs=1):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        look = Look(*(float(rng.normal(mean, 5)) for mean in (brightness, 40.0, 2.0)))
        seen = [sign(side=float(rng.uniform(15, 60)), confidence=0.9) for _ in range(signs)]
        yield figures_of(look, seen, doubtful=bool(rng.random() < 0.1))


def drift_of(*figures, reference, window=300):
    drift = Drift(reference, window=window)
    for one in figures:
        drift.push(one)
    return drift


@pytest.fixture(scope="module")
def reference():
    return Reference.of(rows(1000, seed=1), about="a test")


def test_more_of_the_same_is_steady(reference):
    indices = drift_of(*rows(300, seed=2), reference=reference).indices()
    assert set(indices) == set(Figures._fields)
    assert max(indices.values()) < WORTH_A_LOOK


def test_a_darker_room_changes_the_brightness_and_nothing_else(reference):
    indices = drift_of(*rows(300, seed=3, brightness=80), reference=reference).indices()
    assert indices["brightness"] > CHANGED
    assert max(v for name, v in indices.items() if name != "brightness") < WORTH_A_LOOK


def test_signs_that_vanish_change_their_number(reference):
    drift = drift_of(*rows(300, seed=4, signs=0), reference=reference)
    assert drift.indices()["detections"] > CHANGED
    assert "confidence" not in drift.indices()
    assert drift.means()["detections"] == 0


def test_of_a_few_frames_nothing_is_said(reference):
    few = list(rows(LEAST_VALUES - 1, seed=5, brightness=10))
    assert drift_of(*few, reference=reference).indices() == {}


def test_only_the_last_frames_count(reference):
    figures = [*rows(300, seed=6, brightness=10), *rows(300, seed=7)]
    assert drift_of(*figures, reference=reference).indices()["brightness"] < WORTH_A_LOOK


def test_without_a_reference_the_first_frames_make_one():
    drift = drift_of(*rows(300, seed=8), reference=None)
    assert drift.reference is not None
    assert drift.reference.frames == 300
    assert drift.indices() == {}
    for one in rows(300, seed=9, brightness=60):
        drift.push(one)
    assert drift.indices()["brightness"] > CHANGED


def test_a_reference_survives_its_way_through_a_file(reference, tmp_path):
    path = tmp_path / "reference.json"
    reference.save(path)
    assert Reference.load(path) == reference
    assert [file.name for file in tmp_path.iterdir()] == ["reference.json"]


@pytest.mark.parametrize("text", ["", "{}", '{"about": "", "frames": -1, "figures": {}}'])
def test_a_damaged_reference_is_told(tmp_path, text):
    path = tmp_path / "reference.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="reference for drift"):
        Reference.load(path)


@pytest.mark.parametrize(("edges", "found"), [((1, 0), (1, 1, 1)), ((0, 1), (1, 1))])
def test_bins_that_do_not_fit_are_refused(edges, found):
    with pytest.raises(ValueError, match="edges must rise"):
        Histogram(edges=edges, counts=found, mean=0)
