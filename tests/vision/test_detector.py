"""The detector's geometry, on models whose answer is known, and its answers to bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import CameraError, ConfigError, ModelError
from kit.events import Box, Label
from kit.vision.detector import LONGER_SIDE_PX, MAX_DETECTIONS, Detector, decode
from kit.vision.frames import Image
from tests.vision.onnx_models import RED_SCORE, red_rectangle, write_model

RED = (0, 0, 255)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """Finds the bounds of what is red."""
    return Detector(red_rectangle(tmp_path_factory.mktemp("model") / "red.onnx"), threads=1)


def scene(width: int, height: int, box: Box) -> Image:
    """A black picture with a red rectangle."""
    image = np.zeros((height, width, 3), np.uint8)
    x, y, across, down = map(int, box)
    image[y : y + down, x : x + across] = RED
    return image


@st.composite
def scenes(draw: st.DrawFn, *, sides: st.SearchStrategy[int]) -> tuple[Image, Box]:
    width, height = draw(sides), draw(sides)
    x, y = draw(st.integers(0, width - 16)), draw(st.integers(0, height - 16))
    across, down = draw(st.integers(16, width - x)), draw(st.integers(16, height - y))
    box = Box(x, y, across, down)
    return scene(width, height, box), box


@settings(max_examples=80, deadline=None)
@given(case=scenes(sides=st.integers(16, LONGER_SIDE_PX)))
def test_box_is_exact_at_every_size_up_to_the_longest_side(
    detector: Detector, case: tuple[Image, Box]
) -> None:
    image, box = case
    (found,) = detector.detect(image)
    assert found.label is Label.DANGER_AHEAD
    assert found.confidence == RED_SCORE
    assert found.box == box


@settings(max_examples=40, deadline=None)
@given(case=scenes(sides=st.integers(200, 2200)))
def test_box_of_a_larger_picture_is_right_to_a_pixel_of_the_input(
    detector: Detector, case: tuple[Image, Box]
) -> None:
    image, box = case
    longest = max(image.shape)
    pixel = max(1.0, longest / LONGER_SIDE_PX)
    (found,) = detector.detect(image)
    assert found.box == pytest.approx(box, abs=1.01 * pixel)


def test_frame_is_not_scaled(detector: Detector) -> None:
    (found,) = detector.detect(scene(600, 400, Box(599 - 17, 399 - 17, 18, 18)))
    assert found.box == Box(582, 382, 18, 18)


def test_size_may_change_from_picture_to_picture(detector: Detector) -> None:
    """What an earlier, larger picture left in the input must not be seen again."""
    assert detector.detect(scene(630, 390, Box(580, 350, 50, 40)))
    assert detector.detect(np.zeros((380, 610, 3), np.uint8)) == ()


def test_picture_may_be_a_view(detector: Detector) -> None:
    whole = scene(640, 480, Box(100, 60, 40, 40))
    (found,) = detector.detect(whole[50:, 80:])
    assert found.box == Box(20, 10, 40, 40)


def test_picture_is_left_as_it_is(detector: Detector) -> None:
    image = scene(600, 400, Box(10, 10, 40, 40))
    before = image.copy()
    detector.detect(image)
    assert (image == before).all()


def test_confidence_may_be_asked_for(tmp_path: Path) -> None:
    path = red_rectangle(tmp_path / "red.onnx")
    image = scene(600, 400, Box(10, 10, 40, 40))
    assert Detector(path, confidence=RED_SCORE).detect(image)
    assert not Detector(path, confidence=RED_SCORE + 0.01).detect(image)


def test_threshold_of_the_model_holds_otherwise(tmp_path: Path) -> None:
    path = red_rectangle(tmp_path / "red.onnx", threshold=RED_SCORE + 0.01)
    assert not Detector(path).detect(scene(600, 400, Box(10, 10, 40, 40)))


@pytest.mark.parametrize("confidence", [0, -0.1, 1.1, float("nan")])
def test_impossible_confidence_is_refused(tmp_path: Path, confidence: float) -> None:
    with pytest.raises(ConfigError, match="confidence"):
        Detector(red_rectangle(tmp_path / "red.onnx"), confidence=confidence)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((1, 1, 3), np.uint8), id="one pixel"),
        pytest.param(np.zeros((0, 0, 3), np.uint8), id="nothing"),
        pytest.param(np.zeros((400, 600), np.uint8), id="grey"),
        pytest.param(np.zeros((400, 600, 4), np.uint8), id="with alpha"),
        pytest.param(np.zeros((400, 600, 3), np.float32), id="floats"),
    ],
)
def test_what_is_no_picture_is_refused(detector: Detector, image: Image) -> None:
    with pytest.raises(CameraError, match="cannot look at this picture"):
        detector.detect(image)


def test_info_tells_model_and_provider(detector: Detector) -> None:
    info = detector.info
    assert (info.version, info.provider) == ("test-1", "CPUExecutionProvider")
    assert info.classes == ("SpeedLimit", "DangerAhead", "Stop")
    assert detector.confidence == info.threshold == 0.5


def grid(*peaks: tuple[int, int, int, float, tuple[float, float, float, float]]):
    """Scores and boxes of an 8 x 8 grid with these (class, row, column, score, corners)."""
    scores, boxes = np.zeros((1, 3, 8, 8), np.float32), np.zeros((1, 4, 8, 8), np.float32)
    for class_id, row, column, score, corners in peaks:
        scores[0, class_id, row, column] = score
        boxes[0, :, row, column] = corners
    return scores, boxes


def test_signs_come_surest_first() -> None:
    scores, boxes = grid(
        (0, 1, 1, 0.6, (0, 0, 9, 9)),
        (2, 5, 5, 0.9, (40, 40, 60, 60)),
        (1, 7, 2, 0.7, (9, 50, 19, 60)),
    )
    found = decode(scores, boxes, confidence=0.5, nms_iou=0.5)
    assert found.class_ids.tolist() == [2, 1, 0]
    assert found.scores.tolist() == pytest.approx([0.9, 0.7, 0.6])
    assert found.corners.tolist() == [[40, 40, 60, 60], [9, 50, 19, 60], [0, 0, 9, 9]]


def test_one_sign_gives_one_detection_whatever_the_class() -> None:
    scores, boxes = grid((0, 1, 1, 0.6, (0, 0, 20, 20)), (2, 3, 3, 0.9, (1, 1, 20, 20)))
    found = decode(scores, boxes, confidence=0.5, nms_iou=0.5)
    assert found.class_ids.tolist() == [2]


def test_signs_that_overlap_little_are_two() -> None:
    scores, boxes = grid((0, 1, 1, 0.6, (0, 0, 20, 20)), (2, 3, 3, 0.9, (12, 0, 32, 20)))
    assert len(decode(scores, boxes, confidence=0.5, nms_iou=0.5).scores) == 2


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), iou=st.floats(0.1, 0.9))
def test_no_two_detections_overlap_more_than_allowed(seed: int, iou: float) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random((1, 3, 8, 8), np.float32)
    corners = rng.uniform(0, 60, (1, 2, 8, 8))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 40, (1, 2, 8, 8))], axis=1)
    found = decode(scores, boxes.astype(np.float32), confidence=0.3, nms_iou=iou)
    assert 0 < len(found.scores) <= MAX_DETECTIONS
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores[0] == scores.max()
    for index, one in enumerate(found.corners):
        for other in found.corners[index + 1 :]:
            assert _overlap(one, other) <= iou + 1e-5


def test_flood_of_peaks_is_bounded() -> None:
    scores, boxes = np.full((1, 3, 80, 80), 0.9, np.float32), np.zeros((1, 4, 80, 80), np.float32)
    boxes[0, 0], boxes[0, 1] = np.meshgrid(np.arange(80) * 8, np.arange(80) * 8)
    boxes[0, 2:] = boxes[0, :2] + 8
    assert len(decode(scores, boxes, confidence=0.5, nms_iou=0.5).scores) <= MAX_DETECTIONS


def test_answer_that_is_no_number_is_an_error_not_an_empty_track() -> None:
    scores, boxes = grid()
    scores[0, 0, 0, 0] = np.nan
    with pytest.raises(ModelError, match="not a number"):
        decode(scores, boxes, confidence=0.5, nms_iou=0.5)


@pytest.mark.parametrize(
    ("corners", "box"),
    [
        ((-10, -10, 30, 30), Box(0, 0, 30, 30)),
        ((590, 390, 630, 430), Box(590, 390, 10, 10)),
        ((602, 10, 607, 20), None),
        ((30, 30, 30, 40), None),
    ],
)
def test_boxes_stay_inside_the_picture(
    tmp_path: Path, corners: tuple[float, ...], box: Box | None
) -> None:
    detector = Detector(fixed_answer(tmp_path / "fixed.onnx", corners))
    found = detector.detect(np.full((400, 600, 3), 255, np.uint8))
    assert [detection.box for detection in found] == ([] if box is None else [box])


def fixed_answer(path: Path, corners: tuple[float, ...]) -> Path:
    """Write a model that answers every white picture with one box."""
    from onnx import TensorProto, helper

    node = helper.make_node
    tensor = helper.make_tensor("corners", TensorProto.FLOAT, [1, 4, 1, 1], corners)
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
    nodes = [
        node("Constant", [], ["corners"], value=tensor),
        node("Constant", [], ["zero"], value=zero),
        node("AveragePool", ["images"], ["scores"], kernel_shape=[16, 16], strides=[16, 16]),
        node("ReduceMean", ["scores"], ["mean"], axes=[1], keepdims=1),
        node("Mul", ["mean", "zero"], ["none"]),
        node("Add", ["none", "corners"], ["boxes"]),
    ]
    return write_model(path, nodes)


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    areas = sum(np.prod(box[2:] - box[:2]) for box in (one, other))
    return float(shared / (areas - shared))
