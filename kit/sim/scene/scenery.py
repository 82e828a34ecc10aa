"""Scenery beside the track: trees, toy people and brick houses, clear of track and signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from kit.sim.scene.lights import LightMap
from kit.sim.scene.mesh import NEAREST_M, Plastic
from kit.sim.scene.sprites import Sprite, figure, leafy, pine
from kit.sim.scene.view import Picture, Points, View, fill, mipmaps, paste
from kit.sim.track import Track

_FARTHEST_M = 3.5
_FROM_TRACK_M = (0.2, 0.5)
_FROM_EDGE_M = 0.07
_SIGHT_M = 2.0
"""From how far before a sign nothing may stand in its way."""

_UP = np.array([0, 0, 1.0])
_SHADOW_PX = 32


class Thing(Protocol):
    """Something that stands on the table.

    Attributes:
        foot: Where, (3,) metres.
    """

    foot: Points

    def depth(self, view: View) -> float:
        """Distance in front of the lens, metres."""

    def in_sight(self, view: View) -> bool:
        """Whether some of it may be in the picture."""

    def paint_shadow(self, image: Picture, view: View) -> None:
        """Darken the table around it."""

    def paint(self, image: Picture, view: View) -> None:
        """Paint it."""

    def hull(self, view: View) -> Points:
        """Return a rough outline in pixels, (N, 2)."""


class Standing:
    """What toys have in common: a place, a size, the light there and a soft shadow."""

    def __init__(self, foot: Points, radius_m: float, height_m: float, light: Points) -> None:
        self.foot = foot
        self.light = np.clip(light, 0.1, 1.25)
        self._radius = radius_m
        self._height = height_m

    def depth(self, view: View) -> float:
        """Distance in front of the lens, metres."""
        return float(view.project(self.foot)[1])

    def in_sight(self, view: View) -> bool:
        """Whether some of it may be in the picture."""
        pixel, depth = view.project(self.foot)
        if not NEAREST_M + self._radius < depth < _FARTHEST_M:
            return False
        margin = max(self._radius * 1.5, self._height) * view.focal_px / depth
        return bool((pixel > -margin).all() and (pixel < np.array(view.size) + margin).all())

    def paint_shadow(self, image: Picture, view: View) -> None:
        """Darken the table around it."""
        cell = 3.2 * self._radius / _SHADOW_PX
        corner = self.foot - np.array([1.6, 1.6, 0]) * self._radius
        if self.depth(view) > NEAREST_M + 2.4 * self._radius:
            matrix = view.plane(corner, np.array([cell, 0, 0]), np.array([0, cell, 0.0]))
            paste(image, _SHADOW, matrix)


class Cutout(Standing):
    """A sprite that always faces the camera."""

    def __init__(self, sprite: Sprite, foot: Points, light: Points) -> None:
        super().__init__(foot, sprite.width_m * 0.45, sprite.height_m, light)
        self._sprite = sprite
        self._levels = mipmaps(sprite.picture, smallest=6)

    def paint(self, image: Picture, view: View) -> None:
        """Paint it."""
        across, left_top = self._axes(view)
        tall = self._sprite.height_m * view.focal_px / self.depth(view)
        ratio = max(self._levels[0].shape[0] / max(tall, 1), 1)
        picture = self._levels[int(min(np.log2(ratio), len(self._levels) - 1))]
        rows, columns = picture.shape[:2]
        matrix = view.plane(
            left_top, across * self._sprite.width_m / columns, -_UP * self._sprite.height_m / rows
        )
        gain = float(self.light[0]), float(self.light[1]), float(self.light[2])
        paste(image, picture, matrix, gain=gain)

    def hull(self, view: View) -> Points:
        """Return a rough outline in pixels, (N, 2)."""
        across, _ = self._axes(view)
        points = [
            self.foot + across * x * self._sprite.width_m + _UP * y * self._sprite.height_m
            for x, y in self._sprite.hull
        ]
        return view.project(np.array(points))[0]

    def _axes(self, view: View) -> tuple[Points, Points]:
        across = np.array([view.rotation[2, 1], -view.rotation[2, 0], 0.0])
        across /= np.linalg.norm(across)
        top = self.foot - across * self._sprite.width_m / 2 + _UP * self._sprite.height_m
        return across, top


class House(Standing):
    """A brick house with a pitched roof; its ridge runs along its first axis.

    Args:
        foot: Where, (3,) metres.
        turn_rad: Direction of the ridge.
        light: Light there, (3,).
        lit: Whether its windows shine.
        rng: Chooses its colours.
    """

    _SIZE = np.array([0.05, 0.035])  # half of its length and depth
    _EAVES_M, _RIDGE_M = 0.055, 0.095

    def __init__(
        self,
        foot: Points,
        turn_rad: float,
        light: Points,
        *,
        lit: bool,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(foot, float(self._SIZE.max()), self._RIDGE_M, light)
        cos, sin = np.cos(turn_rad), np.sin(turn_rad)
        self._axes = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1.0]])
        walls = np.array([[60, 110, 190], [190, 200, 206], [46, 40, 150], [150, 120, 60]])
        roofs = np.array([[52, 50, 54], [40, 44, 130], [60, 80, 110]])
        self._wall = Plastic(walls[rng.integers(len(walls))].astype(np.float64))
        self._roof = Plastic(roofs[rng.integers(len(roofs))].astype(np.float64))
        self._glass = Plastic(np.array([110, 205, 255.0] if lit else [200, 170, 130.0]))
        self._glass_light = np.ones(3) if lit else self.light
        self._door = Plastic(np.array([50, 70, 90.0]))

    def paint(self, image: Picture, view: View) -> None:
        """Paint it: the walls and halves of the roof that face the camera."""
        towards = self._axes @ (view.centre - self.foot)
        for side in (-1, 1):
            if towards[0] * side > self._SIZE[0]:
                self._gable(image, view, side)
        for side in (-1, 1):
            if towards[1] * side > self._SIZE[1]:
                self._front(image, view, side)
        for side in (-1, 1):
            slope = (self._RIDGE_M - self._EAVES_M) / self._SIZE[1]
            if towards[2] > self._RIDGE_M - slope * towards[1] * side:
                self._half_roof(image, view, side)

    def hull(self, view: View) -> Points:
        """Return a rough outline in pixels, (N, 2)."""
        x, y = self._SIZE
        corners = [(a * x, b * y, h) for a in (1, -1) for b in (1, -1) for h in (0, self._EAVES_M)]
        corners += [(a * x, 0, self._RIDGE_M) for a in (1, -1)]
        pixels = view.project(self._at(corners))[0].astype(np.float32)
        return np.asarray(cv2.convexHull(pixels)[:, 0], np.float64)

    def _gable(self, image: Picture, view: View, side: int) -> None:
        x, y = self._SIZE[0] * side, self._SIZE[1]
        outline = [(x, -y, 0), (x, y, 0), (x, y, self._EAVES_M), (x, 0, self._RIDGE_M),
                   (x, -y, self._EAVES_M)]  # fmt: skip
        self._patch(image, view, outline, self._wall, 0.72)
        self._pane(image, view, [(x, -0.01), (x, 0.01)], (0.028, 0.046))

    def _front(self, image: Picture, view: View, side: int) -> None:
        x, y = self._SIZE[0], self._SIZE[1] * side
        outline = [(-x, y, 0), (x, y, 0), (x, y, self._EAVES_M), (-x, y, self._EAVES_M)]
        self._patch(image, view, outline, self._wall, 0.92)
        for left in (-0.038, 0.018):
            self._pane(image, view, [(left, y), (left + 0.02, y)], (0.022, 0.042))
        door = [(-0.009, y, 0), (0.009, y, 0), (0.009, y, 0.036), (-0.009, y, 0.036)]
        self._patch(image, view, door, self._door, 0.9)

    def _half_roof(self, image: Picture, view: View, side: int) -> None:
        x, y = self._SIZE[0] * 1.12, self._SIZE[1] * 1.15 * side
        low = self._EAVES_M - 0.006
        outline = [(-x, y, low), (x, y, low), (x, 0, self._RIDGE_M), (-x, 0, self._RIDGE_M)]
        self._patch(image, view, outline, self._roof, 1.05 if side > 0 else 0.85)

    def _pane(
        self, image: Picture, view: View, ends: list[tuple[float, float]], rise: tuple[float, float]
    ) -> None:
        (x0, y0), (x1, y1) = ends
        low, high = rise
        outline = [(x0, y0, low), (x1, y1, low), (x1, y1, high), (x0, y0, high)]
        pane = view.project(self._at(outline))[0]
        fill(image, [pane], self._glass.shade(1.0, self._glass_light))

    def _patch(
        self,
        image: Picture,
        view: View,
        outline: list[tuple[float, float, float]],
        plastic: Plastic,
        factor: float,
    ) -> None:
        fill(image, [view.project(self._at(outline))[0]], plastic.shade(factor, self.light))

    def _at(self, points: Sequence[tuple[float, float, float]]) -> Points:
        return np.asarray(self.foot + np.array(points) @ self._axes)


def plant_scenery(
    track: Track,
    *,
    crowding: float,
    signs: Sequence[tuple[float, Points]],
    bounds: tuple[float, float, float, float],
    light_map: LightMap,
    lit_windows: bool,
    rng: np.random.Generator,
) -> list[Thing]:
    """Put toys beside the track where they hide no sign from the coming train.

    Args:
        track: To keep clear of.
        crowding: 0 none, 1 as many as look good.
        signs: Of each sign, where along the track it stands and its foot.
        bounds: Smallest x and y, largest x and y of the table, metres.
        light_map: Light on the table.
        lit_windows: Whether someone is at home in the houses.
        rng: Chooses toys and places.
    """
    things: list[Thing] = []
    places: list[Points] = []
    for _ in range(round(track.length_m * 4 * crowding)):
        at, side = float(rng.uniform(0, track.length_m)), float(rng.choice([-1, 1]))
        x, y = track.beside(at, side * float(rng.uniform(*_FROM_TRACK_M)))
        foot = np.array([x, y, 0.0])
        inside = _on_table(foot, bounds) and track.distance_to(x, y) > _FROM_TRACK_M[0] - 0.03
        apart = all(np.linalg.norm(foot - other) > 0.13 for other in places)
        if not inside or not apart or _hides(foot, signs, track):
            continue
        light = light_map.at(foot[:1], foot[1:2])[0].astype(np.float64)
        places.append(foot)
        things.append(_toy(foot, light, lit=lit_windows, rng=rng))
    return things


def _toy(foot: Points, light: Points, *, lit: bool, rng: np.random.Generator) -> Thing:
    kind = rng.random()
    if kind < 0.22:
        return House(foot, float(rng.uniform(-np.pi, np.pi)), light, lit=lit, rng=rng)
    maker = pine if kind < 0.48 else leafy if kind < 0.7 else figure
    return Cutout(maker(rng), foot, light)


def _on_table(foot: Points, bounds: tuple[float, float, float, float]) -> bool:
    low, high = np.array(bounds[:2]) + _FROM_EDGE_M, np.array(bounds[2:]) - _FROM_EDGE_M
    return bool((foot[:2] > low).all() and (foot[:2] < high).all())


def _hides(foot: Points, signs: Sequence[tuple[float, Points]], track: Track) -> bool:
    """Whether a toy there would stand between a sign and a train that comes towards it."""
    for at, sign in signs:
        for before in np.arange(0.0, _SIGHT_M, 0.1):
            x, y, _ = track.pose(at - before)
            line = sign[:2] - (x, y)
            along = float(np.clip((foot[:2] - (x, y)) @ line / (line @ line), 0, 1))
            if np.linalg.norm(foot[:2] - (x, y) - along * line) < 0.1:
                return True
    return False


def _soft_shadow() -> Picture:
    x, y = np.meshgrid(np.linspace(-1, 1, _SHADOW_PX), np.linspace(-1, 1, _SHADOW_PX))
    picture = np.zeros((_SHADOW_PX, _SHADOW_PX, 4), np.uint8)
    picture[..., 3] = 190 * np.clip(1 - np.hypot(x, y), 0, 1)
    return picture


_SHADOW = _soft_shadow()
