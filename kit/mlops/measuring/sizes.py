"""How well signs of each apparent size are found: far ones are small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kit.events import FRAME_HEIGHT, FRAME_WIDTH
from kit.mlops.measuring.evaluate import score_observations
from kit.mlops.measuring.matching import match
from kit.mlops.measuring.observing import Observation
from kit.vision.frames import MAX_CUT

SIZES_PX = (0.0, 16.0, 32.0, 64.0, float("inf"))
"""Limits of the groups: longer side of a sign in pixels of the 600 x 400 frame."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SizeScore:
    """Figures for the signs of one apparent size.

    Attributes:
        name: Such as ``16-32 px``.
        signs: Labelled signs of this size.
        map50: Mean average precision at IoU 0.5 over these signs, 0..1; None if there are none.
        recall: Share of them found at the threshold, 0..1; None if there are none.
        false_alarms: Detections of this size at the threshold that found no sign.
    """

    name: str
    signs: int
    map50: float | None
    recall: float | None
    false_alarms: int


def frame_scale(width: int, height: int) -> float:
    """Return by how much a picture is scaled when it becomes a frame of 600 x 400.

    Args:
        width: Of the picture, pixels.
        height: Of the picture, pixels.
    """
    across, down = FRAME_WIDTH / width, FRAME_HEIGHT / height
    low, high = sorted((across, down))
    return high if low >= (1 - MAX_CUT) * high else low


def by_size(observations: Sequence[Observation], *, threshold: float) -> tuple[SizeScore, ...]:
    """Measure each group of sizes by itself, the smallest first.

    As in COCO, signs of other sizes, and the detections that found them, count neither way.

    Args:
        observations: What was seen.
        threshold: Confidence for the recall.
    """
    return tuple(_measure(observations, low, high, threshold) for low, high in pairwise(SIZES_PX))


def _measure(
    observations: Sequence[Observation], low: float, high: float, threshold: float
) -> SizeScore:
    group = [_only(one, low, high) for one in observations]
    result = score_observations(group, threshold=threshold)
    signs = sum(one.signs for one in result.per_class.values())
    classes = {int(c) for one in observations for c in one.photo.signs[:, 0]}
    return SizeScore(
        name=_name(low, high),
        signs=signs,
        map50=result.map50 if signs else None,
        recall=result.recall if signs else None,
        false_alarms=sum(_alarms(one, classes, threshold) for one in group),
    )


def _only(one: Observation, low: float, high: float) -> Observation:
    """Keep the signs of a group, and the detections of these or of none."""
    scale = frame_scale(one.width, one.height)
    found_in = _within(one.found[:, 1:5] * scale, low, high)
    signs_in = _within(one.photo.signs[:, 1:5] * scale, low, high)
    matched = match(one.photo.signs, one.found)
    kept = np.array(
        [signs_in[m] if m >= 0 else own for m, own in zip(matched, found_in, strict=True)], bool
    )
    photo = replace(one.photo, signs=one.photo.signs[signs_in])
    return replace(one, photo=photo, found=one.found[kept])


def _within(boxes: _Floats, low: float, high: float) -> NDArray[np.bool_]:
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    return np.asarray((longer >= low) & (longer < high), bool)


def _alarms(one: Observation, classes: set[int], threshold: float) -> int:
    found = one.above(threshold)
    found = found[np.isin(found[:, 0], list(classes))]
    return int((match(one.photo.signs, found) < 0).sum())


def _name(low: float, high: float) -> str:
    if low == 0:
        return f"below {high:g} px"
    return f"{low:g} px and more" if high == float("inf") else f"{low:g} to {high:g} px"
