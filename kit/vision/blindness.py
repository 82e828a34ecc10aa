"""Tells a camera that sees from one that only seems to.

A live picture that is the very picture before it, or that shows nothing at all, must not be
taken for a free track. No real sensor gives the same picture twice: its noise never repeats.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from kit.vision.frames import Image

MIN_CONTRAST = 4.0
"""Least spread (standard deviation, 0..255) of a picture's brightness. A covered lens has less
than 1; the darkest pictures of the virtual set at night have 13."""

_LOOK_EVERY_PX = 4
_SMALL = (60, 40)  # averaging to this size leaves what is seen and hides the sensor's noise


class Blindness:
    """Judges the pictures of one live camera, in order."""

    def __init__(self) -> None:
        self._before: npt.NDArray[np.uint8] | None = None

    def of(self, image: Image) -> str | None:
        """Return why a picture shows nothing of the present, or None if it does.

        Args:
            image: ``(H, W, 3)`` uint8, the newest picture of the camera.
        """
        sample = np.ascontiguousarray(image[::_LOOK_EVERY_PX, ::_LOOK_EVERY_PX])
        before, self._before = self._before, sample
        if before is not None and np.array_equal(sample, before):
            return "the camera repeats its picture"
        small = cv2.resize(image, _SMALL, interpolation=cv2.INTER_AREA)
        if float(small.std(axis=(0, 1)).max()) < MIN_CONTRAST:
            return "the picture is empty: is the lens covered?"
        return None
