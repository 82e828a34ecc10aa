"""Predictions made by hand."""

from __future__ import annotations

from itertools import pairwise

from kit.events import Label
from kit.learning.predictions import approach


def test_the_sign_grows_from_frame_to_frame() -> None:
    heights = [p.detections[0].box.height for p in approach(Label.STOP, frames=12, fps=10)]
    assert heights == sorted(heights)
    assert heights[-1] > 3 * heights[0]


def test_frames_are_as_far_apart_as_the_rate_says() -> None:
    stamps = [p.frame.captured_ns for p in approach(Label.STOP, frames=4, fps=20)]
    assert {later - earlier for earlier, later in pairwise(stamps)} == {50_000_000}


def test_a_flickering_sign_is_missing_in_the_frames_named() -> None:
    made = approach(Label.DANGER_AHEAD, frames=5, fps=10, flicker={1, 3})
    assert [len(p.detections) for p in made] == [1, 0, 1, 0, 1]


def test_a_second_sign_stands_beside_the_first() -> None:
    made = approach(Label.DANGER_AHEAD, frames=3, fps=10, beside=Label.SPEED_LIMIT)
    assert {d.label for d in made[0].detections} == {Label.DANGER_AHEAD, Label.SPEED_LIMIT}
