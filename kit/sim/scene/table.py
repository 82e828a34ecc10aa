"""The table top: its wood, its light and what it mirrors."""

from __future__ import annotations

import itertools
import zlib
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.sim.scenario import Table
from kit.sim.scene.lights import Light, LightMap
from kit.sim.scene.view import Picture, Points, View, fill, shifted

_TILE_PX = 1024
_FINEST_M = 0.0006
_LEVEL_STEP = 3
_FAR_M = (0.27, 0.65, 1.4, np.inf)
"""Up to which distance each level of detail is used."""

_LOW = 4  # light and mirror images are soft: they are made at a quarter of the size
_BASE: dict[Table, tuple[float, float, float]] = {
    "ebony": (34, 34, 38),
    "walnut": (44, 66, 96),
    "oak": (104, 148, 186),
    "slate": (92, 86, 80),
    "white": (196, 200, 202),
}


@dataclass(frozen=True)
class _Level:
    """The grain, many times over, at one size of its pixels, for use up to some distance."""

    cell_m: float
    picture: Picture
    up_to_m: float


@dataclass(frozen=True)
class Cover:
    """The part of a picture that the table takes.

    Attributes:
        mask: (H, W) uint8, 255 where there is table.
        top: First row that has some table.
        solid: First row from which on there is nothing else.
    """

    mask: NDArray[np.uint8]
    top: int
    solid: int


class TableTop:
    """A table top that can be painted from any view.

    Args:
        table: What it is made of.
        bounds: Smallest x and y, largest x and y, metres.
        light: How it is lit.
        light_map: Where it is lit.
    """

    def __init__(
        self,
        table: Table,
        *,
        bounds: tuple[float, float, float, float],
        light: Light,
        light_map: LightMap,
    ) -> None:
        self.bounds = bounds
        self.base = np.array(_BASE[table])
        self._light = light
        self._map = light_map
        low_x, low_y, high_x, high_y = bounds
        self._outline = np.array(
            [[low_x, low_y, 0], [high_x, low_y, 0], [high_x, high_y, 0], [low_x, high_y, 0.0]]
        )
        tile = _grain(table)
        widest = max(high_x - low_x, high_y - low_y)
        self._levels = [_level(tile, number, far, widest) for number, far in enumerate(_FAR_M)]

    def cover(self, view: View) -> Cover:
        """Return which part of the picture the table takes."""
        width, height = view.size
        mask = np.zeros((height, width), np.uint8)
        outline = view.polygon(self._outline)
        if len(outline) >= 3:
            fill(mask, [outline], (255,))
        filled = np.flatnonzero(mask.any(axis=1))
        gaps = np.flatnonzero(mask.min(axis=1) < 255)
        top = int(filled[0]) if len(filled) else height
        return Cover(mask, top, max(int(gaps[-1]) + 1 if len(gaps) else 0, top))

    def paint(self, image: Picture, view: View, cover: Cover) -> None:
        """Paint the table over a picture of the room.

        Args:
            image: (H, W, 3); its part above the table stays and is mirrored in the table.
            view: From where.
            cover: Where, from :meth:`cover` for the same view.
        """
        if cover.top >= image.shape[0]:
            return
        surface = self._surface(view, cover.top)
        self._shine(surface, image, view, cover.top)
        edge = slice(cover.top, cover.solid)
        image[cover.solid :] = surface[cover.solid - cover.top :]
        if cover.solid > cover.top:
            mask = cv2.cvtColor(cover.mask[edge], cv2.COLOR_GRAY2BGR)
            kept = cv2.multiply(image[edge], cv2.bitwise_not(mask), scale=1 / 255)
            laid = cv2.multiply(surface[: cover.solid - cover.top], mask, scale=1 / 255)
            cv2.add(kept, laid, dst=image[edge])

    def _surface(self, view: View, top: int) -> Picture:
        """Warp the grain, finer where it is near."""
        width, height = view.size
        surface: Picture = np.empty((height - top, width, 3), np.uint8)
        bottom, distances = height, self._distances(view)
        for level in self._levels:
            beyond = np.flatnonzero(distances > level.up_to_m)
            start = max(top, int(beyond[-1]) + 1 if len(beyond) else 0)
            if start < bottom:
                self._warp(surface[start - top : bottom - top], view, start, level)
                bottom = start
        return surface

    @staticmethod
    def _distances(view: View) -> Points:
        """Return how far away the ground is on each row, at the farther end of the row."""
        width, height = view.size
        x = np.array([[-(width - 1) / 2], [(width - 1) / 2]]) / view.focal_px
        y = (np.arange(height) - (height - 1) / 2) / view.focal_px
        right, down, forward = view.rotation[:, 2]
        steep = -(right * x + down * y + forward) / np.sqrt(x**2 + y**2 + 1)
        flat = np.sqrt(np.maximum(1 - steep**2, 0))
        with np.errstate(divide="ignore"):
            away = np.where(steep > 0, view.centre[2] * flat / steep, np.inf)
        farther: Points = away.max(axis=0)
        return farther

    @staticmethod
    def _warp(strip: Picture, view: View, first_row: int, level: _Level) -> None:
        """Fill some rows of the picture with the grain."""
        # The grain repeats, so the camera may be thought near the middle of the texture.
        period = _TILE_PX * _FINEST_M
        middle = level.picture.shape[0] * level.cell_m / 2
        offset = np.round((view.centre[:2] - middle) / period) * period
        matrix = view.plane(
            np.array([*offset, 0.0]),
            np.array([level.cell_m, 0, 0]),
            np.array([0, level.cell_m, 0.0]),
        )
        strip[:] = cv2.warpPerspective(
            level.picture,
            shifted(matrix, 0, first_row),
            strip.shape[1::-1],
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def _shine(self, surface: Picture, room: Picture, view: View, top: int) -> None:
        """Light the surface, and let it mirror the room."""
        small = view.scaled(1 / _LOW)
        first = top // _LOW
        size = small.size[0], small.size[1] - first
        x, y = self._map.origin
        cell = self._map.CELL_M
        matrix = small.plane(
            np.array([x + cell / 2, y + cell / 2, 0.0]),
            np.array([cell, 0, 0]),
            np.array([0, cell, 0.0]),
        )
        gains = cv2.warpPerspective(
            self._map.picture, shifted(matrix, 0, first), size, borderMode=cv2.BORDER_REPLICATE
        )
        glare = self._mirror(room, small, first, size)
        whole = (surface.shape[1], size[1] * _LOW)
        skip = top - first * _LOW
        rows = slice(skip, skip + len(surface))
        cv2.multiply(surface, cv2.resize(gains, whole)[rows], dst=surface, scale=1 / LightMap.ONE)
        cv2.add(surface, cv2.resize(glare, whole)[rows], dst=surface)

    def _mirror(
        self, room: Picture, small: View, first: int, size: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """Return the blurred mirror image, (rows, columns, 3), of the room above the table."""
        left, right = small.horizon
        slope = (right - left) / max(size[0] - 1, 1)
        source = cv2.resize(room, small.size, interpolation=cv2.INTER_NEAREST)
        soft = cv2.blur(source, (3, 5))
        # Row y of the table shows row 2 * horizon - y, and the horizon may be a little aslant.
        flip = np.array([[1.0, 0, 0], [2 * slope, -1, 2 * left - first]])
        mirrored = cv2.warpAffine(
            soft,
            flip,
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        mirrored = cv2.blur(mirrored, (3, 7))
        return np.asarray(cv2.multiply(mirrored, self._fresnel(small, first, size), scale=1 / 255))

    def _fresnel(self, small: View, first: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return how much is mirrored, row by row: the flatter one looks the more."""
        rows = np.arange(first, first + size[1])
        rays = (rows - (small.size[1] - 1) / 2) / small.focal_px
        steep = (-small.rotation[1, 2] * rays - small.rotation[2, 2]) / np.hypot(1, rays)
        share = 0.04 + 0.96 * (1 - np.clip(steep, 0, 1)) ** 5
        weights = np.clip(share * self._light.gloss * 255, 0, 255).astype(np.uint8)
        return np.broadcast_to(weights[:, None, None], (size[1], size[0], 3)).copy()


def _level(tile: Picture, number: int, up_to_m: float, widest_m: float) -> _Level:
    """Repeat a smaller tile until it covers all that is seen at this level of detail."""
    size = max(8, _TILE_PX // _LEVEL_STEP**number)
    small = cv2.resize(tile, (size, size), interpolation=cv2.INTER_AREA)
    period = _TILE_PX * _FINEST_M
    copies = int(np.ceil(2 * min(up_to_m * 1.35, widest_m) / period)) + 1
    return _Level(period / size, np.tile(small, (copies, copies, 1)), up_to_m)


@cache
def _grain(table: Table) -> Picture:
    """Draw a tile of the table top that repeats without a seam, (1024, 1024, 3) uint8."""
    rng = np.random.default_rng(zlib.crc32(table.encode()))
    wooden = table in {"ebony", "walnut", "oak"}
    stretch = 14.0 if wooden else 1.0
    coarse = _noise(rng, stretch=stretch, slope=1.3)
    fine = _noise(rng, stretch=stretch * 2 if wooden else 1.0, slope=0.5)
    contrast = {"ebony": 0.16, "walnut": 0.15, "oak": 0.09, "slate": 0.1, "white": 0.02}[table]
    shade = 1 + contrast * (0.7 * coarse + 0.5 * fine)
    if table == "oak":
        shade *= _planks(rng)
    tile = np.array(_BASE[table]) * np.clip(shade, 0.3, 1.8)[..., None]
    specks = rng.random((_TILE_PX, _TILE_PX)) < (0.00025 if table != "white" else 0.0001)
    dust = cv2.GaussianBlur(specks.astype(np.float32), (0, 0), 0.9) * 5
    tile += dust[..., None] * (60 if table != "white" else -60)
    picture: Picture = np.clip(tile, 0, 255).astype(np.uint8)
    return picture


def _planks(rng: np.random.Generator) -> Points:
    """Shades of six planks with dark seams between them."""
    shade = np.ones((_TILE_PX, _TILE_PX))
    edges = np.linspace(0, _TILE_PX, 7).astype(int)
    for low, high in itertools.pairwise(edges):
        shade[low:high] *= rng.uniform(0.9, 1.08)
        shade[low : low + 2] *= 0.6
    return shade


def _noise(rng: np.random.Generator, *, stretch: float, slope: float) -> Points:
    """Periodic noise of unit spread, stretched along x."""
    rows, columns = np.meshgrid(np.fft.fftfreq(_TILE_PX), np.fft.rfftfreq(_TILE_PX), indexing="ij")
    radius = np.maximum(np.hypot(rows, columns * stretch), 2 / _TILE_PX)
    spectrum = np.fft.rfft2(rng.normal(size=(_TILE_PX, _TILE_PX))) / radius**slope
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum)
    return np.asarray(noise / noise.std())
