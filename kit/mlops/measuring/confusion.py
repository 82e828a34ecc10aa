"""What was taken for what: our classes, and other signs where they are labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kit.events import LABELS
from kit.mlops.measuring.matching import assign, labelled, overlaps
from kit.mlops.measuring.observing import Observation

NOTHING = "nothing"
"""Row of detections where nothing is labelled, column of signs that were not found."""


@dataclass(frozen=True)
class Confusion:
    """How often what stands there (a row) was taken for what (a column), at the threshold.

    Attributes:
        rows: Labelled classes, other labelled signs, `NOTHING`.
        columns: All classes of the model, `NOTHING`.
        counts: For each row, the number in each column. Of the row `NOTHING` the counts are
            false alarms; classes that nobody labelled are 0 there, since nobody knows.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def confuse(observations: Sequence[Observation], *, threshold: float) -> Confusion:
    """Match detections and signs whatever their classes, at IoU 0.5, and count.

    Args:
        observations: What was seen.
        threshold: Confidence from which a detection counts.
    """
    ours = labelled(observations)
    others = sorted({other.name for o in observations for other in o.photo.others})
    rows = (*(label.value for label in ours), *others, NOTHING)
    columns = (*(label.value for label in LABELS), NOTHING)
    counts = np.zeros((len(rows), len(columns)), int)
    for one in observations:
        found = one.above(threshold)
        names, boxes = _labels(one)
        pairs = assign(overlaps(found[:, 1:5], boxes))
        for (class_id, *_), sign in zip(found.tolist(), pairs.tolist(), strict=True):
            if sign >= 0:
                counts[rows.index(names[sign]), int(class_id)] += 1
            elif LABELS[int(class_id)] in ours:
                counts[-1, int(class_id)] += 1
        for sign in set(range(len(names))) - set(pairs.tolist()):
            counts[rows.index(names[sign]), -1] += 1
    return Confusion(rows, columns, tuple(tuple(row) for row in counts.tolist()))


def _labels(one: Observation) -> tuple[list[str], NDArray[np.float64]]:
    names = [LABELS[int(class_id)].value for class_id in one.photo.signs[:, 0]]
    names += [other.name for other in one.photo.others]
    more = np.array([other.corners for other in one.photo.others], float).reshape(-1, 4)
    return names, np.concatenate([one.photo.signs[:, 1:5], more])
