"""Measure any detector on labelled photos: mAP, precision, recall, and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from supervision import Detections
from supervision.metrics import MeanAveragePrecision

from kit.events import LABELS
from kit.mlops.measuring.labelled import LabelledPhoto, read_coco
from kit.mlops.measuring.matching import MATCH_IOU, count_matches
from kit.mlops.measuring.observing import FindsSigns, Observation, observe
from kit.mlops.measuring.timing import frames_of, percentiles, time_frames

__all__ = [
    "MATCH_IOU",
    "ClassScore",
    "Evaluation",
    "FindsSigns",
    "LabelledPhoto",
    "count_matches",
    "evaluate",
    "read_coco",
    "score",
    "score_observations",
]

_Floats = NDArray[np.float64]


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


def evaluate(
    detector: FindsSigns, coco_path: Path, images_dir: Path, *, threshold: float = 0.5
) -> Evaluation:
    """Run a detector over a COCO data set and compare.

    Classes that the data set does not label are left out, so that a true STOP sign which nobody
    labelled is no false alarm. Time is that of a frame: the photos, brought to 600 x 400.

    Args:
        detector: Must report weak detections too (confidence 0.01 or so), or the average
            precision comes out too low.
        coco_path: COCO annotations; categories are matched to classes by name.
        images_dir: Folder of the photos.
        threshold: Confidence for precision and recall.

    Raises:
        ConfigError: If the annotations cannot be read, or name no class of ours.
        CameraError: If a photo cannot be read.
    """
    photos = read_coco(coco_path, images_dir)
    observations = observe(detector, photos)
    took = time_frames({"": detector}, frames_of(photos))[""]
    return score_observations(observations, threshold=threshold, took_ms=took)


def score_observations(
    observations: Sequence[Observation], *, threshold: float, took_ms: Sequence[float] = ()
) -> Evaluation:
    """Compare what was seen with what is labelled; see :func:`score`."""
    signs, found = [o.photo.signs for o in observations], [o.found for o in observations]
    return score(signs, found, threshold=threshold, took_ms=took_ms)


def score(
    signs: Sequence[_Floats],
    found: Sequence[_Floats],
    *,
    threshold: float,
    took_ms: Sequence[float] = (),
) -> Evaluation:
    """Compare detections with labels; those of classes that nobody labelled are left out.

    Args:
        signs: For each photo (N, 5): class id, x1, y1, x2, y2.
        found: For each photo (M, 6): class id, x1, y1, x2, y2, confidence.
        threshold: Confidence for precision and recall.
        took_ms: Milliseconds of calls of the detector.
    """
    classes = sorted({int(c) for s in signs for c in s[:, 0]})
    found = [f[np.isin(f[:, 0], classes)] for f in found]
    metric = MeanAveragePrecision()
    metric.update([_supervised(f) for f in found], [_supervised(s) for s in signs])
    result = metric.compute()
    rows = {int(c): ap for c, ap in zip(result.matched_classes, result.ap_per_class, strict=True)}
    counts = {c: _counts(signs, found, class_id=c, threshold=threshold) for c in classes}
    per_class = {
        LABELS[c].value: ClassScore(
            signs=counts[c][1],
            ap50=float(rows[c][0]),
            ap50_95=float(np.mean(rows[c])),
            precision=ratio(counts[c][0], counts[c][2]),
            recall=ratio(counts[c][0], counts[c][1]),
        )
        for c in classes
    }
    hits, labelled, reported = (sum(c[i] for c in counts.values()) for i in range(3))
    return Evaluation(
        images=len(signs),
        threshold=threshold,
        map50=_mean([c.ap50 for c in per_class.values()]),
        map50_95=_mean([c.ap50_95 for c in per_class.values()]),
        precision=ratio(hits, reported),
        recall=ratio(hits, labelled),
        per_class=per_class,
        latency_ms=percentiles(took_ms),
    )


def ratio(part: int, whole: int) -> float:
    """Return a share; of nothing, all is right."""
    return part / whole if whole else 1.0


def _supervised(rows: _Floats) -> Detections:
    confidence = rows[:, 5] if rows.shape[1] > 5 else np.ones(len(rows))
    return Detections(xyxy=rows[:, 1:5], confidence=confidence, class_id=rows[:, 0].astype(int))


def _counts(
    signs: Sequence[_Floats], found: Sequence[_Floats], *, class_id: int, threshold: float
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


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
