"""Contact sheets: many drawn pictures on one, with their boxes, for people to look at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.mlops.drawing.example import Example
from kit.mlops.drawing.scene import World, draw_example
from kit.mlops.drawing.signs import CLASSES

_COLOURS = ((60, 60, 255), (0, 215, 255), (255, 60, 255), (255, 200, 0))  # by class id, BGR
_IGNORED = (150, 150, 150)


def contact_sheet(
    *, world: World = "lego", seed: int = 1, count: int = 24, columns: int = 6
) -> NDArray[np.uint8]:
    """Draw the first pictures of a set side by side.

    Args:
        world: Which signs, and where they stand.
        seed: Of the set.
        count: How many pictures.
        columns: How many beside each other.

    Returns:
        BGR picture (rows * 320, columns * 320, 3) uint8; boxes are red for speed limits, yellow
        for danger signs, pink for stops, blue for other signs, and grey where a sign counts
        neither way.
    """
    pictures = [with_boxes(draw_example(seed, index, world=world)) for index in range(count)]
    blank = np.zeros_like(pictures[0])
    pictures += [blank] * (-count % columns)
    rows = [np.hstack(pictures[i : i + columns]) for i in range(0, len(pictures), columns)]
    return np.vstack(rows)


def with_boxes(example: Example) -> NDArray[np.uint8]:
    """Return an example's picture with the boxes of its signs."""
    image = example.image.copy()
    for box, class_id, ignored in zip(example.boxes, example.classes, example.ignored, strict=True):
        x1, y1, x2, y2 = (round(float(v)) for v in box)
        colour = _IGNORED if ignored else _COLOURS[min(int(class_id), len(CLASSES))]
        cv2.rectangle(image, (x1, y1), (x2, y2), colour, 1)
    return image
