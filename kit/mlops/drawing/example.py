"""What a training picture is: its signs, their boxes, and which of them count."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.mlops.drawing.placing import Image, Placed, Scene
from kit.mlops.drawing.signs import OTHER

Box = tuple[float, float, float, float]

EDGE_PX = 320
"""Edge length of a training picture."""

LABEL_MARGIN = 1.10
"""Boxes are this much larger than the silhouette, as people draw them."""

MIN_VISIBLE = 0.22
"""Signs of which less is seen are neither to be found nor to be missed."""

MIN_INSIDE = 0.6
"""Signs of which less lies inside the picture are neither to be found nor to be missed."""

FAINTEST = 2.5
"""Signs whose picture varies by less than this many grey levels count neither way."""

MAX_YAW_DEG = 79.0
"""Signs turned further are neither to be found nor to be missed."""


@dataclass(frozen=True)
class Example:
    """One training picture.

    Attributes:
        image: BGR (320, 320, 3) uint8.
        boxes: (N, 4) float32, x1, y1, x2, y2 in pixels.
        classes: (N,) int64, class ids; 3 is any other sign.
        ignored: (N,) bool, signs that can hardly be seen and count neither way.
    """

    image: Image
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    ignored: NDArray[np.bool_]


def make_example(
    image: Image,
    boxes: list[Box],
    classes: list[int],
    ignored: list[bool],
    *,
    faintest: float = FAINTEST,
) -> Example:
    """Make an example, in which signs that the light swallowed do not count.

    Args:
        image: BGR (320, 320, 3) uint8.
        boxes: x1, y1, x2, y2 in pixels, a sign each.
        classes: Class ids.
        ignored: Which signs count neither way.
        faintest: Grey levels by which a sign must vary to count.
    """
    faint = [is_faint(image, box, faintest=faintest) for box in boxes]
    return Example(
        image=image,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.array(classes, np.int64),
        ignored=np.array(ignored, bool) | np.array(faint, bool),
    )


def is_faint(image: Image, box: Box, *, faintest: float = FAINTEST) -> bool:
    """Return whether the light left nothing to see of a sign.

    Args:
        image: BGR (H, W, 3) uint8.
        box: x1, y1, x2, y2 in pixels; it may reach out of the picture.
        faintest: Grey levels by which it must vary.
    """
    x1, y1, x2, y2 = (round(v) for v in box)
    patch = image[max(y1, 0) : y2 + 1, max(x1, 0) : x2 + 1].mean(axis=2)
    if patch.size == 0:  # less than half a pixel of it is in the picture
        return True
    edge = min(8, *patch.shape)
    coarse = cv2.resize(patch, (edge, edge), interpolation=cv2.INTER_AREA)  # averages the noise
    return bool(coarse.std() < faintest)


def label_scene(
    scene: Scene, image: Image, *, least_visible: float = MIN_VISIBLE, faintest: float = FAINTEST
) -> Example:
    """Read the boxes off a scene.

    Args:
        scene: Its signs, and who is seen where.
        image: The scene as a camera sees it, BGR (320, 320, 3) uint8.
        least_visible: Share of a sign that must be seen for it to count, 0..1.
        faintest: Grey levels by which a sign must vary to count.
    """
    counts = np.bincount(scene.owner[scene.owner >= 0], minlength=len(scene.placed))
    kept = [(p, c) for p, c in zip(scene.placed, counts, strict=True) if c > 0]
    return make_example(
        image,
        [loosened(p.box) for p, _ in kept],
        [p.class_id for p, _ in kept],
        [_hardly_seen(p, int(c), least_visible) for p, c in kept],
        faintest=faintest,
    )


def _hardly_seen(sign: Placed, visible_px: int, least_visible: float) -> bool:
    least = least_visible if sign.class_id != OTHER else least_visible / 2
    too_little = visible_px < max(least * sign.area, 20)
    return mostly_outside(sign.box) or too_little or abs(sign.yaw) > MAX_YAW_DEG


def mostly_outside(box: Box) -> bool:
    """Return whether too little of a box (x1, y1, x2, y2) lies in the picture to count."""
    x1, y1, x2, y2 = box
    wide = min(x2, EDGE_PX) - max(x1, 0)
    tall = min(y2, EDGE_PX) - max(y1, 0)
    return wide * tall < MIN_INSIDE * (x2 - x1) * (y2 - y1)


def loosened(box: Box) -> Box:
    """Widen a silhouette's box as people draw them, and cut it at the picture's edge."""
    x1, y1, x2, y2 = box
    more_x, more_y = (x2 - x1) * (LABEL_MARGIN - 1) / 2, (y2 - y1) * (LABEL_MARGIN - 1) / 2
    return (
        max(x1 - more_x, 0.0),
        max(y1 - more_y, 0.0),
        min(x2 + more_x, float(EDGE_PX)),
        min(y2 + more_y, float(EDGE_PX)),
    )
