"""How alike two pictures look: a fingerprint of 64 bits, of which alike pictures share most."""

from __future__ import annotations

import cv2
import numpy as np

from kit.vision.frames import Image

BITS = 64
"""Length of a fingerprint."""

_GRID = (9, 8)


def fingerprint(image: Image) -> int:
    """Return a picture's difference hash: whether it grows brighter to the right, place by place.

    Brightness, contrast and noise hardly change it; another view does.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.

    Returns:
        64 bits, rows from the top.
    """
    grey = cv2.cvtColor(cv2.resize(image, _GRID, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    brighter = grey[:, 1:] > grey[:, :-1]
    return int.from_bytes(np.packbits(brighter).tobytes(), "big")


def differing_bits(one: int, other: int) -> int:
    """Return in how many of 64 bits two fingerprints differ; unrelated pictures: about 32."""
    return (one ^ other).bit_count()
