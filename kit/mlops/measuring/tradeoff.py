"""What a threshold trades: precision against recall, and where both together are best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kit.events import Label
from kit.mlops.measuring.evaluate import ratio
from kit.mlops.measuring.matching import RECALL_POINTS, Ranking

THRESHOLDS = tuple(float(t) for t in np.linspace(0.02, 0.98, 49).round(2))
"""Confidences at which precision, recall and F1 are told."""


@dataclass(frozen=True)
class Curve:
    """Precision over recall, of one class.

    Attributes:
        recall: 0, 0.01 ... 1.
        precision: The best at each recall or beyond, 0..1; their mean is the average precision.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]


@dataclass(frozen=True)
class Point:
    """What one threshold gives, all classes together.

    Attributes:
        threshold: Confidence from which a detection counts.
        precision: Share of the detections that are right, 0..1.
        recall: Share of the signs that are found, 0..1.
        f1: Harmonic mean of the two, 0..1.
    """

    threshold: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Tradeoff:
    """The choice of a threshold.

    Attributes:
        points: At each of `THRESHOLDS`.
        shipped: At the model's own threshold.
        best: The point of the highest F1; in the middle of several.
    """

    points: tuple[Point, ...]
    shipped: Point
    best: Point


def curves(rankings: Mapping[Label, Ranking]) -> dict[str, Curve]:
    """Return each class's curve, by class name."""
    recall = tuple(RECALL_POINTS.round(2).tolist())
    return {
        label.value: Curve(recall, tuple(one.curve().tolist())) for label, one in rankings.items()
    }


def trade_off(rankings: Mapping[Label, Ranking], *, threshold: float) -> Tradeoff:
    """Try every threshold.

    Args:
        rankings: Of the labelled classes.
        threshold: The model's own.
    """
    every = list(rankings.values())
    points = tuple(_point(every, t) for t in THRESHOLDS)
    highest = max(point.f1 for point in points)
    best = [point for point in points if point.f1 == highest]
    return Tradeoff(points, _point(every, threshold), best[len(best) // 2])


def _point(rankings: Sequence[Ranking], threshold: float) -> Point:
    chosen = [one.confidence >= threshold for one in rankings]
    reported = sum(int(c.sum()) for c in chosen)
    hits = sum(int(one.right[c].sum()) for one, c in zip(rankings, chosen, strict=True))
    signs = sum(int(one.signs.sum()) for one in rankings)
    both = reported + signs
    return Point(
        threshold, ratio(hits, reported), ratio(hits, signs), 2 * hits / both if both else 1.0
    )
