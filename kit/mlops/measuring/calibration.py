"""Whether a confidence means what it says: of all detections at 0.8, are 80 % right?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kit.mlops.measuring.matching import Ranking

BINS = 10
"""Bins of equal width between 0 and 1."""

LEAST = 0.05
"""Weaker detections are left out: thousands of right guesses that nothing is there."""


@dataclass(frozen=True)
class Bin:
    """Detections of about the same confidence.

    Attributes:
        low: Lower limit.
        high: Upper limit.
        detections: How many.
        confidence: Their mean confidence, 0..1; None if there are none.
        right: Share of them that found a sign, 0..1; None if there are none.
    """

    low: float
    high: float
    detections: int
    confidence: float | None
    right: float | None


@dataclass(frozen=True)
class Calibration:
    """How far confidences can be believed.

    Attributes:
        bins: From 0 to 1.
        error: Expected calibration error: mean distance between confidence and share of right
            ones over the bins, each weighed by its detections; 0 is perfect.
    """

    bins: tuple[Bin, ...]
    error: float


def calibrate(rankings: Iterable[Ranking]) -> Calibration:
    """Sort the detections of the labelled classes into bins by confidence.

    Args:
        rankings: Of the labelled classes; at IoU 0.5.
    """
    every = list(rankings)
    confidence = np.concatenate([np.zeros(0), *(one.confidence for one in every)])
    right = np.concatenate([np.zeros(0, bool), *(one.right for one in every)])
    kept = confidence >= LEAST
    confidence, right = confidence[kept], right[kept]
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = []
    for index in range(BINS):
        here = place == index
        some = bool(here.any())
        bins.append(
            Bin(
                low=index / BINS,
                high=(index + 1) / BINS,
                detections=int(here.sum()),
                confidence=float(confidence[here].mean()) if some else None,
                right=float(right[here].mean()) if some else None,
            )
        )
    return Calibration(tuple(bins), _error(bins))


def _error(bins: Iterable[Bin]) -> float:
    gaps = [
        (one.detections, abs(one.confidence - one.right))
        for one in bins
        if one.confidence is not None and one.right is not None
    ]
    total = sum(detections for detections, _ in gaps)
    return sum(detections * gap for detections, gap in gaps) / total if total else 0.0
