"""Cameras behind OpenCV's ``VideoCapture``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import cv2
import numpy as np

from kit.errors import CameraError
from kit.vision.frames import Picture

Clock = Callable[[cv2.VideoCapture], int]
"""Gives the monotonic time of capture of the picture just grabbed, nanoseconds."""


class CaptureSource:
    """A camera behind ``cv2.VideoCapture``.

    Args:
        capture: Open.
        name: What to call it in messages.
        numbers: Gives each picture its sequence number.
        clock: Gives the monotonic time of capture of the picture just grabbed, nanoseconds.
    """

    def __init__(
        self,
        capture: cv2.VideoCapture,
        *,
        name: str,
        numbers: Iterator[int],
        clock: Clock | None = None,
    ) -> None:
        self._capture = capture
        self._name = name
        self._numbers = numbers
        self._clock = clock or (lambda _capture: time.monotonic_ns())

    def grab(self) -> Picture:
        """Wait for the next picture.

        Raises:
            CameraError: If none comes.
        """
        if self._capture.grab():
            captured_ns, captured_at = self._clock(self._capture), datetime.now(UTC)
            ok, image = self._capture.retrieve()
            if ok:
                pixels = np.asarray(image, np.uint8)
                return Picture(pixels, next(self._numbers), captured_ns, captured_at)
        raise CameraError(
            f"The camera '{self._name}' stopped giving pictures",
            fix="check its cable and its power",
        )

    def close(self) -> None:
        """Let go of the device."""
        self._capture.release()
