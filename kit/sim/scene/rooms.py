"""The room around the table: four walls and a floor, furnished by the seed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.sim.scenario import Room as RoomName
from kit.sim.scene import furniture as f
from kit.sim.scene.lights import Light
from kit.sim.scene.view import Picture, Points, View, shifted
from kit.sim.scene.wall import PIXELS_PER_M, Colour, Wall

_FLOOR_M = -0.5
_SHRINK = 0.5  # what is far behind the signs is out of focus anyway


@dataclass(frozen=True)
class _Style:
    height_m: float
    margin_m: tuple[float, float]
    paints: tuple[Colour, ...]
    floors: tuple[Colour, ...]
    items: tuple[f.Item, ...]
    blur_px: float = 1.2
    high_items: tuple[f.Item, ...] = ()


_STYLES: dict[RoomName, _Style] = {
    "home": _Style(
        2.7,
        (0.7, 1.7),
        ((206, 216, 222), (196, 206, 204), (178, 198, 214), (214, 206, 196)),
        ((84, 124, 160), (60, 84, 108)),
        (
            f.door, f.window, f.shelf, f.radiator, f.pictures, f.floor_lamp, f.plant, f.guitar,
            f.sofa, f.window, f.shelf,
        ),
    ),
    "office": _Style(
        2.9,
        (1.0, 2.2),
        ((224, 226, 226), (216, 212, 204), (206, 214, 210)),
        ((112, 108, 104), (96, 84, 76)),
        (
            f.whiteboard, f.window, f.desk, f.cabinet, f.plant, f.door, f.desk, f.pictures,
            f.window,
        ),
    ),
    "hall": _Style(
        4.2,
        (2.2, 3.6),
        ((64, 54, 52), (74, 60, 66), (60, 66, 62)),
        ((70, 66, 66), (92, 90, 92)),
        (f.banner, f.crowd, f.big_screen, f.crowd, f.banner, f.crowd),
        2.0,
        (f.spots, f.spots),
    ),
    "workshop": _Style(
        3.0,
        (0.8, 1.8),
        ((186, 192, 190), (160, 176, 186), (176, 172, 160)),
        ((128, 130, 132), (104, 110, 116)),
        (f.pegboard, f.crates, f.window, f.cabinet, f.door, f.crates, f.floor_lamp, f.plant),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class _Plane:
    """A flat side of the room: its corners in order, its picture, and where pixels lie."""

    corners: Points
    picture: Picture
    origin: Points
    across: Points
    down: Points


class Room:
    """A furnished room.

    Args:
        name: Its kind.
        table: Smallest x and y, largest x and y of the table, metres.
        light: How it is lit.
        rng: Furnishes it.
    """

    def __init__(
        self,
        name: RoomName,
        *,
        table: tuple[float, float, float, float],
        light: Light,
        rng: np.random.Generator,
    ) -> None:
        style = _STYLES[name]
        margins = rng.uniform(*style.margin_m, 4)
        low = np.array(table[:2]) - margins[:2]
        high = np.array(table[2:]) + margins[2:]
        paint = style.paints[rng.integers(len(style.paints))]
        corners = [(low[0], high[1]), (high[0], high[1]), (high[0], low[1]), (low[0], low[1])]
        top = _FLOOR_M + style.height_m
        self._planes = [_floor(low, high, style.floors[rng.integers(len(style.floors))], light)]
        for here, there in zip(corners, corners[1:] + corners[:1], strict=True):
            left, right = np.array([*here, top]), np.array([*there, top])
            picture = _furnish(style, float(np.linalg.norm(right - left)), paint, light, rng)
            self._planes.append(_upright(left, right, style.height_m, picture))
        shade = np.array(paint) * light.wall * 0.8
        self._air: Colour = (float(shade[0]), float(shade[1]), float(shade[2]))

    def paint(self, view: View, rows: int) -> Picture:
        """Return a picture, (H, W, 3), whose upper rows show the room.

        Args:
            view: From where.
            rows: How many rows are wanted; those below hold anything.
        """
        small = view.scaled(_SHRINK)
        wanted = min(int(rows * _SHRINK) + 2, small.size[1])
        image = np.empty((wanted, small.size[0], 3), np.uint8)
        image[:] = np.clip(self._air, 0, 255)
        for plane in self._planes:
            _paint_plane(image, small, plane)
        whole = np.empty((view.size[1], view.size[0], 3), np.uint8)
        tall = round(wanted / _SHRINK)
        cv2.resize(image, (view.size[0], tall), dst=whole[:tall])
        return whole


def _paint_plane(image: Picture, view: View, plane: _Plane) -> None:
    outline = view.polygon(plane.corners)
    if len(outline) < 3:
        return
    low = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 2, image.shape[1::-1])
    if (high <= low).any():
        return
    span = int(high[0] - low[0]), int(high[1] - low[1])
    mask: NDArray[np.uint8] = np.zeros((span[1], span[0]), np.uint8)
    shape = np.rint(np.clip(outline - low, -9999, 9999)).astype(np.int32)
    cv2.fillConvexPoly(mask, shape, (255,))
    matrix = shifted(view.plane(plane.origin, plane.across, plane.down), low[0], low[1])
    patch = cv2.warpPerspective(plane.picture, matrix, span, borderMode=cv2.BORDER_REPLICATE)
    cv2.copyTo(patch, mask, image[low[1] : high[1], low[0] : high[0]])


def _furnish(
    style: _Style, width_m: float, paint: Colour, light: Light, rng: np.random.Generator
) -> Picture:
    wall = Wall(width_m, style.height_m, paint)
    wall.box(0, 0, width_m, 0.09, (paint[0] * 0.8, paint[1] * 0.8, paint[2] * 0.8))
    for items, least, most in ((style.high_items, 0.4, 1.6), (style.items, 0.15, 0.8)):
        at = float(rng.uniform(0.2, 0.9))
        order = rng.permutation(len(items))
        for index in np.tile(order, 4):
            if at > width_m - 1.2:
                break
            at += items[index](wall, at, light, rng) + float(rng.uniform(least, most))
    wall.shade(corner=0.3, floor=0.25)
    return wall.finish(light.wall, blur_px=style.blur_px)


def _upright(left: Points, right: Points, height_m: float, picture: Picture) -> _Plane:
    """Stand a wall's picture between its upper corners."""
    drop = np.array([0, 0, -height_m])
    step = (right - left) / picture.shape[1]
    corners = np.array([left, right, right + drop, left + drop])
    return _Plane(corners, picture, left, step, np.array([0, 0, -1 / PIXELS_PER_M]))


def _floor(low: Points, high: Points, colour: Colour, light: Light) -> _Plane:
    cell = 0.08
    size = np.ceil((high - low) / cell).astype(int)
    x = (np.arange(size[0]) + 0.5) * cell
    y = (np.arange(size[1]) + 0.5) * cell
    edge = np.minimum(np.minimum(x, x[-1] - x)[None], np.minimum(y, y[-1] - y)[:, None])
    boards = 1 + 0.06 * np.sin(y * 47.0)[:, None]
    shade = (1 - 0.3 * np.exp(-edge / 0.4)) * boards
    lit = np.array(colour) * np.array(light.wall) * 0.9
    picture: Picture = np.clip(shade[..., None] * lit, 0, 255).astype(np.uint8)
    corners = np.array([[*low, 0], [high[0], low[1], 0], [*high, 0], [low[0], high[1], 0.0]])
    corners[:, 2] = _FLOOR_M
    return _Plane(corners, picture, corners[0], np.array([cell, 0, 0]), np.array([0, cell, 0.0]))
