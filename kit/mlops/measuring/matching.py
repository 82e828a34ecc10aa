"""Which detection found which sign, and the average precision that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from supervision import box_iou_batch

from kit.events import LABELS, Label
from kit.mlops.measuring.observing import Observation

MATCH_IOU = 0.5
"""A detection that overlaps a sign of its class at least this much has found it."""

RECALL_POINTS = np.linspace(0, 1, 101)
"""Recalls at which precision is read off for an average precision, as COCO does."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """All detections of one class over a set of photos, the surest first.

    Attributes:
        photo: Index of each detection's photo, (M,) integers.
        confidence: Of each detection, (M,) float64, falling.
        right: Whether it found a sign that no surer one had found, (M,) bool.
        signs: Signs of the class in each photo, (P,) integers.
    """

    photo: NDArray[np.intp]
    confidence: _Floats
    right: NDArray[np.bool_]
    signs: NDArray[np.intp]

    def average_precision(self, draws: NDArray[np.intp] | None = None) -> _Floats:
        """Average the precision over 101 recalls, at IoU 0.5.

        Args:
            draws: How often each photo counts, (B, P) integers for B samples of the photos;
                each once if None.

        Returns:
            (B,) float64 in 0..1; not a number where a sample holds no sign of the class.
        """
        times = np.ones((1, len(self.signs)), np.intp) if draws is None else draws
        recall, precision = self._curves(times)
        read_off = [
            _at_recalls(r, p, RECALL_POINTS) for r, p in zip(recall, precision, strict=True)
        ]
        averages = np.array(read_off).reshape(len(times), -1).mean(axis=1)
        return np.where(times @ self.signs > 0, averages, np.nan)

    def curve(self) -> _Floats:
        """Return the best precision at each of the 101 recalls or beyond, (101,) float64."""
        recall, precision = self._curves(np.ones((1, len(self.signs)), np.intp))
        return _at_recalls(recall[0], precision[0], RECALL_POINTS)

    def _curves(self, times: NDArray[np.intp]) -> tuple[_Floats, _Floats]:
        weights = times[:, self.photo]
        hits = np.cumsum(weights * self.right, axis=1)
        seen = np.cumsum(weights, axis=1)
        signs = np.maximum(times @ self.signs, 1)[:, None]
        return hits / signs, hits / np.maximum(seen, 1)


def rank(observations: Sequence[Observation]) -> dict[Label, Ranking]:
    """Rank the detections of each class that is labelled anywhere.

    Args:
        observations: What was seen in each photo.
    """
    matched = [match(o.photo.signs, o.found) for o in observations]
    return {label: _rank_class(observations, matched, LABELS.index(label))
            for label in labelled(observations)}  # fmt: skip


def labelled(observations: Sequence[Observation]) -> tuple[Label, ...]:
    """Return the classes of which some photo has a labelled sign, by class id."""
    ids = sorted({int(c) for o in observations for c in o.photo.signs[:, 0]})
    return tuple(LABELS[class_id] for class_id in ids)


def match(signs: _Floats, found: _Floats) -> NDArray[np.intp]:
    """Tell which sign each detection found; a sign is found once, by the surest.

    Args:
        signs: (N, 5) class id, x1, y1, x2, y2.
        found: (M, 6) class id, x1, y1, x2, y2, confidence, the surest first.

    Returns:
        (M,) rows of ``signs``, -1 where a detection found none.
    """
    overlap = overlaps(found[:, 1:5], signs[:, 1:5])
    overlap[found[:, :1] != signs[:, 0][None]] = -1
    return assign(overlap)


def assign(overlap: _Floats) -> NDArray[np.intp]:
    """Give each row, in order, the free column that it overlaps most, at least `MATCH_IOU`.

    Args:
        overlap: (M, N) intersection over union; changed in place.

    Returns:
        (M,) columns, -1 for none.
    """
    taken = np.full(len(overlap), -1, np.intp)
    for row in range(len(overlap) if overlap.shape[1] else 0):
        best = int(np.argmax(overlap[row]))
        if overlap[row, best] >= MATCH_IOU:
            taken[row] = best
            overlap[:, best] = -1
    return taken


def count_matches(signs: _Floats, found: _Floats) -> int:
    """Count the detections that find a sign, each sign once.

    Args:
        signs: (N, 4) x1, y1, x2, y2.
        found: (M, 4), the most confident first.
    """
    return int((assign(overlaps(found, signs)) >= 0).sum())


def overlaps(some: _Floats, others: _Floats) -> _Floats:
    """Return the intersection over union of each of some boxes with each of the others.

    Args:
        some: (M, 4) x1, y1, x2, y2.
        others: (N, 4) x1, y1, x2, y2.

    Returns:
        (M, N) float64, 0..1.
    """
    if not len(some) or not len(others):
        return np.zeros((len(some), len(others)))
    return np.array(box_iou_batch(some, others), np.float64)


def _rank_class(
    observations: Sequence[Observation], matched: Sequence[NDArray[np.intp]], class_id: int
) -> Ranking:
    rows = [o.found[:, 0] == class_id for o in observations]
    photo = np.repeat(np.arange(len(rows)), [int(row.sum()) for row in rows])
    confidence = np.concatenate([o.found[r, 5] for o, r in zip(observations, rows, strict=True)])
    right = np.concatenate([m[r] >= 0 for m, r in zip(matched, rows, strict=True)])
    signs = np.array([int((o.photo.signs[:, 0] == class_id).sum()) for o in observations], np.intp)
    order = np.argsort(-confidence, kind="stable")
    return Ranking(photo[order], confidence[order], right[order], signs)


def _at_recalls(recall: _Floats, precision: _Floats, points: _Floats) -> _Floats:
    """Read a curve off: the best precision at each recall or beyond, 0 where it never comes."""
    if not len(recall):
        return np.zeros_like(points)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(recall, points, side="left")
    reached = place < len(recall)
    return np.where(reached, best_from_here[np.minimum(place, len(recall) - 1)], 0.0)
