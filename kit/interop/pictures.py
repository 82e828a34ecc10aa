"""Pictures and boxes between the kit's frames and the older demo's squares."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kit.errors import EventError
from kit.events import FRAME_HEIGHT, FRAME_WIDTH, Box, Frame
from kit.interop.formats import SQUARE
from kit.vision.frames import MAX_CUT, Image, decode_jpeg, encode_jpeg, fit_frame

WEBP_QUALITY = 80
"""Quality of the WebP pictures that are sent to them, as they make them themselves."""


@dataclass(frozen=True)
class Fit:
    """How a picture was brought into a frame: scaled, then moved.

    Attributes:
        factor: Frame pixels for each pixel of the picture.
        left: Frame pixels at the left of the picture's left edge; below 0 if it was cut.
        top: Frame pixels above the picture's top edge; below 0 if it was cut.
    """

    factor: float = 1.0
    left: float = 0.0
    top: float = 0.0

    @classmethod
    def of(cls, width: int, height: int) -> Fit:
        """Tell how :func:`~kit.vision.frames.fit_frame` treats a picture of that size.

        Args:
            width: Pixels.
            height: Pixels.
        """
        across, down = FRAME_WIDTH / width, FRAME_HEIGHT / height
        cut = min(across, down) >= (1 - MAX_CUT) * max(across, down)
        factor = max(across, down) if cut else min(across, down)
        return cls(factor, (FRAME_WIDTH - factor * width) / 2, (FRAME_HEIGHT - factor * height) / 2)

    def box(self, box: Box) -> Box | None:
        """Move a box from the picture into the frame.

        Returns:
            What of it lies in the frame; None if nothing does.
        """
        left, top = box.x * self.factor + self.left, box.y * self.factor + self.top
        right, bottom = left + box.width * self.factor, top + box.height * self.factor
        left, top = max(0.0, left), max(0.0, top)
        right, bottom = min(float(FRAME_WIDTH), right), min(float(FRAME_HEIGHT), bottom)
        return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None


def to_square(box: Box, *, scale: float) -> tuple[float, float, float, float]:
    """Express a box of a picture in their 640-pixel square."""
    return (box.x / scale, box.y / scale, box.width / scale, box.height / scale)


def scale_of(width: int, height: int) -> float:
    """Return their ``scale`` of a picture: its pixels for each pixel of the square."""
    return max(width, height) / SQUARE


def decode_webp(image: bytes) -> Image:
    """Decode a picture, WebP or whatever else OpenCV knows.

    Raises:
        EventError: If it is none.
    """
    found = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR) if image else None
    if found is None:
        raise EventError(
            "This is not a picture of the older demo", expected="WebP", got=f"{len(image)} bytes"
        )
    return np.asarray(found, np.uint8)


def encode_webp(image: Image) -> bytes:
    """Encode a picture, ``(H, W, 3)`` uint8 BGR, as WebP."""
    done, encoded = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
    if not done:  # only for a picture of no size
        raise EventError("A picture could not be written as WebP", got=str(image.shape))
    return encoded.tobytes()


def frame_to_webp(frame: Frame) -> bytes:
    """Turn a frame's JPEG into WebP.

    Raises:
        EventError: If the JPEG is torn.
    """
    return encode_webp(decode_jpeg(frame.image))


def webp_to_frame(image: bytes) -> tuple[bytes, Fit]:
    """Turn their picture into a frame's JPEG.

    Returns:
        The JPEG of 600 x 400 pixels, and how the picture was fitted into it.

    Raises:
        EventError: If it is no picture.
    """
    picture = decode_webp(image)
    height, width = picture.shape[:2]
    return encode_jpeg(fit_frame(picture)), Fit.of(width, height)
