"""Signs in space: a flat plate with an edge, on a post, turned and seen in perspective."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.mlops.drawing.light import light_face
from kit.mlops.drawing.signs import OTHER

Rng = np.random.Generator
Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

_FACE_RESOLUTION = 1.6  # face pixels kept for each pixel of the picture


@dataclass(frozen=True)
class Pose:
    """Where a sign stands in the picture.

    Attributes:
        x: Middle of the plate, pixels.
        y: Middle of the plate, pixels.
        size: Width of the plate seen face on, pixels.
        yaw: Turn about the post, degrees; 0 faces the camera.
        pitch: Tilt towards the ground, degrees.
        roll: Turn in the picture's plane, degrees.
        lean: Direction in which the post goes down, degrees from straight down.
        post: Length of the post below the plate, in plate widths.
        back: The plate is seen from behind.
    """

    x: float
    y: float
    size: float
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    lean: float = 0.0
    post: float = 1.4
    back: bool = False


@dataclass(frozen=True)
class Placed:
    """A sign that was drawn.

    Attributes:
        class_id: Of its face, or `OTHER` when seen from behind.
        box: x1, y1, x2, y2 of its silhouette in pixels; may reach out of the picture.
        area: Pixels that the whole silhouette would cover.
        yaw: As in the pose, degrees.
    """

    class_id: int
    box: tuple[float, float, float, float]
    area: float
    yaw: float


class Scene:
    """A picture in the making, and which sign is seen at each of its pixels.

    Args:
        image: BGR background (H, W, 3) uint8, drawn upon in place.
    """

    def __init__(self, image: Image) -> None:
        self.image = image
        self.owner = np.full(image.shape[:2], -1, np.int16)
        self.placed: list[Placed] = []

    def place(self, pyramid: tuple[Image, ...], class_id: int, pose: Pose, rng: Rng) -> None:
        """Draw one sign in front of all that was drawn before.

        Args:
            pyramid: The face in falling sizes, BGRA.
            class_id: Of the face.
            pose: Where and how.
            rng: Source of chance for its light and its post.
        """
        face = next(
            (f for f in reversed(pyramid) if f.shape[0] >= pose.size * _FACE_RESOLUTION), pyramid[0]
        )
        if pose.back:
            face = _blank(face)
            class_id = OTHER
        face, edge_colour = light_face(face, rng)
        if not pose.back:
            self._post(pose, edge_colour, rng)
        corner, patch, solid = _project(face, edge_colour, pose, float(rng.uniform(0.03, 0.14)))
        self._paste(corner, patch, len(self.placed))
        if pose.back:
            self._post(pose, edge_colour, rng)
        self.placed.append(_measure(solid, corner, class_id, pose))

    def cover(self, outline: Floats, colour: tuple[float, ...]) -> None:
        """Draw something, given by the corners of its outline, in front of everything."""
        corners = [outline.round().astype(np.int32)]
        cv2.fillPoly(self.image, corners, colour, cv2.LINE_AA)
        cv2.fillPoly(self.owner, corners, -1)

    def _paste(self, corner: tuple[int, int], patch: Image, owner: int) -> None:
        height, width = self.image.shape[:2]
        x0, y0 = max(corner[0], 0), max(corner[1], 0)
        x1 = min(corner[0] + patch.shape[1], width)
        y1 = min(corner[1] + patch.shape[0], height)
        if x0 >= x1 or y0 >= y1:
            return
        part = patch[y0 - corner[1] : y1 - corner[1], x0 - corner[0] : x1 - corner[0]]
        alpha = part[..., 3:].astype(np.float32) / 255
        ground = self.image[y0:y1, x0:x1]
        ground[:] = (ground * (1 - alpha) + part[..., :3] * alpha).astype(np.uint8)
        self.owner[y0:y1, x0:x1][part[..., 3] > 127] = owner

    def _post(self, pose: Pose, clip_colour: NDArray[np.float32], rng: Rng) -> None:
        down = np.array([np.sin(np.radians(pose.lean)), np.cos(np.radians(pose.lean))])
        side = np.array([down[1], -down[0]])
        behind = _rotation(pose)[:2, 2] * pose.size * float(rng.uniform(0.05, 0.16))
        middle = np.array([pose.x, pose.y]) + behind * (-1 if pose.back else 1)
        top, foot = middle + down * pose.size * 0.1, middle + down * pose.size * (0.45 + pose.post)
        dark = rng.uniform(5, 70) if rng.random() < 0.85 else rng.uniform(70, 200)
        shade = tuple(float(v) for v in np.clip(dark * (1 + rng.normal(0, 0.1, 3)), 0, 255))
        grey = float(rng.uniform(40, 220))
        half = pose.size * float(rng.uniform(0.04, 0.075))
        base, deep = pose.size * float(rng.uniform(0.25, 0.45)), pose.size * 0.07
        if rng.random() < 0.9:
            for shift, tone in ((deep, grey * 0.7), (0.0, grey)):
                at = foot + down * shift
                far, near = side * base, side * base * 1.25
                corners = [at + far - down * deep, at - far - down * deep]
                corners += [at - near + down * deep, at + near + down * deep]
                self.cover(np.array(corners), (tone, tone, tone))
        for start, wide in (
            (top - down * pose.size * 0.2, half),
            (foot - down * pose.size * 0.3, half * 1.7),
        ):
            corners = [
                start + side * wide,
                start - side * wide,
                foot - side * wide,
                foot + side * wide,
            ]
            self.cover(np.array(corners), shade)
        if rng.random() < 0.6:
            tall, shade = down * pose.size * 0.1, tuple(float(v) for v in clip_colour)
            ends = [middle + side * half * 1.6, middle - side * half * 1.6]
            corners = [ends[0] - tall, ends[1] - tall, ends[1] + tall, ends[0] + tall]
            self.cover(np.array(corners), shade)


def _blank(face: Image) -> Image:
    """Return the face with its ink gone: a plate's back."""
    plain = face.copy()
    opaque = face[..., 3] > 127
    plain[..., :3] = np.median(face[opaque][:, :3], axis=0).astype(np.uint8)
    return plain


def _measure(
    solid: NDArray[np.bool_], corner: tuple[int, int], class_id: int, pose: Pose
) -> Placed:
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not len(rows):
        return Placed(class_id, (pose.x, pose.y, pose.x + 1, pose.y + 1), 0.0, pose.yaw)
    x0, y0 = corner
    box = (x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1)
    x1, y1, x2, y2 = (float(v) for v in box)
    return Placed(class_id, (x1, y1, x2, y2), float(solid.sum()), pose.yaw)


def _rotation(pose: Pose) -> Floats:
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    about_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    return np.asarray(about_z @ about_x @ about_y, np.float64)


def _project(
    face: Image, edge_colour: NDArray[np.float32], pose: Pose, thickness: float
) -> tuple[tuple[int, int], Image, NDArray[np.bool_]]:
    """Turn the face in space and give it an edge.

    Returns:
        The patch's top-left corner in the picture, the patch (BGRA uint8), and where it is solid.
    """
    turn = _rotation(pose)
    half = pose.size / 2
    corners = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]) @ turn.T
    flat = corners[:, :2] * half / (1 + corners[:, 2:] / 14)
    back = turn @ np.array([0, 0, 1.0])
    shift = back[:2] * pose.size * thickness
    reach = np.abs(flat).max() + np.abs(shift).max() + 2
    x0, y0 = int(np.floor(pose.x - reach)), int(np.floor(pose.y - reach))
    edge = int(np.ceil(2 * reach)) + 2
    target = flat + np.array([pose.x - x0, pose.y - y0])
    n = face.shape[0]
    source = np.array([(0, 0), (n, 0), (n, n), (0, n)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
    front = cv2.warpPerspective(face, matrix, (edge, edge), flags=cv2.INTER_LINEAR)
    steps = int(np.ceil(np.hypot(*shift)))
    behind = np.zeros((edge, edge), np.uint8)
    for step in range(1, steps + 1):
        dx, dy = shift * step / steps
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        moved = cv2.warpAffine(front[..., 3], move, (edge, edge))
        behind = np.maximum(behind, np.asarray(moved, np.uint8))
    patch = _over(np.asarray(front, np.uint8), behind, edge_colour)
    return (x0, y0), patch, patch[..., 3] > 127


def _over(front: Image, behind: Image, edge_colour: NDArray[np.float32]) -> Image:
    """Lay the face over the silhouette of its edge."""
    alpha = front[..., 3:].astype(np.float32) / 255
    colours = front[..., :3] * alpha + edge_colour * (1 - alpha)
    both = np.maximum(front[..., 3], behind)[..., None]
    return np.concatenate([colours, both], axis=2).astype(np.uint8)
