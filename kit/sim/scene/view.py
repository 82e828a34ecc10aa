"""The pinhole camera of the virtual set, and how to paint flat things through it.

Table coordinates are metres: x and y on the table, z up from its top. Picture coordinates are
pixels with the origin in the middle of the top left pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""BGR or BGRA picture, (H, W, 3) or (H, W, 4) uint8."""

Points = NDArray[np.float64]
"""Points, (N, 2) or (N, 3) float64."""

SUBPIXEL_BITS = 4
"""How finely polygons are placed between pixels."""

_NEAR_M = 0.05


@dataclass(frozen=True)
class View:
    """A camera at one moment.

    Attributes:
        size: Width and height of the picture, pixels.
        focal_px: Focal length.
        centre: Place of the lens, shape (3,), metres.
        rotation: From table to camera axes (right, down, forward), shape (3, 3).
    """

    size: tuple[int, int]
    focal_px: float
    centre: Points
    rotation: Points

    @classmethod
    def look(
        cls,
        *,
        size: tuple[int, int],
        hfov_deg: float,
        centre: tuple[float, float, float],
        heading_rad: float,
        pitch_rad: float,
        roll_rad: float = 0.0,
    ) -> View:
        """Aim a camera.

        Args:
            size: Width and height of the picture, pixels.
            hfov_deg: Horizontal field of view.
            centre: Place of the lens, metres.
            heading_rad: Direction on the table.
            pitch_rad: Tilt; positive looks down.
            roll_rad: Turn about the line of sight; positive turns the camera clockwise.
        """
        sin_h, cos_h = math.sin(heading_rad), math.cos(heading_rad)
        sin_p, cos_p = math.sin(pitch_rad), math.cos(pitch_rad)
        right = np.array([sin_h, -cos_h, 0.0])
        forward = np.array([cos_h * cos_p, sin_h * cos_p, -sin_p])
        down = np.cross(forward, right)
        sin_r, cos_r = math.sin(roll_rad), math.cos(roll_rad)
        rotation = np.array([cos_r * right + sin_r * down, cos_r * down - sin_r * right, forward])
        focal = size[0] / 2 / math.tan(math.radians(hfov_deg) / 2)
        return cls(size, focal, np.array(centre), rotation)

    @property
    def intrinsics(self) -> Points:
        """Camera matrix, (3, 3)."""
        width, height = self.size
        middle = ((width - 1) / 2, (height - 1) / 2)
        return np.array([[self.focal_px, 0, middle[0]], [0, self.focal_px, middle[1]], [0, 0, 1.0]])

    def scaled(self, factor: float) -> View:
        """Return the same view on a picture of another size."""
        size = round(self.size[0] * factor), round(self.size[1] * factor)
        return View(size, self.focal_px * factor, self.centre, self.rotation)

    def to_camera(self, points: Points) -> Points:
        """Turn table coordinates into camera axes: right, down, forward. (..., 3) both."""
        turned: Points = (points - self.centre) @ self.rotation.T
        return turned

    def project(self, points: Points) -> tuple[Points, Points]:
        """Project points.

        Args:
            points: (..., 3), metres.

        Returns:
            Pixels (..., 2) and depths (...) in metres; pixels mean nothing at depths that
            are not positive.
        """
        seen = self.to_camera(points)
        depth = seen[..., 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        middle = (np.array(self.size) - 1) / 2
        return seen[..., :2] * (self.focal_px / safe)[..., None] + middle, depth

    def polygon(self, corners: Points) -> Points:
        """Project a flat polygon, cut off where it comes too near to the lens.

        Args:
            corners: (N, 3), metres, in order.

        Returns:
            (M, 2) pixels; M is 0 if all of it is behind the camera.
        """
        seen = self.to_camera(corners)
        kept: list[Points] = []
        for here, there in zip(seen, np.roll(seen, -1, axis=0), strict=True):
            inside = here[2] >= _NEAR_M
            if inside:
                kept.append(here)
            if inside != (there[2] >= _NEAR_M):
                part = (_NEAR_M - here[2]) / (there[2] - here[2])
                kept.append(here + part * (there - here))
        if not kept:
            return np.zeros((0, 2))
        cut = np.array(kept)
        middle = (np.array(self.size) - 1) / 2
        return cut[:, :2] * (self.focal_px / cut[:, 2:]) + middle

    def plane(self, origin: Points, across: Points, down: Points) -> Points:
        """Return the homography from a plane's own coordinates to pixels.

        Args:
            origin: (3,), where (0, 0) of the plane is.
            across: (3,), step of the plane's first coordinate.
            down: (3,), step of its second.
        """
        axes = np.array([across, down, origin - self.centre]).T
        homography: Points = self.intrinsics @ self.rotation @ axes
        return homography

    @property
    def horizon(self) -> tuple[float, float]:
        """Row of the horizon at the left and at the right edge of the picture."""
        right, down, forward = (float(self.rotation[i, 2]) for i in range(3))
        width, height = self.size
        edge = (width - 1) / 2

        def row(x: float) -> float:
            down_safe = down if abs(down) > 1e-9 else 1e-9
            return (height - 1) / 2 - (right * x + forward * self.focal_px) / down_safe

        return row(-edge), row(edge)


def fill(image: Picture, polygons: Points | list[Points], colour: Any) -> None:
    """Fill polygons with smooth edges; where they overlap each other an even number cancels.

    Args:
        image: Painted on.
        polygons: (N, M, 2) or a list of (M, 2), pixels.
        colour: BGR.
    """
    fill_fixed(image, [fixed(points) for points in polygons], colour)


def fill_fixed(
    image: Picture, polygons: NDArray[np.int32] | list[NDArray[np.int32]], colour: Any
) -> None:
    """Fill polygons whose pixels went through :func:`fixed` before."""
    if len(polygons):
        scalar = tuple(map(float, colour))
        cv2.fillPoly(image, list(polygons), scalar, cv2.LINE_AA, SUBPIXEL_BITS)


def fixed(points: Points) -> NDArray[np.int32]:
    """Turn pixels into the whole sub-pixels that OpenCV draws with; any shape."""
    return np.rint(np.clip(points, -4000, 4000) * (1 << SUBPIXEL_BITS)).astype(np.int32)


def paste(
    image: Picture,
    texture: Picture,
    homography: Points,
    *,
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0),
    wash: float = 0.0,
) -> None:
    """Paint a flat picture in perspective; what lies outside the image is left out.

    Args:
        image: Painted on, (H, W, 3).
        texture: BGRA with its colours multiplied by alpha already.
        homography: From texture pixels to image pixels, all corners in front of the camera.
        gain: Light on it, for each channel.
        wash: White veil of a reflection, 0 to 1.
    """
    height, width = texture.shape[:2]
    edges = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5]])
    corners = np.vstack([edges, [-0.5, height - 0.5]])[None]
    outline = cv2.perspectiveTransform(corners, homography)[0]
    low = np.maximum(np.floor(outline.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 1, image.shape[1::-1])
    if (high <= low).any():
        return
    x, y = map(int, low)
    span = int(high[0]) - x, int(high[1]) - y
    patch = cv2.warpPerspective(texture, shifted(homography, x, y), span, flags=cv2.INTER_LINEAR)
    blend(image[y : y + span[1], x : x + span[0]], patch, gain=gain, wash=wash)


def shifted(homography: Points, x: int, y: int) -> Points:
    """Return the homography for a part of the picture whose first pixel is ``x``, ``y``."""
    moved: Points = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1.0]]) @ homography
    return moved


def blend(
    target: Picture, patch: Any, *, gain: tuple[float, float, float], wash: float = 0.0
) -> None:
    """Lay a BGRA patch with multiplied colours over ``target`` of the same size."""
    alpha = cv2.extractChannel(patch, 3)
    colours = cv2.cvtColor(patch, cv2.COLOR_BGRA2BGR)
    spread = cv2.cvtColor(alpha, cv2.COLOR_GRAY2BGR)
    if gain != (1.0, 1.0, 1.0):
        colours = cv2.multiply(colours, np.array([*gain, 1.0]))
    if wash:
        colours = cv2.addWeighted(colours, 1 - wash, spread, wash, 0)
    behind = cv2.multiply(target, cv2.bitwise_not(spread), scale=1 / 255)
    cv2.add(behind, colours, dst=target)


def premultiplied(texture: Picture) -> Picture:
    """Return a BGRA picture with its colours multiplied by alpha."""
    alpha = cv2.cvtColor(cv2.extractChannel(texture, 3), cv2.COLOR_GRAY2BGRA)
    alpha[..., 3] = 255
    return np.asarray(cv2.multiply(texture, alpha, scale=1 / 255), np.uint8)


def mipmaps(texture: Picture, *, smallest: int = 8) -> list[Picture]:
    """Return a picture and its halves, largest first, none smaller than ``smallest`` pixels."""
    levels = [texture]
    while min(levels[-1].shape[:2]) >= 2 * smallest:
        height, width = levels[-1].shape[:2]
        half = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8))
    return levels
