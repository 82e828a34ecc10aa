from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from kit.errors import ConfigError
from kit.mlops.drawing.scene import draw_example
from kit.mlops.drawing.signs import OTHER
from kit.mlops.measuring.labelled import OTHER_SIGN, drawn_photos, read_coco
from kit.mlops.measuring.observing import as_detections, as_rows, observe_photo
from tests.mlops.measuring.making import DANGER, SPEED, Scripted, box, photo


@pytest.fixture
def coco(tmp_path):
    """A photo with a speed limit, a parking sign and a crowd of warnings."""
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((80, 100, 3), np.uint8))
    data = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [
            {"id": 1, "name": "SpeedLimit"},
            {"id": 2, "name": "parking"},
            {"id": 3, "name": "DangerAhead"},
        ],
        "annotations": [
            {"image_id": 1, "category_id": 1, "bbox": [10, 10, 30, 20]},
            {"image_id": 1, "category_id": 2, "bbox": [50, 10, 20, 20]},
            {"image_id": 1, "category_id": 3, "bbox": [0, 40, 60, 20], "iscrowd": 1},
        ],
    }
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(data))
    return path


def test_other_categories_are_kept_by_name_and_crowds_count_neither_way(coco):
    (one,) = read_coco(coco, coco.parent)
    assert one.signs.tolist() == [[SPEED, 10, 10, 40, 30]]
    assert [(other.name, other.corners) for other in one.others] == [("parking", (50, 10, 70, 30))]
    assert one.ignored.tolist() == [[0, 40, 60, 60]]
    assert one.read().shape == (80, 100, 3)


@pytest.mark.parametrize("bbox", [[1, 2, 3], [1, 2, 3, "x"], None])
def test_a_box_that_is_none_is_refused(coco, bbox):
    data = json.loads(coco.read_text())
    data["annotations"][0]["bbox"] = bbox
    coco.write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_coco(coco, coco.parent)


@pytest.mark.usefixtures("no_photos")
def test_drawn_photos_hold_what_was_drawn():
    photos = drawn_photos(count=6, seed=41)
    for index, one in enumerate(photos):
        example = draw_example(41, index)
        counted = ~example.ignored
        assert (one.read() == example.image).all()
        assert len(one.signs) == (counted & (example.classes != OTHER)).sum()
        assert len(one.others) == (counted & (example.classes == OTHER)).sum()
        assert len(one.ignored) == example.ignored.sum()
        assert {other.name for other in one.others} <= {OTHER_SIGN}
    assert len({one.name for one in photos}) == 6


def test_what_lies_in_an_ignored_box_is_left_out_unless_it_lies_in_a_sign_too():
    one = photo((SPEED, box(10, 10)), ignored=[box(0, 0, 200)])
    eyes = Scripted((SPEED, box(12, 10), 0.9), (DANGER, box(120, 120), 0.8))
    assert observe_photo(eyes, one).found.tolist() == [[SPEED, *box(12, 10), 0.9]]


def test_detections_become_rows_and_back():
    eyes = Scripted((SPEED, box(1, 2), 0.25), (DANGER, box(3, 4), 0.75))
    detections = eyes.detect(None)
    assert as_detections(as_rows(detections)) == detections[::-1]
