"""What is measured of every frame, to see whether the world has changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2

from kit.events import Detection
from kit.vision.frames import Image


class Look(NamedTuple):
    """How a picture looks.

    Attributes:
        brightness: Mean grey level, 0..255.
        contrast: Standard deviation of the grey levels, 0..128.
        sharpness: Decimal logarithm of the variance of the Laplacian; less is more blurred.
    """

    brightness: float
    contrast: float
    sharpness: float


def look_of(image: Image) -> Look:
    """Measure a picture.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(grey))
    _, rough = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return Look(mean, deviation, math.log10(1 + float(rough[0, 0]) ** 2))


class Figures(NamedTuple):
    """What is known of one frame; each figure has none, one or several values.

    Attributes:
        brightness: As in `Look`.
        contrast: As in `Look`.
        sharpness: As in `Look`.
        confidence: Mean over the detections that count; none if there are none.
        detections: How many count.
        doubtful: 1 if there was a reason to doubt, else 0.
        box_side: Square root of each box's area, pixels.
    """

    brightness: tuple[float, ...]
    contrast: tuple[float, ...]
    sharpness: tuple[float, ...]
    confidence: tuple[float, ...]
    detections: tuple[float, ...]
    doubtful: tuple[float, ...]
    box_side: tuple[float, ...]


def figures_of(look: Look, seen: Sequence[Detection], *, doubtful: bool) -> Figures:
    """Gather a frame's figures.

    Args:
        look: How the picture looks.
        seen: The detections that count.
        doubtful: Whether there was a reason to doubt.
    """
    count = len(seen)
    return Figures(
        brightness=(look.brightness,),
        contrast=(look.contrast,),
        sharpness=(look.sharpness,),
        confidence=(sum(d.confidence for d in seen) / count,) if seen else (),
        detections=(float(count),),
        doubtful=(float(doubtful),),
        box_side=tuple(math.sqrt(d.box.width * d.box.height) for d in seen),
    )
