"""A small drawing surface: unit coordinates, smooth edges, transparent ground.

Coordinates are ``(x, y)`` with the origin in the middle of the surface, x to the right, y
down; the surface spans -1..1 on both axes. Colours are BGR, 0..255.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Point = tuple[float, float]

SUPERSAMPLING = 2
_SHIFT = 4  # fractional bits of OpenCV's drawing calls
FONTS = {
    "bold": "DejaVuSans-Bold",
    "plain": "DejaVuSans",
    "mono": "DejaVuSansMono-Bold",
    "serif": "DejaVuSerif-Bold",
    "classic": "cmss10",
}


class Canvas:
    """A square BGRA picture, or a shifted and scaled view of one.

    Args:
        size_px: Edge length of the finished picture.
    """

    def __init__(self, size_px: int) -> None:
        edge = size_px * SUPERSAMPLING
        self._size_px = size_px
        self._pixels = np.zeros((edge, edge, 4), np.uint8)
        self._origin = np.array([edge / 2, edge / 2])
        self._scale = edge / 2

    def view(self, centre: Point, scale: float) -> Canvas:
        """Return a surface whose -1..1 covers ``centre ± scale`` of this one."""
        part = object.__new__(Canvas)
        part._size_px = self._size_px
        part._pixels = self._pixels
        part._origin = self._origin + np.array(centre) * self._scale
        part._scale = self._scale * scale
        return part

    def polygon(self, points: Sequence[Point], colour: Colour, *, rounding: float = 0.0) -> None:
        """Fill a polygon; ``rounding`` is the radius added around it."""
        self.polygons([points], colour)
        if rounding:
            self.line([*points, points[0]], colour, width=2 * rounding)

    def polygons(self, outlines: Iterable[Sequence[Point]], colour: Colour) -> None:
        """Fill outlines together; an outline inside another cuts a hole."""
        fixed = [self._fixed(outline) for outline in outlines]
        cv2.fillPoly(self._pixels, fixed, (*colour, 255), cv2.LINE_8, _SHIFT)

    def line(self, points: Sequence[Point], colour: Colour, *, width: float) -> None:
        """Draw connected strokes with round ends."""
        thickness = max(1, round(width * self._scale))
        fixed = [self._fixed(points)]
        cv2.polylines(self._pixels, fixed, False, (*colour, 255), thickness, cv2.LINE_8, _SHIFT)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        self.ellipse(centre, (radius, radius), colour)

    def ellipse(self, centre: Point, radii: Point, colour: Colour) -> None:
        """Fill an upright ellipse."""
        turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        outline = np.stack([np.cos(turn) * radii[0], np.sin(turn) * radii[1]], axis=1) + centre
        self.polygons([[(float(x), float(y)) for x, y in outline]], colour)

    def rectangle(
        self, corner: Point, size: Point, colour: Colour, *, rounding: float = 0.0
    ) -> None:
        """Fill a rectangle given by its top-left corner and its size."""
        (x, y), (w, h), r = corner, size, rounding
        inner = [(x + r, y + r), (x + w - r, y + r), (x + w - r, y + h - r), (x + r, y + h - r)]
        self.polygon(inner, colour, rounding=r)

    def text(
        self, words: str, centre: Point, colour: Colour, *, size: Point, font: str = "bold"
    ) -> None:
        """Write words so that they fill the box ``size`` (width, height) around ``centre``."""
        outlines = [
            [(float(x) * size[0] + centre[0], float(y) * size[1] + centre[1]) for x, y in outline]
            for outline in _glyphs(words, font)
        ]
        self.polygons(outlines, colour)

    def finish(self) -> NDArray[np.uint8]:
        """Return the picture.

        Returns:
            BGRA array (size_px, size_px, 4) uint8. Colours of transparent pixels repeat their
            opaque neighbours', so that resampling draws no dark seam.
        """
        opaque = self._pixels[..., 3] > 0
        spread = cv2.dilate(self._pixels[..., :3], np.ones((5, 5), np.uint8))
        self._pixels[..., :3][~opaque] = spread[~opaque]
        size = (self._size_px, self._size_px)
        return np.asarray(cv2.resize(self._pixels, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _fixed(self, points: Sequence[Point]) -> NDArray[np.int32]:
        pixels = self._origin + np.asarray(points, np.float64) * self._scale
        return np.asarray(np.round(pixels * (1 << _SHIFT)), np.int32).reshape(-1, 1, 2)


@lru_cache(maxsize=512)
def _glyphs(words: str, font: str) -> list[NDArray[np.float64]]:
    """Return the outlines of words, scaled to a box of width and height 1 around (0, 0)."""
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    face = FontProperties(fname=str(folder / f"{FONTS[font]}.ttf"))
    outlines = TextPath((0, 0), words, size=100, prop=face).to_polygons()
    everything = np.concatenate(outlines)
    low, high = everything.min(axis=0), everything.max(axis=0)
    return [((o - (low + high) / 2) / (high - low)) * (1, -1) for o in outlines]
