"""Toys painted flat: trees and little people that always face the camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kit.sim.scene.view import Picture, premultiplied
from kit.sim.scene.wall import Colour

_SCALE = 4  # drawn larger, then shrunk, for smooth edges
_GREENS: tuple[Colour, ...] = ((48, 110, 42), (60, 140, 70), (40, 92, 60), (66, 128, 34))
_CLOTHES: tuple[Colour, ...] = (
    (36, 34, 190), (170, 90, 30), (70, 150, 60), (40, 40, 44), (200, 200, 204), (60, 130, 220),
)  # fmt: skip


@dataclass(frozen=True)
class Sprite:
    """A toy seen from the side.

    Attributes:
        picture: BGRA with its colours multiplied by alpha.
        width_m: Of the picture.
        height_m: Of the picture, from the table up.
        hull: Rough outline, (N, 2): across from -0.5 to 0.5 and up from 0 to 1.
    """

    picture: Picture
    width_m: float
    height_m: float
    hull: tuple[tuple[float, float], ...]


class _Sheet:
    """A transparent picture to paint on, in pixels from the top left corner."""

    def __init__(self, width: int, height: int) -> None:
        self._pixels = np.zeros((height * _SCALE, width * _SCALE, 4), np.uint8)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        corners = np.rint(np.array(points) * _SCALE).astype(np.int32)
        cv2.fillPoly(self._pixels, [corners], (*colour, 255))

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)

    def oval(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        middle = round(x * _SCALE), round(y * _SCALE)
        axes = round(across * _SCALE), round(down * _SCALE)
        cv2.ellipse(self._pixels, middle, axes, 0, 0, 360, (*colour, 255), -1)

    def finish(self) -> Picture:
        large = premultiplied(self._pixels)
        shape = large.shape[1] // _SCALE, large.shape[0] // _SCALE
        return np.asarray(cv2.resize(large, shape, interpolation=cv2.INTER_AREA), np.uint8)


def pine(rng: np.random.Generator) -> Sprite:
    """A pine of stacked cones."""
    sheet, green = _Sheet(64, 96), _choose(_GREENS, rng)
    sheet.box(28, 82, 8, 14, (40, 66, 96))
    for tier, (top, low, half) in enumerate(((46, 86, 30), (24, 62, 24), (4, 38, 17))):
        lit = _tint(green, 0.85 + 0.16 * tier)
        sheet.polygon([(32, top), (32 + half, low), (32 - half, low)], _tint(lit, 0.8))
        sheet.polygon([(32, top), (32 + half * 0.25, low), (32 - half, low)], lit)
    tall = float(rng.uniform(0.08, 0.13))
    return Sprite(sheet.finish(), tall * 64 / 96, tall, ((-0.45, 0.1), (0.45, 0.1), (0, 0.96)))


def leafy(rng: np.random.Generator) -> Sprite:
    """A tree with a round crown."""
    sheet, green = _Sheet(72, 96), _choose(_GREENS, rng)
    sheet.box(32, 58, 8, 38, (44, 72, 104))
    for _ in range(26):
        x, y = 36 + rng.normal(0, 12), 34 + rng.normal(0, 10)
        size = float(rng.uniform(6, 11))
        sheet.oval(x, y + 2, size, size * 0.9, _tint(green, 0.72))
        sheet.oval(
            x - 1.5, y - 1, size * 0.8, size * 0.7, _tint(green, float(rng.uniform(0.9, 1.3)))
        )
    tall = float(rng.uniform(0.08, 0.12))
    hull = ((-0.3, 0.4), (0.3, 0.4), (0.36, 0.7), (0, 0.94), (-0.36, 0.7))
    return Sprite(sheet.finish(), tall * 72 / 96, tall, hull)


def figure(rng: np.random.Generator) -> Sprite:
    """A little toy person."""
    sheet = _Sheet(48, 80)
    shirt, trousers = _choose(_CLOTHES, rng), _choose(_CLOTHES, rng)
    skin: Colour = (70, 190, 236)
    sheet.box(13, 52, 10, 27, trousers)
    sheet.box(25, 52, 10, 27, _tint(trousers, 0.85))
    sheet.box(13, 48, 22, 6, _tint(trousers, 1.1))
    sheet.polygon([(15, 24), (33, 24), (36, 49), (12, 49)], shirt)
    for side, shade in ((-1, 1.0), (1, 0.8)):
        arm = [
            (24 + side * 9, 26),
            (24 + side * 13, 27),
            (24 + side * 17, 42),
            (24 + side * 12, 43),
        ]
        sheet.polygon(arm, _tint(shirt, shade))
        sheet.oval(24 + side * 14, 45, 3, 3, skin)
    sheet.box(17, 9, 14, 14, skin)
    sheet.box(18, 6, 12, 18, skin)
    for x in (21, 27):
        sheet.oval(x, 14, 1.1, 1.4, (20, 20, 20))
    sheet.box(20.5, 18.5, 7, 1.2, (30, 40, 90))
    hat = _choose(_CLOTHES, rng)
    sheet.oval(24, 7, 9, 6, _tint(hat, 0.9))
    sheet.box(14, 7, 20, 2.4, hat)
    return Sprite(sheet.finish(), 0.025, 0.042, ((-0.3, 0), (0.3, 0), (0.2, 0.95), (-0.2, 0.95)))


def _choose(colours: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def _tint(colour: Colour, factor: float) -> Colour:
    blue, green, red = (min(channel * factor, 255) for channel in colour)
    return blue, green, red
