"""A wall to paint furniture on: metres from its lower left corner, colours as in daylight."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.sim.scene.lights import Gain
from kit.sim.scene.view import Picture

Colour = tuple[float, float, float]
"""Blue, green and red, 0 to 255."""

PIXELS_PER_M = 110
_SHIFT = 4


class Wall:
    """A picture of a wall.

    Args:
        width_m: From corner to corner.
        height_m: From the floor up.
        colour: Of its paint.
    """

    def __init__(self, width_m: float, height_m: float, colour: Colour) -> None:
        self.width_m = width_m
        self.height_m = height_m
        shape = (round(height_m * PIXELS_PER_M), round(width_m * PIXELS_PER_M), 3)
        self._pixels = np.empty(shape, np.uint8)
        self._pixels[:] = np.clip(colour, 0, 255)
        self._dimmed = np.ones((*shape[:2], 1), np.float32)
        self._glow = np.zeros(shape, np.float32)

    def box(self, x: float, z: float, width: float, height: float, colour: Colour) -> None:
        """Paint an upright rectangle with its lower left corner at ``x``, ``z``."""
        self.polygon([(x, z), (x + width, z), (x + width, z + height), (x, z + height)], colour)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Paint a polygon."""
        cv2.fillPoly(self._pixels, [self._place(points)], colour, cv2.LINE_AA, _SHIFT)

    def line(self, points: Sequence[tuple[float, float]], width: float, colour: Colour) -> None:
        """Paint a line of some width."""
        thick = max(1, round(width * PIXELS_PER_M))
        cv2.polylines(
            self._pixels, [self._place(points)], False, colour, thick, cv2.LINE_AA, _SHIFT
        )

    def disc(self, x: float, z: float, radius: float, colour: Colour, stretch: float = 1) -> None:
        """Paint a disc, or an upright oval for a ``stretch`` above 1."""
        turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        self.polygon(
            [(x + radius * np.cos(t), z + stretch * radius * np.sin(t)) for t in turn], colour
        )

    def text(self, words: str, x: float, z: float, height: float, colour: Colour) -> None:
        """Write words from ``x`` on, standing on ``z``."""
        left, bottom = self._place([(x, z)])[0] // (1 << _SHIFT)
        scale = height * PIXELS_PER_M / 22
        thick = max(1, round(scale * 2))
        face = cv2.FONT_HERSHEY_SIMPLEX
        place = (int(left), int(bottom))
        cv2.putText(self._pixels, words, place, face, scale, colour, thick, cv2.LINE_AA)

    def glow(self, x: float, z: float, radius: float, colour: Colour) -> None:
        """Add light around a lamp."""
        height, width = self._glow.shape[:2]
        px, py = (self._place([(x, z)])[0] / (1 << _SHIFT)).tolist()
        reach = radius * PIXELS_PER_M
        columns = np.exp(-(((np.arange(width) - px) / reach) ** 2))
        rows = np.exp(-(((np.arange(height) - py) / reach) ** 2))
        self._glow += (rows[:, None] * columns)[..., None].astype(np.float32) * np.array(
            colour, np.float32
        )

    def shade(self, *, corner: float, floor: float) -> None:
        """Darken the corners and the foot of the wall, by shares of 0 to 1."""
        height, width = self._pixels.shape[:2]
        x = np.arange(width) / PIXELS_PER_M
        near = np.minimum(x, self.width_m - x)
        columns = 1 - corner * np.exp(-near / 0.35)
        z = np.arange(height)[::-1] / PIXELS_PER_M
        rows = 1 - floor * np.exp(-z / 0.5)
        self._dimmed *= (rows[:, None] * columns)[..., None].astype(np.float32)

    def finish(self, gain: Gain, *, blur_px: float) -> Picture:
        """Return the lit picture of the wall, BGR uint8, top row first."""
        lit = self._pixels * (self._dimmed * np.array(gain, np.float32)) + self._glow
        soft = cv2.GaussianBlur(lit, (0, 0), blur_px)
        picture: Picture = np.clip(soft, 0, 255).astype(np.uint8)
        return picture

    def _place(self, points: Sequence[tuple[float, float]]) -> NDArray[np.int32]:
        metres = np.asarray(points, np.float64)
        pixels = np.column_stack([metres[:, 0], self.height_m - metres[:, 1]]) * PIXELS_PER_M
        return np.rint(pixels * (1 << _SHIFT)).astype(np.int32)
