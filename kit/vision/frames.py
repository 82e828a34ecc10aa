"""Pictures, and their way to the 600 x 400 frame and to JPEG and back.

An image is a ``(H, W, 3)`` uint8 array, BGR, 0..255, rows from the top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from kit.errors import EventError
from kit.events import FRAME_HEIGHT, FRAME_WIDTH

Image = npt.NDArray[np.uint8]
"""A ``(H, W, 3)`` uint8 picture, BGR."""

JPEG_QUALITY = 85
"""Quality of a frame's JPEG unless asked otherwise, 0..100."""

PADDING = 114
"""Grey, 0..255, of what a picture does not cover; the model was trained with it."""

MAX_CUT = 0.2
"""The largest part of a side that :func:`fit_frame` cuts away; see docs/adr/0003-frame-size.md."""

_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of a camera.

    Attributes:
        image: ``(H, W, 3)`` uint8, BGR, in the camera's own size.
        sequence: Position in the camera's own stream, from 0; grows, and has gaps where
            pictures were passed over.
        captured_ns: Monotonic time of capture, nanoseconds.
        captured_at: The same moment on the wall clock, with its zone.
        truth: What the virtual set knows about the signs in view; empty for other cameras.
    """

    image: Image
    sequence: int
    captured_ns: int
    captured_at: datetime
    truth: tuple[Mapping[str, Any], ...] = ()


def fit_frame(image: Image) -> Image:
    """Bring a picture to 600 x 400 without stretching it.

    The picture fills the frame and its edges are cut, as long as at most a fifth of one side
    is lost (4:3 loses 11 %, 16:9 loses 16 %). Narrower and wider pictures are shown whole,
    with grey beside them.

    Args:
        image: ``(H, W, 3)`` uint8, BGR, any size.

    Returns:
        ``(400, 600, 3)`` uint8, BGR, contiguous; the same array if it already fits.
    """
    height, width = image.shape[:2]
    if (width, height) == (FRAME_WIDTH, FRAME_HEIGHT):
        return np.ascontiguousarray(image)
    across, down = FRAME_WIDTH / width, FRAME_HEIGHT / height
    if min(across, down) >= (1 - MAX_CUT) * max(across, down):
        return resize(_cut(image, max(across, down)), FRAME_WIDTH, FRAME_HEIGHT)
    return _letterbox(image, min(across, down))


def resize(image: Image, width: int, height: int) -> Image:
    """Scale a picture: halve it as often as possible, then interpolate.

    No thin line is lost, and it takes a tenth of the time of averaging areas.

    Args:
        image: ``(H, W, 3)`` uint8.
        width: New width in pixels.
        height: New height in pixels.

    Returns:
        ``(height, width, 3)`` uint8.
    """
    while image.shape[1] >= 2 * width and image.shape[0] >= 2 * height:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, (width, height)), np.uint8)


def encode_jpeg(image: Image, quality: int = JPEG_QUALITY) -> bytes:
    """Encode a picture.

    Args:
        image: ``(H, W, 3)`` uint8, BGR.
        quality: JPEG quality, 0..100.

    Returns:
        The bytes of a JPEG file.
    """
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()


def decode_jpeg(data: bytes) -> Image:
    """Decode a frame's JPEG.

    Args:
        data: The bytes of a whole JPEG file.

    Returns:
        ``(H, W, 3)`` uint8, BGR.

    Raises:
        EventError: If the bytes are no JPEG, or were cut off.
    """
    # OpenCV paints what is missing of a cut-off JPEG grey and says nothing.
    whole = data.startswith(_JPEG_START) and data.rstrip(b"\0").endswith(_JPEG_END)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if whole else None
    if image is None:
        raise EventError(
            "This frame's image cannot be decoded",
            expected="a whole JPEG (ff d8 ff ... ff d9)",
            got=f"{len(data)} bytes: {data[:3].hex(' ')} ... {data[-2:].hex(' ')}",
        )
    return np.asarray(image, np.uint8)


def _cut(image: Image, scale: float) -> Image:
    height, width = image.shape[:2]
    keep_x = min(width, round(FRAME_WIDTH / scale))
    keep_y = min(height, round(FRAME_HEIGHT / scale))
    left, top = (width - keep_x) // 2, (height - keep_y) // 2
    return image[top : top + keep_y, left : left + keep_x]


def _letterbox(image: Image, scale: float) -> Image:
    width = max(1, round(image.shape[1] * scale))
    height = max(1, round(image.shape[0] * scale))
    left, top = (FRAME_WIDTH - width) // 2, (FRAME_HEIGHT - height) // 2
    frame = np.full((FRAME_HEIGHT, FRAME_WIDTH, 3), PADDING, np.uint8)
    frame[top : top + height, left : left + width] = resize(image, width, height)
    return frame
