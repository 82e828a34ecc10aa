"""Measure any detector on labelled photos: mAP, precision, recall, and time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from supervision import Detections, box_iou_batch
from supervision.metrics import MeanAveragePrecision

from kit.errors import ConfigError
from kit.events import LABELS, Detection, Label

MATCH_IOU = 0.5
"""A detection that overlaps a sign of its class at least this much has found it."""


class FindsSigns(Protocol):
    """Anything that finds signs in a picture."""

    def detect(self, image_bgr: NDArray[np.uint8], /) -> Sequence[Detection]:
        """Return the signs in a BGR picture (H, W, 3) uint8, boxes in its pixels."""
        ...


@dataclass(frozen=True)
class ClassScore:
    """One class's figures.

    Attributes:
        signs: Labelled signs.
        ap50: Average precision at IoU 0.5, over 101 recall points, 0..1.
        ap50_95: Mean of the average precisions at IoU 0.5, 0.55 ... 0.95, 0..1.
        precision: Share of the detections above the threshold that are right, 0..1.
        recall: Share of the signs that are found above the threshold, 0..1.
    """

    signs: int
    ap50: float
    ap50_95: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Evaluation:
    """What a detector is worth on a set of labelled photos.

    Attributes:
        images: Photos.
        threshold: Confidence used for precision and recall.
        map50: Mean of the classes' ``ap50``.
        map50_95: Mean of the classes' ``ap50_95``.
        precision: Over all classes together.
        recall: Over all classes together.
        per_class: Figures by class name, of the labelled classes.
        latency_ms: ``p50``, ``p95`` and ``p99`` of one call of the detector, milliseconds.
    """

    images: int
    threshold: float
    map50: float
    map50_95: float
    precision: float
    recall: float
    per_class: dict[str, ClassScore]
    latency_ms: dict[str, float]


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo and its signs.

    Attributes:
        path: Of the photo.
        signs: Class id and box x1, y1, x2, y2 in pixels, (N, 5) float64.
    """

    path: Path
    signs: NDArray[np.float64]


def evaluate(
    detector: FindsSigns, coco_path: Path, images_dir: Path, *, threshold: float = 0.5
) -> Evaluation:
    """Run a detector over a COCO data set and compare.

    Classes that the data set does not label are left out, so that a true STOP sign which nobody
    labelled is no false alarm.

    Args:
        detector: Must report weak detections too (confidence 0.01 or so), or the average
            precision comes out too low.
        coco_path: COCO annotations; categories are matched to classes by name.
        images_dir: Folder of the photos.
        threshold: Confidence for precision and recall.

    Raises:
        ConfigError: If the annotations or photos cannot be read, or name no class of ours.
    """
    photos = read_coco(coco_path, images_dir)
    labelled = sorted({int(c) for photo in photos for c in photo.signs[:, 0]})
    found: list[NDArray[np.float64]] = []
    took_ms: list[float] = []
    for photo in photos:
        image = _read(photo.path)
        start = time.perf_counter()
        detections = detector.detect(image)
        took_ms.append((time.perf_counter() - start) * 1e3)
        found.append(_as_rows(d for d in detections if LABELS.index(d.label) in labelled))
    return score([p.signs for p in photos], found, threshold=threshold, took_ms=took_ms)


def score(
    signs: Sequence[NDArray[np.float64]],
    found: Sequence[NDArray[np.float64]],
    *,
    threshold: float,
    took_ms: Sequence[float] = (),
) -> Evaluation:
    """Compare detections with labels.

    Args:
        signs: For each photo (N, 5): class id, x1, y1, x2, y2.
        found: For each photo (M, 6): class id, x1, y1, x2, y2, confidence.
        threshold: Confidence for precision and recall.
        took_ms: Milliseconds that each photo took.
    """
    metric = MeanAveragePrecision()
    metric.update([_supervised(f) for f in found], [_supervised(s) for s in signs])
    result = metric.compute()
    rows = {int(c): ap for c, ap in zip(result.matched_classes, result.ap_per_class, strict=True)}
    classes = sorted({int(c) for s in signs for c in s[:, 0]})
    counts = {c: _counts(signs, found, class_id=c, threshold=threshold) for c in classes}
    per_class = {
        LABELS[c].value: ClassScore(
            signs=counts[c][1],
            ap50=float(rows[c][0]),
            ap50_95=float(np.mean(rows[c])),
            precision=_ratio(counts[c][0], counts[c][2]),
            recall=_ratio(counts[c][0], counts[c][1]),
        )
        for c in classes
    }
    hits, labelled, reported = (sum(c[i] for c in counts.values()) for i in range(3))
    return Evaluation(
        images=len(signs),
        threshold=threshold,
        map50=_mean([c.ap50 for c in per_class.values()]),
        map50_95=_mean([c.ap50_95 for c in per_class.values()]),
        precision=_ratio(hits, reported),
        recall=_ratio(hits, labelled),
        per_class=per_class,
        latency_ms={f"p{p}": float(np.percentile(took_ms or [0.0], p)) for p in (50, 95, 99)},
    )


def read_coco(coco_path: Path, images_dir: Path) -> list[LabelledPhoto]:
    """Read a COCO data set.

    Raises:
        ConfigError: If the file cannot be read, a photo is missing, or no category is ours.
    """
    try:
        data: dict[str, Any] = json.loads(coco_path.read_text(encoding="utf-8"))
        names = {c["id"]: c["name"] for c in data["categories"]}
        records = [(image["id"], images_dir / image["file_name"]) for image in data["images"]]
        annotations = [
            (a["image_id"], names[a["category_id"]], a["bbox"]) for a in data["annotations"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "The annotations cannot be read",
            expected="a COCO file with images, annotations and categories",
            got=f"{coco_path}: {error!r}",
        ) from error
    ours = set(Label)
    if not ours & set(names.values()):
        raise ConfigError(
            "The annotations name none of our classes",
            expected=f"categories called {', '.join(ours)}",
            got=", ".join(names.values()),
        )
    missing = [path for _, path in records if not path.exists()]
    if missing:
        raise ConfigError(
            "Photos are missing", expected=str(missing[0]), got=f"{len(missing)} missing"
        )
    signs: dict[Any, list[tuple[float, ...]]] = {image_id: [] for image_id, _ in records}
    for image_id, name, (x, y, w, h) in annotations:
        if name in ours and image_id in signs:
            signs[image_id].append((LABELS.index(Label(name)), x, y, x + w, y + h))
    return [
        LabelledPhoto(path, np.array(signs[image_id], np.float64).reshape(-1, 5))
        for image_id, path in records
    ]


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ConfigError("A photo cannot be read", got=str(path), fix="check the file")
    return np.asarray(image, np.uint8)


def _as_rows(detections: Iterable[Detection]) -> NDArray[np.float64]:
    rows = [
        (
            LABELS.index(d.label),
            d.box.x,
            d.box.y,
            d.box.x + d.box.width,
            d.box.y + d.box.height,
            d.confidence,
        )
        for d in detections
    ]
    return np.array(rows, np.float64).reshape(-1, 6)


def _supervised(rows: NDArray[np.float64]) -> Detections:
    confidence = rows[:, 5] if rows.shape[1] > 5 else np.ones(len(rows))
    return Detections(xyxy=rows[:, 1:5], confidence=confidence, class_id=rows[:, 0].astype(int))


def _counts(
    signs: Sequence[NDArray[np.float64]],
    found: Sequence[NDArray[np.float64]],
    *,
    class_id: int,
    threshold: float,
) -> tuple[int, int, int]:
    """Return right detections, signs, and detections above the threshold, of one class."""
    hits = labelled = reported = 0
    for truth, guess in zip(signs, found, strict=True):
        boxes = truth[truth[:, 0] == class_id][:, 1:5]
        chosen = guess[(guess[:, 0] == class_id) & (guess[:, 5] >= threshold)]
        chosen = chosen[np.argsort(-chosen[:, 5], kind="stable")]
        labelled, reported = labelled + len(boxes), reported + len(chosen)
        hits += count_matches(boxes, chosen[:, 1:5])
    return hits, labelled, reported


def count_matches(signs: NDArray[np.float64], found: NDArray[np.float64]) -> int:
    """Count the detections that find a sign, each sign once.

    Args:
        signs: (N, 4) x1, y1, x2, y2.
        found: (M, 4), the most confident first.
    """
    if not len(signs) or not len(found):
        return 0
    overlap = np.array(box_iou_batch(found, signs))
    hits = 0
    for row in range(len(found)):
        best = int(np.argmax(overlap[row]))
        if overlap[row, best] >= MATCH_IOU:
            hits += 1
            overlap[:, best] = -1
    return hits


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
