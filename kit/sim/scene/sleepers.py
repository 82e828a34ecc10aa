"""Sleepers with their studs: plates of two by eight studs, seen from low above."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kit.sim.scene.mesh import Mesh, Plastic, Seen, place
from kit.sim.scene.view import SUBPIXEL_BITS, Picture, Points, View, fill_fixed

STUD_M = 0.008
"""LEGO's unit: the distance between two studs."""

SLEEPER_TOP_M = 0.0032
"""Height of a sleeper's plate."""

HALF_LENGTH_M = 4 * STUD_M
"""Half of a sleeper's length, which lies across the track."""

STUDS_UP_TO_M = 0.54
"""From farther away studs cannot be told apart."""

SLEEPERS_UP_TO_M = 1.7
"""From farther away sleepers cannot be told apart."""

_HALF_WIDTH_M = STUD_M
_STUD_TOP_M = 0.005
_STUD_RADIUS_M = 0.0024
_STUDS_ACROSS = (-3.5, -1.5, -0.5, 0.5, 1.5, 3.5)  # the rails hide the others
_TURN = np.linspace(0, 2 * np.pi, 8, endpoint=False) + np.pi / 8
_RING = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1) * 1.04
_SIDE = np.array([[-1, 0], [1, 0], [1, 0], [0.6, 0.8], [-0.6, 0.8], [-1, 0.0]])
_SIDE_LOW = np.array([[0], [0], [1], [1], [1], [1.0]])
_PLATE = np.array(
    [
        [ahead * _HALF_WIDTH_M, left * HALF_LENGTH_M, up]
        for up in (SLEEPER_TOP_M, 0.0)
        for ahead, left in ((1, 1), (1, -1), (-1, -1), (-1, 1))
    ]
)
_BACK, _FRONT, _LEFT, _RIGHT = (0, 1, 5, 4), (3, 2, 6, 7), (0, 3, 7, 4), (1, 2, 6, 5)


class Sleepers:
    """All sleepers of a track.

    Args:
        poses: (N, 3), where they lie; heading is along the track.
        plastic: What they are made of.
    """

    def __init__(self, poses: Points, plastic: Plastic) -> None:
        self._plastic = plastic
        self._plates = Mesh(poses, place(poses, _PLATE), reach_m=HALF_LENGTH_M)
        self._studs = Mesh(poses, place(poses, _stud_heads()), reach_m=HALF_LENGTH_M)

    @property
    def poses(self) -> Points:
        """Where they lie, (N, 3)."""
        return self._plates.poses

    def seen(self, view: View) -> tuple[Seen, Seen]:
        """Project the plates and the studs that can be told apart."""
        return (
            self._plates.seen(view, up_to_m=SLEEPERS_UP_TO_M),
            self._studs.seen(view, up_to_m=STUDS_UP_TO_M),
        )

    def paint_plates(self, image: Picture, plates: NDArray[np.int32], light: Points) -> None:
        """Paint plates, (N, 8, 2) of `Seen.pixels`: the two sides that show, then the tops."""
        # A side shows when its foot lies below its top edge by more than its opposite does.
        faces = []
        for one, other in ((_LEFT, _RIGHT), (_BACK, _FRONT)):
            lower = _middle_row(plates, one) > _middle_row(plates, other)
            chosen = np.where(lower[:, None], one, other)
            faces.append(np.take_along_axis(plates, chosen[..., None], axis=1))
        fill_fixed(image, np.concatenate(faces), self._plastic.shade(0.58, light))
        fill_fixed(image, plates[:, :4], self._plastic.shade(1.0, light))

    def paint_studs(
        self, image: Picture, view: View, heads: NDArray[np.int32], depth: Points, light: Points
    ) -> None:
        """Paint studs, the farther row of each plate first.

        Args:
            image: Painted on.
            view: From where.
            heads: (N, K, 2) of `Seen.pixels`, the middles of the studs' tops.
            depth: (N,), distances of the plates.
            light: Light there, (3,).
        """
        if not len(heads):
            return
        scale = np.array([1, 1]) * (view.focal_px * (1 << SUBPIXEL_BITS) / depth)[:, None]
        flat = float(view.centre[2] - _STUD_TOP_M) / depth
        radius = scale * _STUD_RADIUS_M * np.stack([np.ones_like(flat), flat], axis=1)
        tall = scale * (0, _STUD_TOP_M - SLEEPER_TOP_M)
        top = np.rint(_RING * radius[:, None]).astype(np.int32)
        side = np.rint(_SIDE * radius[:, None] + _SIDE_LOW * tall[:, None]).astype(np.int32)
        rows = heads.reshape(len(heads), 2, 1, -1, 2)
        first_is_far = rows[:, 0, 0, :, 1].sum(axis=1) < rows[:, 1, 0, :, 1].sum(axis=1)
        colours = self._plastic.shade(0.62, light), self._plastic.shade(1.15, light)
        for far in (True, False):
            row = np.where((first_is_far == far)[:, None, None, None], rows[:, 0], rows[:, 1])
            for shape, colour in zip((side, top), colours, strict=True):
                outlines = row.transpose(0, 2, 1, 3) + shape[:, None]
                fill_fixed(image, outlines.reshape(-1, *shape.shape[1:]), colour)


def _middle_row(plates: NDArray[np.int32], corners: tuple[int, ...]) -> NDArray[np.int32]:
    return plates[:, corners[2], 1] + plates[:, corners[3], 1]


def _stud_heads() -> Points:
    """Middles of the tops of twelve studs: two rows of six, (12, 3)."""
    return np.array(
        [
            [ahead * STUD_M, across * STUD_M, _STUD_TOP_M]
            for ahead in (0.5, -0.5)
            for across in _STUDS_ACROSS
        ]
    )
