"""The model that comes with the kit: its file, its blindness to other things, its photos."""

from __future__ import annotations

import json

import cv2
import numpy as np
import onnxruntime
import pytest

from kit.config import share_path
from kit.events import Label
from kit.mlops.drawing.scene import draw_example
from kit.mlops.drawing.signs import draw_face
from kit.mlops.measuring.evaluate import evaluate
from kit.vision.detector import Detector

LEAST_MAP50 = 0.98
LEAST_PRECISION = 0.97
LEAST_RECALL = 0.95

STOPS = {
    "1718290301_673.jpg": [(228, 319)],
    "1718290436_98.jpg": [(201, 348)],
    "1718290459_496.jpg": [(222, 324)],
    "3.jpg": [(299, 173), (426, 162)],
    "small_IMG_1512.jpg": [(156, 282), (436, 245)],
    "small_IMG_1513.jpg": [(97, 272), (399, 211)],
    "small_IMG_1514.jpg": [(128, 235), (394, 175)],
    "small_IMG_1515.jpg": [(124, 237), (401, 173)],
    "small_IMG_1516.jpg": [(111, 180), (444, 147)],
    "small_IMG_1517.jpg": [(8, 202), (358, 174)],
    "small_IMG_1518.jpg": [(42, 278), (397, 207)],
    "small_IMG_1519.jpg": [(129, 242)],
    "small_IMG_1520.jpg": [(67, 198)],
    "small_IMG_1521.jpg": [(54, 251)],
    "small_IMG_1522.jpg": [(442, 116)],
}
"""Middles of the STOP and no-entry signs in the reference photos, which their labels leave out."""


@pytest.fixture(scope="module")
def path():
    return share_path("datasets/model/signs.onnx")


@pytest.fixture(scope="module")
def detector(path):
    return Detector(path, provider="cpu")


def test_the_file_is_small_and_says_how_it_is_used(path):
    assert path.stat().st_size < 3_000_000
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    read = {key: json.loads(value) for key, value in facts.items()}
    assert read["licence"] == "Apache-2.0"
    assert 0.2 < read["threshold"] < 0.9
    assert len(read["data_hash"]) == 64


def on_a_table(name, size_px):
    """Stand one sign on a dark table before a grey wall."""
    frame = np.full((400, 600, 3), 150, np.uint8)
    frame[170:] = (40, 42, 45)
    face = draw_face(name, size_px).astype(np.float32)
    x, y, alpha = 300, 190, face[..., 3:] / 255
    cv2.rectangle(frame, (x - 3, y), (x + 3, y + size_px * 2), (25, 25, 25), -1)
    spot = frame[y - size_px // 2 :, x - size_px // 2 :][:size_px, :size_px]
    spot[:] = (spot * (1 - alpha) + face[..., :3] * alpha).astype(np.uint8)
    return frame


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("speed_30", "SpeedLimit"),
        ("speed_50", "SpeedLimit"),
        ("danger_exclamation", "DangerAhead"),
        ("danger_gate", "DangerAhead"),
        ("danger_locomotive", "DangerAhead"),
        ("stop", "Stop"),
        ("no_entry", "Stop"),
    ],
)
def test_a_sign_on_a_table_is_found_as_what_it_is(detector, name, label):
    (found,) = detector.detect(on_a_table(name, 44))
    assert found.label == label
    assert abs(found.box.x + found.box.width / 2 - 300) < 4


@pytest.mark.parametrize(
    "name",
    ["parking", "bus_stop", "crossing", "no_horn", "cars_only", "bicycles_only", "traffic_light"],
)
def test_another_sign_on_a_table_is_taken_for_none_of_ours(detector, name):
    assert detector.detect(on_a_table(name, 44)) == ()


def test_an_empty_frame_holds_nothing(detector):
    for tone in (0, 90, 255):
        assert detector.detect(np.full((400, 600, 3), tone, np.uint8)) == ()


@pytest.mark.usefixtures("no_photos")
def test_most_drawn_pictures_without_signs_hold_nothing(detector):
    examples = [draw_example(123, index) for index in range(40)]
    empty = [e.image for e in examples if not len(e.classes)]
    assert len(empty) >= 5
    alarmed = sum(bool(detector.detect(image)) for image in empty)
    assert alarmed <= 1


def test_the_reference_photos_are_read_as_the_model_card_says(path, reference_photos):
    weak = Detector(path, provider="cpu", confidence=0.01)
    result = evaluate(
        weak,
        reference_photos / "annotations.json",
        reference_photos / "images",
        threshold=weak.info.threshold,
    )
    assert result.map50 >= LEAST_MAP50
    assert result.precision >= LEAST_PRECISION
    assert result.recall >= LEAST_RECALL


@pytest.mark.parametrize("photo", STOPS)
def test_the_stop_signs_of_the_reference_photos_are_found_as_such(
    detector, reference_photos, photo
):
    found = detector.detect(cv2.imread(str(reference_photos / "images" / photo)))
    for x, y in STOPS[photo]:
        here = [sign for sign in found if _around(sign.box, x, y)]
        assert [sign.label for sign in here] == [Label.STOP], f"at {x}, {y}: {found}"


def _around(box, x, y):
    """Whether a point is about the middle of a box, which the picture's edge may have cut."""
    across, down = abs(box.x + box.width / 2 - x), abs(box.y + box.height / 2 - y)
    return across <= max(8, 0.3 * box.width) and down <= max(8, 0.3 * box.height)
