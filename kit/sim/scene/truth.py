"""What a perfect detector would say about a picture of the virtual set."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.sim.scene.boards import Board, Truth
from kit.sim.scene.scenery import Thing
from kit.sim.scene.view import Points, View

_SMALLEST_PX = 2.0


def look_for(things: Sequence[Thing], view: View) -> tuple[Truth, ...]:
    """Return what shows of each sign whose front is in the picture, nearest first.

    Args:
        things: What stands in sight, nearest first; nearer things hide farther ones.
        view: The camera.

    Returns:
        A truth for each face with some of it in the picture.
    """
    taken = np.zeros(view.size[::-1], np.uint8)
    found = []
    for thing in things:
        outline = thing.hull(view)
        free = _take(taken, outline)
        if isinstance(thing, Board) and thing.shows_face(view) and free:
            truth = _truth(thing, outline, free, view)
            if min(truth.box[2:]) >= _SMALLEST_PX:
                found.append(truth)
    return tuple(found)


def _take(taken: NDArray[np.uint8], outline: Points) -> int:
    """Mark the pixels of a thing as taken and return how many were free."""
    height, width = taken.shape
    x, y = np.clip(np.floor(outline.min(axis=0)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(outline.max(axis=0)) + 1, 0, (width, height)).astype(int)
    if right <= x or bottom <= y:
        return 0
    shape = np.zeros((bottom - y, right - x), np.uint8)
    cv2.fillPoly(shape, [np.rint(outline - (x, y)).astype(np.int32)], (1,))
    part = taken[y:bottom, x:right]
    free = int(np.count_nonzero(shape > part))
    np.maximum(part, shape, out=part)
    return free


def _truth(board: Board, outline: Points, free: int, view: View) -> Truth:
    low = np.maximum(outline.min(axis=0) + 0.5, 0)
    high = np.minimum(outline.max(axis=0) + 0.5, view.size)
    (x, y), (width, height) = low.tolist(), (high - low).tolist()
    # A filled polygon takes the pixels under its outline too: half of them are too many.
    rim = cv2.arcLength(outline.astype(np.float32), closed=True) / 2
    whole = max(cv2.contourArea(outline.astype(np.float32)) + rim, 1.0)
    return Truth(
        face=board.sign.face,
        label=board.sign.label,
        box=(x, y, width, height),
        distance_m=board.distance(view),
        visible=min(free / whole, 1.0),
    )
