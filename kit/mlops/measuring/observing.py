"""One pass of a detector over labelled photos: what it saw, for every figure that follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kit.events import LABELS, Box, Detection
from kit.mlops.measuring.labelled import LabelledPhoto
from kit.vision.frames import Image

WEAKEST = 0.01
"""Confidence from which detections count towards average precision."""

_Floats = NDArray[np.float64]


class FindsSigns(Protocol):
    """Anything that finds signs in a picture."""

    def detect(self, image_bgr: Image, /) -> Sequence[Detection]:
        """Return the signs in a BGR picture (H, W, 3) uint8, boxes in its pixels."""
        ...


@dataclass(frozen=True, eq=False)
class Observation:
    """What a detector saw in one photo.

    Attributes:
        photo: The photo and its signs.
        width: Of the photo, pixels.
        height: Of the photo, pixels.
        found: (M, 6) float64: class id, x1, y1, x2, y2 in pixels, confidence; the surest first.
    """

    photo: LabelledPhoto
    width: int
    height: int
    found: _Floats

    def above(self, threshold: float) -> _Floats:
        """Return the detections from a confidence on, (K, 6) float64."""
        return self.found[self.found[:, 5] >= threshold]


def observe(detector: FindsSigns, photos: Iterable[LabelledPhoto]) -> list[Observation]:
    """Let a detector look at photos.

    Args:
        detector: Should report weak detections too, from `WEAKEST` on: they make the curves.
        photos: Read one after the other; none is kept.

    Raises:
        CameraError: If a photo cannot be read.
    """
    return [observe_photo(detector, photo) for photo in photos]


def observe_photo(detector: FindsSigns, photo: LabelledPhoto) -> Observation:
    """Let a detector look at one photo; see :func:`observe`."""
    image = photo.read()
    rows = as_rows(detector.detect(image))
    kept = outside(rows, photo.ignored, signs=photo.signs)
    return Observation(photo, image.shape[1], image.shape[0], kept)


def as_rows(detections: Iterable[Detection]) -> _Floats:
    """Return detections as (M, 6): class id, x1, y1, x2, y2, confidence, the surest first."""
    rows = [(LABELS.index(d.label), *corners_of(d.box), d.confidence) for d in detections]
    found = np.array(rows, np.float64).reshape(-1, 6)
    return found[np.argsort(-found[:, 5], kind="stable")]


def as_detections(found: _Floats) -> tuple[Detection, ...]:
    """Turn rows of :func:`as_rows` back into detections, for drawing."""
    return tuple(
        Detection(
            label=LABELS[int(class_id)],
            confidence=confidence,
            box=Box(x1, y1, x2 - x1, y2 - y1),
        )
        for class_id, x1, y1, x2, y2, confidence in found.tolist()
    )


def corners_of(box: Box) -> tuple[float, float, float, float]:
    """Return a box's x1, y1, x2, y2."""
    return box.x, box.y, box.x + box.width, box.y + box.height


def outside(found: _Floats, ignored: _Floats, *, signs: _Floats) -> _Floats:
    """Drop detections of signs that count neither way.

    Args:
        found: (M, 6) as in an observation.
        ignored: (K, 4) x1, y1, x2, y2; a detection whose middle lies in one is dropped,
        signs: (N, 5) unless its middle also lies in one of these, which count.
    """
    middles = (found[:, 1:3] + found[:, 3:5]) / 2
    return found[~_inside(middles, ignored) | _inside(middles, signs[:, 1:5])]


def _inside(points: _Floats, boxes: _Floats) -> NDArray[np.bool_]:
    low, high = boxes[None, :, :2], boxes[None, :, 2:]
    within = ((points[:, None] > low) & (points[:, None] < high)).all(axis=2)
    return np.asarray(np.any(within, axis=1), bool)
