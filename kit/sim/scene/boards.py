"""Signs on their posts: face, edge, back, post, base and shadow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.mlops.drawing.signs import draw_face
from kit.sim.scenario import Sign
from kit.sim.scene.lights import Gain, Light, LightMap
from kit.sim.scene.mesh import NEAREST_M, Plastic
from kit.sim.scene.view import (
    Picture,
    Points,
    View,
    fill,
    mipmaps,
    paste,
    premultiplied,
)
from kit.sim.track import Track

_FACE_PX = 256
_FARTHEST_M = 3.5
_FLATTEST = 0.12
"""Sine below which a face is seen from its edge and counts as not seen."""

_EDGE_M = 0.003
_POST = Plastic(np.array([26, 25, 25.0]))
_BASE = Plastic(np.array([118, 114, 110.0]))
_BACK = Plastic(np.array([60, 58, 57.0]))
_UP = np.array([0, 0, 1.0])


@dataclass(frozen=True)
class Truth:
    """A sign that shows its face in a picture.

    Attributes:
        face: Name in the catalogue.
        label: Class name that a detector should report, None for signs to be ignored.
        box: ``(x, y, width, height)`` of the whole face in pixels, cut at the picture's edge.
        distance_m: From the lens.
        visible: Share of the face that shows, 0 to 1.
    """

    face: str
    label: str | None
    box: tuple[float, float, float, float]
    distance_m: float
    visible: float

    def as_json(self) -> dict[str, object]:
        """Return it as it travels beside the pictures."""
        return {
            "face": self.face,
            "label": self.label,
            "box": [round(value, 2) for value in self.box],
            "distance_m": round(self.distance_m, 4),
            "visible": round(self.visible, 3),
        }


class Board:
    """One sign, ready to be painted from any view.

    Args:
        sign: What and where.
        track: Beside which it stands.
        light: What lights it.
        light_map: Where it is bright.
        rng: Turns it a little against the light.
    """

    def __init__(
        self,
        sign: Sign,
        track: Track,
        *,
        light: Light,
        light_map: LightMap,
        rng: np.random.Generator,
    ) -> None:
        left = sign.offset_m if sign.side == "left" else -sign.offset_m
        x, y = track.beside(sign.at_m, left)
        turn = track.pose(sign.at_m).heading_rad + math.radians(sign.yaw_deg)
        self.sign = sign
        self.foot = np.array([x, y, 0.0])
        self.normal = np.array([-math.cos(turn), -math.sin(turn), 0.0])
        self._right = np.array([math.sin(turn), -math.cos(turn), 0.0])
        self._middle = self.foot + np.array([0, 0, sign.height_m]) + self.normal * 0.005
        self._faces, self._backs, self._outline = _plate(sign.face)
        here = light_map.at(np.array([x]), np.array([y]))[0].astype(np.float64)
        slant = 0.8 + 0.2 * float(rng.uniform(-1, 1))
        self._light: Points = np.clip(here * slant, 0.1, 1.25)
        self._wash = float(np.clip(rng.normal(0.05, 0.06), 0, 0.22) * here.mean())
        self._shadow = _shadow(light, sign)
        self._darkness = light.shadow

    def depth(self, view: View) -> float:
        """Distance in front of the lens, metres."""
        return float(view.project(self._middle)[1])

    def in_sight(self, view: View) -> bool:
        """Whether some of it may be in the picture."""
        if not NEAREST_M < self.depth(view) < _FARTHEST_M:
            return False
        pixels, _ = view.project(np.array([self.foot, self._middle]))
        size = self.sign.width_m * 1.5 * view.focal_px / self.depth(view)
        low, high = pixels.min(axis=0) - size, pixels.max(axis=0) + size
        return bool((high > 0).all() and (low < view.size).all())

    def paint_shadow(self, image: Picture, view: View) -> None:
        """Darken the table around the base."""
        if self.depth(view) < NEAREST_M + self._shadow.reach_m:
            return
        cell = 2 * self._shadow.reach_m / self._shadow.picture.shape[0]
        corner = self.foot - np.array([1, 1, 0]) * self._shadow.reach_m
        matrix = view.plane(corner, np.array([cell, 0, 0]), np.array([0, cell, 0.0]))
        paste(image, self._shadow.picture, matrix)

    def paint(self, image: Picture, view: View) -> None:
        """Paint the sign: its stand first if one looks at its front, last from behind.

        Args:
            image: (H, W, 3), painted on.
            view: From where.
        """
        towards = view.centre - self._middle
        if float(towards @ self.normal) > 0:
            self._paint_stand(image, view)
            self._paint_plate(image, view)
        else:
            self._paint_plate(image, view)
            self._paint_stand(image, view)

    def shows_face(self, view: View) -> bool:
        """Whether one looks at its front, and not too flatly."""
        towards = view.centre - self._middle
        return float(towards @ self.normal) > _FLATTEST * float(np.linalg.norm(towards))

    def hull(self, view: View) -> Points:
        """Return the outline of its plate in pixels, (N, 2)."""
        across, down, corner = self._axes(_FACE_PX)
        points = corner + self._outline[:, :1] * across + self._outline[:, 1:] * down
        return view.project(points)[0]

    def distance(self, view: View) -> float:
        """Return the distance of the face from the lens, metres."""
        return float(np.linalg.norm(view.centre - self._middle))

    def _axes(self, size_px: int, shift_m: float = 0.0) -> tuple[Points, Points, Points]:
        """Steps across and down of a texture of this size, and where its first pixel is."""
        cell = self.sign.width_m / size_px
        across, down = self._right * cell, -_UP * cell
        corner = self._middle - (across + down) * (size_px - 1) / 2 + self.normal * shift_m
        return across, down, corner

    def _paint_plate(self, image: Picture, view: View) -> None:
        size = self.sign.width_m * view.focal_px / self.depth(view)
        level = int(np.clip(np.log2(_FACE_PX / max(size, 1)), 0, len(self._faces) - 1))
        front = float((view.centre - self._middle) @ self.normal) > 0
        edge, face = (self._backs[level], self._faces[level])
        if not front:
            edge, face = face, edge
        far, near = (-_EDGE_M, 0.0) if front else (0.0, -_EDGE_M)
        self._paste(image, view, edge, far, 0.0)
        self._paste(image, view, face, near, self._wash if front else 0.0)

    def _paste(
        self, image: Picture, view: View, texture: Picture, shift_m: float, wash: float
    ) -> None:
        across, down, corner = self._axes(texture.shape[0], shift_m)
        gain: Gain = (float(self._light[0]), float(self._light[1]), float(self._light[2]))
        paste(image, texture, view.plane(corner, across, down), gain=gain, wash=wash)

    def _paint_stand(self, image: Picture, view: View) -> None:
        """Paint the square base and the round post with its glint."""
        width = self.sign.width_m
        behind = self.foot - self.normal * 0.001
        self._paint_base(image, view, width * 0.36, width * 0.1)
        sideways = np.array([view.rotation[0, 0], view.rotation[0, 1], 0.0])
        top = self.sign.height_m - (0.0 if width < 0.02 else width * 0.1)
        for low, high, half, share, factor in (
            (width * 0.1, width * 0.32, width * 0.085, 1.0, 0.9),
            (width * 0.3, top, width * 0.055, 1.0, 1.0),
            (width * 0.3, top, width * 0.055, 0.3, 2.6),
            (width * 0.1, width * 0.32, width * 0.085, 0.3, 2.4),
        ):
            right = half * (1 if share == 1.0 else -0.25)
            left = half * (-1 if share == 1.0 else -0.25 - share)
            corners = np.array(
                [
                    behind + sideways * left + _UP * low,
                    behind + sideways * right + _UP * low,
                    behind + sideways * right + _UP * high,
                    behind + sideways * left + _UP * high,
                ]
            )
            fill(image, [view.project(corners)[0]], _POST.shade(factor, self._light))

    def _paint_base(self, image: Picture, view: View, half: float, height: float) -> None:
        signs = ((1, 1), (1, -1), (-1, -1), (-1, 1))
        plan = np.array([a * half * self.normal + b * half * self._right for a, b in signs])
        lower = view.project(self.foot + plan)[0]
        upper = view.project(self.foot + plan + _UP * height)[0]
        for first in range(4):
            second = (first + 1) % 4
            outward = plan[first] + plan[second]
            if float((view.centre - self.foot) @ outward) > float(outward @ outward) / 2:
                side = [np.array([upper[first], upper[second], lower[second], lower[first]])]
                fill(image, side, _BASE.shade(0.55 + 0.12 * (first % 2), self._light))
        fill(image, [upper], _BASE.shade(1.02, self._light))


@dataclass(frozen=True)
class _Shadow:
    picture: Picture
    reach_m: float


def _shadow(light: Light, sign: Sign) -> _Shadow:
    """Draw the shadow of a sign on the table as a soft black picture with alpha."""
    size = 96
    reach = min(sign.height_m * light.shadow_reach + sign.width_m, 0.16)
    scale = size / 2 / reach
    dark = np.zeros((size, size), np.float32)
    away = np.array([math.cos(light.shadow_heading_rad), math.sin(light.shadow_heading_rad)])
    middle = np.array([size / 2, size / 2])
    tip = middle + away * (reach - sign.width_m * 0.6) * scale
    strength = light.shadow
    ends = [tuple(map(int, np.rint(point))) for point in (middle, tip)]
    cv2.line(dark, ends[0], ends[1], strength, max(1, round(sign.width_m * 0.12 * scale)))
    cv2.circle(dark, ends[1], round(sign.width_m * 0.42 * scale), strength * 0.8, -1)
    dark = np.asarray(cv2.GaussianBlur(dark, (0, 0), size / 40), np.float32)
    contact = np.zeros_like(dark)
    half = round(sign.width_m * 0.42 * scale)
    low, high = ends[0][0] - half, ends[0][0] + half
    cv2.rectangle(contact, (low, low), (high, high), 0.7, -1)
    contact = np.asarray(cv2.GaussianBlur(contact, (0, 0), size / 36), np.float32)
    picture = np.zeros((size, size, 4), np.uint8)
    picture[..., 3] = np.clip(np.maximum(dark, contact) * 255, 0, 255)
    return _Shadow(picture, reach)


@lru_cache(maxsize=256)
def _plate(face: str) -> tuple[list[Picture], list[Picture], Points]:
    """Draw a face and its back in all sizes, and find its outline."""
    front = premultiplied(draw_face(face, _FACE_PX))
    return mipmaps(front), mipmaps(_silhouette(front)), _outline(front)


def _silhouette(face: Picture) -> Picture:
    """Return the shape of a face as dark plastic, colours multiplied by alpha."""
    plain = np.empty_like(face)
    plain[..., :3] = (face[..., 3:] * (_BACK.base / 255)).astype(np.uint8)
    plain[..., 3] = face[..., 3]
    return plain


def _outline(face: Picture) -> Points:
    """Return the outline of a face's silhouette, (N, 2) in its pixels."""
    solid: NDArray[np.uint8] = (face[..., 3] > 127).astype(np.uint8)
    found, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    longest = max(found, key=len)[:, 0].astype(np.float64)
    # A contour runs through the middles of the outermost pixels: half a pixel too narrow.
    middle = (np.array(face.shape[1::-1]) - 1) / 2
    return np.asarray(longest + np.sign(longest - middle) * 0.5)
