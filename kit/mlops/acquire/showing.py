"""Annotated photos as pictures for people."""

from __future__ import annotations

import cv2

from kit.events import LABELS, Box, Detection
from kit.mlops.acquire.annotated import Photo
from kit.vision.frames import Image
from kit.vision.overlay import draw
from kit.vision.photos import read_photo

_GREYS = {True: (110, 110, 110), False: (230, 230, 230)}  # ignored, other; BGR


def picture_of(photo: Photo) -> Image:
    """Draw a photo's boxes on it.

    Args:
        photo: Of an annotated set.

    Returns:
        BGR (H, W, 3) uint8, upright. Signs of our classes have their colours and names, other
        signs a light grey box, and what counts neither way a dark one.

    Raises:
        CameraError: If the photo cannot be read.
    """
    image = read_photo(photo.path)
    ours = []
    for sign in photo.signs:
        x1, y1, x2, y2 = sign.box
        if sign.class_id is None:
            corners = (round(x1), round(y1)), (round(x2), round(y2))
            cv2.rectangle(image, *corners, _GREYS[sign.ignored], 2)
        else:
            box = Box(x1, y1, x2 - x1, y2 - y1)
            ours.append(Detection(label=LABELS[sign.class_id], confidence=1.0, box=box))
    return draw(image, ours)
