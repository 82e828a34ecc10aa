"""Many small things of the same shape along a track, projected all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kit.sim.scene.lights import Gain
from kit.sim.scene.view import Points, View, fixed

NEAREST_M = 0.05
"""Nothing nearer to the lens than this is drawn; the ground there is below the picture."""

FARTHEST_M = 4.5
"""Nothing farther away than this is drawn."""


@dataclass(frozen=True)
class Plastic:
    """A colour of plastic."""

    base: Points

    def shade(self, factor: float, light: Points, haze: float = 0.0) -> Gain:
        """Return BGR of a surface.

        Args:
            factor: How much light its slope catches; 1 faces up.
            light: Light at its place, (3,).
            haze: How much of the room it mirrors, 0 to 1.
        """
        lit = np.clip(self.base * factor * light * (1 - haze) + 150 * haze * light, 0, 255)
        return float(lit[0]), float(lit[1]), float(lit[2])


@dataclass(frozen=True)
class Seen:
    """What of a mesh is in the picture, far things first.

    Attributes:
        pixels: (N, K, 2) int32 sub-pixels.
        depth: (N,) metres.
        index: (N,) which things of the mesh these are.
    """

    pixels: NDArray[np.int32]
    depth: Points
    index: NDArray[np.intp]

    def between(self, near: float, far: float) -> slice:
        """Return which rows lie within a range of depths."""
        first, last = np.searchsorted(-self.depth, [-far, -near], side="left")
        return slice(int(first), int(last))


class Mesh:
    """N things of K corners each.

    Args:
        poses: (N, 3), x, y and heading of each.
        points: (N, K, 3), their corners in table coordinates.
        reach_m: How far corners lie from the middle at most.
    """

    def __init__(self, poses: Points, points: Points, *, reach_m: float) -> None:
        self.poses = poses
        self._reach = reach_m
        self._points = points
        self._middles = np.column_stack([poses[:, :2], np.zeros(len(poses))])

    def seen(self, view: View, *, up_to_m: float = FARTHEST_M) -> Seen:
        """Project what is in the picture and no farther than ``up_to_m``."""
        middles, depth = view.project(self._middles)
        margin = self._reach * view.focal_px / np.maximum(depth, 0.05) + 4
        width, height = view.size
        keep = (depth > NEAREST_M + self._reach) & (depth < up_to_m)
        keep &= (middles[:, 0] > -margin) & (middles[:, 0] < width + margin)
        keep &= (middles[:, 1] > -margin) & (middles[:, 1] < height + 2 * margin)
        index = np.flatnonzero(keep)
        index = index[np.argsort(-depth[index], kind="stable")]
        pixels, _ = view.project(self._points[index])
        return Seen(fixed(pixels), depth[index], index)


def place(poses: Points, corners: Points) -> Points:
    """Turn corners in the axes of things (ahead, left, up) into table coordinates.

    Args:
        poses: (N, 3).
        corners: (K, 3).

    Returns:
        (N, K, 3).
    """
    cos, sin = np.cos(poses[:, 2])[:, None], np.sin(poses[:, 2])[:, None]
    ahead, left, up = corners.T
    x = poses[:, 0, None] + ahead * cos - left * sin
    y = poses[:, 1, None] + ahead * sin + left * cos
    return np.stack([x, y, np.broadcast_to(up, x.shape)], axis=-1)
