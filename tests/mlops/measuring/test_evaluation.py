from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from kit.errors import CameraError, ConfigError
from kit.events import Box, Detection, Label
from kit.mlops.measuring.evaluate import count_matches, evaluate, read_coco, score


def rows(*entries):
    return np.array(entries, float).reshape(len(entries), -1)


def no_rows(columns):
    return np.zeros((0, columns))


def average_precision(signs, found, iou):
    """Average precision over 101 recall points, written once more by hand for one class."""
    ranked = sorted(
        ((row[5], index, row[1:5]) for index, f in enumerate(found) for row in f),
        key=lambda entry: -entry[0],
    )
    left = [list(s[:, 1:5]) for s in signs]
    total = sum(len(s) for s in left)
    hits, curve = 0, []
    for seen, (_, index, box) in enumerate(ranked, 1):
        overlaps = [overlap(box, other) for other in left[index]]
        if overlaps and max(overlaps) >= iou:
            hits += 1
            left[index].pop(int(np.argmax(overlaps)))
        curve.append((hits / total, hits / seen))
    points = np.linspace(0, 1, 101)
    return np.mean([max((p for r, p in curve if r >= x - 1e-9), default=0) for x in points])


def overlap(a, b):
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    tall = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = wide * tall
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (area - shared)


def test_finding_everything_scores_one():
    signs = [rows((0, 10, 10, 50, 50), (1, 60, 60, 99, 99)), rows((1, 5, 5, 40, 40))]
    found = [np.column_stack([s, np.full(len(s), 0.9)]) for s in signs]
    result = score(signs, found, threshold=0.5)
    assert (result.map50, result.map50_95) == (pytest.approx(1), pytest.approx(1))
    assert (result.precision, result.recall) == (1, 1)
    assert set(result.per_class) == {"SpeedLimit", "DangerAhead"}
    assert result.per_class["DangerAhead"].signs == 2


def test_finding_nothing_scores_nought():
    result = score([rows((0, 10, 10, 50, 50))], [no_rows(6)], threshold=0.5)
    assert (result.map50, result.recall) == (0, 0)


def test_photos_without_any_sign_score_nought_and_warn_of_nothing():
    result = score([no_rows(5)], [no_rows(6)], threshold=0.5)
    assert (result.map50, result.per_class) == (0, {})


def test_only_detections_above_the_threshold_count_for_precision_and_recall():
    signs = [rows((0, 10, 10, 50, 50))]
    found = [rows((0, 10, 10, 50, 50, 0.4), (0, 70, 70, 90, 90, 0.9))]
    result = score(signs, found, threshold=0.5)
    assert (result.precision, result.recall) == (0, 0)
    assert score(signs, found, threshold=0.3).recall == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_average_precision_agrees_with_one_written_by_hand(seed):
    rng = np.random.default_rng(seed)
    signs, found = [], []
    for _ in range(12):
        corners = rng.uniform(0, 300, (3, 2))
        truth = np.hstack([np.zeros((3, 1)), corners, corners + rng.uniform(30, 60, (3, 2))])
        guesses = truth.copy()
        guesses[:, 1:] += rng.normal(0, 6, (3, 4))
        stray = np.hstack([np.zeros((2, 1)), rng.uniform(0, 250, (2, 2)), np.full((2, 2), 299.0)])
        every = np.vstack([guesses, stray])
        signs.append(truth)
        found.append(np.column_stack([every, rng.uniform(0.1, 1, 5)]))
    result = score(signs, found, threshold=0.5)
    assert result.map50 == pytest.approx(average_precision(signs, found, 0.5), abs=0.01)
    assert 0 < result.map50_95 < result.map50 < 1


def test_one_sign_is_found_once():
    signs = rows((10, 10, 50, 50))
    assert count_matches(signs, rows((10, 10, 50, 50), (11, 11, 50, 50))) == 1
    assert count_matches(signs, no_rows(4)) == 0


class Fixed:
    """Reports the same signs for every picture, and a STOP sign besides."""

    def detect(self, image_bgr):
        assert image_bgr.shape in {(80, 100, 3), (400, 600, 3)}  # the photo, and it as a frame
        return (
            Detection(label=Label.SPEED_LIMIT, confidence=0.9, box=Box(10, 10, 30, 30)),
            Detection(label=Label.STOP, confidence=0.9, box=Box(60, 10, 30, 30)),
        )


@pytest.fixture
def photos(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((80, 100, 3), np.uint8))
    data = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 7, "name": "SpeedLimit"}, {"id": 8, "name": "Tree"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 7, "bbox": [10, 10, 30, 30]},
            {"id": 2, "image_id": 1, "category_id": 8, "bbox": [0, 0, 9, 9]},
        ],
    }
    (tmp_path / "coco.json").write_text(json.dumps(data))
    return tmp_path


def test_a_detector_is_measured_on_the_labelled_classes_alone(photos):
    result = evaluate(Fixed(), photos / "coco.json", photos)
    assert result.map50 == pytest.approx(1)
    assert result.precision == 1
    assert set(result.latency_ms) == {"p50", "p95", "p99"}


def test_category_names_are_matched_and_foreign_ones_left_out(photos):
    (photo,) = read_coco(photos / "coco.json", photos)
    assert photo.signs.tolist() == [[0, 10, 10, 40, 40]]


def test_a_missing_photo_is_named(photos):
    (photos / "a.png").unlink()
    with pytest.raises(ConfigError, match=r"a\.png"):
        read_coco(photos / "coco.json", photos)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"images": [], "annotations": []}'])
def test_a_file_that_is_no_coco_is_refused(tmp_path, text):
    (tmp_path / "coco.json").write_text(text)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_coco(tmp_path / "coco.json", tmp_path)


def test_annotations_without_our_classes_are_refused(photos):
    data = json.loads((photos / "coco.json").read_text())
    data["categories"] = [{"id": 7, "name": "Cat"}, {"id": 8, "name": "Tree"}]
    (photos / "coco.json").write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="none of our classes"):
        read_coco(photos / "coco.json", photos)


def test_a_broken_photo_is_refused(photos):
    (photos / "a.png").write_bytes(b"no picture")
    with pytest.raises(CameraError, match=r"a\.png.*cannot be read"):
        evaluate(Fixed(), photos / "coco.json", photos)
