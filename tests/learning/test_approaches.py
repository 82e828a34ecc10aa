"""Frames with a sign that must be obeyed, from a recorded run."""

from __future__ import annotations

import shutil
from pathlib import Path

from kit.config import share_path
from kit.events import FRAME_HEIGHT, FRAME_WIDTH, Label
from kit.learning.approaches import SMALLEST_PX, approaches
from kit.vision.detector import Detector


def test_the_kits_run_leads_to_a_speed_limit_and_then_to_a_warning() -> None:
    found = approaches()
    labels = [one.label for one in found]
    assert list(dict.fromkeys(labels)) == [Label.SPEED_LIMIT, Label.DANGER_AHEAD]
    assert all(one.image.shape == (FRAME_HEIGHT, FRAME_WIDTH, 3) for one in found)
    assert min(one.box.height for one in found) >= SMALLEST_PX


def test_a_sign_grows_and_frames_of_a_train_that_stands_are_left_out() -> None:
    boxes = [one.box for one in approaches() if one.label is Label.DANGER_AHEAD]
    assert boxes[-1].height > 2 * boxes[0].height
    assert len(set(boxes)) == len(boxes)


def test_one_in_so_many_frames_can_be_taken() -> None:
    assert [one.box for one in approaches(every=5)] == [one.box for one in approaches()][::5]


def test_a_run_off_the_virtual_set_has_none(tmp_path: Path) -> None:
    shutil.copy(share_path("datasets/runs/standard/run.mcap"), tmp_path)
    assert approaches(tmp_path) == []


def test_the_roads_model_is_less_sure_of_lego_signs_than_legos_model() -> None:
    def sure(model: str, frame: int) -> float:
        detector = Detector(share_path(f"datasets/model/{model}.onnx"), confidence=0.05)
        return max((d.confidence for d in detector.detect(warnings[frame].image)), default=0)

    warnings = [one for one in approaches() if one.label is Label.DANGER_AHEAD]
    assert sure("road", -1) < 0.65 < sure("signs", -1)
