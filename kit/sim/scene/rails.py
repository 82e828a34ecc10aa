"""The LEGO track: two rails on sleepers, and the place where a rail is broken.

Everything is flat-coloured polygons, gathered by distance so that one call of OpenCV paints
many of them, far ones first.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from kit.sim.scene.lights import LightMap
from kit.sim.scene.mesh import FARTHEST_M, NEAREST_M, Mesh, Plastic, Seen
from kit.sim.scene.sleepers import (
    HALF_LENGTH_M,
    SLEEPER_TOP_M,
    STUD_M,
    Sleepers,
)
from kit.sim.scene.view import Picture, Points, View, fill_fixed
from kit.sim.track import Track

_PITCH_M = 4 * STUD_M
_SHADE_M = HALF_LENGTH_M + 0.0015
_GAUGE_M = 2.5 * STUD_M
_RAIL_HALF_M = 0.0019
_RAIL_TOP_M = 0.0096
_FLANGE_TOP_M = 0.0045
_SEGMENT_M = _PITCH_M
_JOINT_EVERY = 4  # segments
_GAP_M = (0.015, 0.12)  # how much of the track is missing behind a danger point
_BEYOND_M = 0.4  # an open track shows a little beyond what the train may use
_FLANGES_UP_TO_M, _JOINTS_UP_TO_M, _GLINTS_UP_TO_M = 0.5, 0.7, 1.5
_BINS_M = (FARTHEST_M, 1.7, 0.95, 0.54, 0.28, NEAREST_M)
_GREYS = np.array([[94, 92, 88], [120, 114, 106], [134, 130, 124]])


def _strips() -> list[tuple[float, float, float, float]]:
    """Cross-section of the track: strips from (left, height) to (left, height)."""
    strips = [
        (-_SHADE_M, 0.0, _SHADE_M, 0.0),
        (-HALF_LENGTH_M, SLEEPER_TOP_M, HALF_LENGTH_M, SLEEPER_TOP_M),
    ]
    for gauge in (_GAUGE_M, -_GAUGE_M):
        strips.append((gauge - _RAIL_HALF_M, _RAIL_TOP_M, gauge + _RAIL_HALF_M, _RAIL_TOP_M))
        for side in (1, -1):
            edge, foot = gauge + side * _RAIL_HALF_M, gauge + side * 2.1 * _RAIL_HALF_M
            strips += [
                (foot, _FLANGE_TOP_M, edge, _FLANGE_TOP_M),
                (edge, _FLANGE_TOP_M, edge, _RAIL_TOP_M),
                (edge - side * 0.0009, _RAIL_TOP_M, edge, _RAIL_TOP_M),
            ]
    return strips


_STRIPS = _strips()
_SHADE, _BED, _FIRST_RAIL, _STRIPS_OF_RAIL = 0, 1, 2, 7


class Rails:
    """The track, ready to be painted from any view.

    Args:
        track: Where it runs.
        broken_at_m: Where a rail is broken, if one is.
        table_colour: BGR of the table, which shows between the sleepers.
        light_map: Light on the table.
        rng: Chooses the plastic and lays the loose sleepers.
    """

    def __init__(
        self,
        track: Track,
        *,
        broken_at_m: float | None,
        table_colour: Points,
        light_map: LightMap,
        rng: np.random.Generator,
    ) -> None:
        self._plastic = Plastic(_GREYS[rng.integers(len(_GREYS))] * rng.uniform(0.92, 1.06))
        self._table = Plastic(table_colour)
        self._map = light_map
        margin = 0.0 if track.closed else _BEYOND_M
        at = np.arange(-margin, track.length_m + margin, _SEGMENT_M)
        at = at[_outside_gap(at, broken_at_m) & _outside_gap(at + _SEGMENT_M, broken_at_m)]
        self._segments = _segments(track, at)
        self._joint = np.mod(np.round(at / _SEGMENT_M), _JOINT_EVERY) == 0
        places = np.arange(-margin, track.length_m + margin - _PITCH_M / 2, _PITCH_M) + _PITCH_M / 2
        sleepers = track.poses(places[_outside_gap(places, broken_at_m)])
        if broken_at_m is not None:
            sleepers = np.vstack([sleepers, _loose(track, broken_at_m, rng)])
        self._sleepers = Sleepers(sleepers, self._plastic)

    def paint(self, image: Picture, view: View) -> None:
        """Paint the track over the table.

        Args:
            image: (H, W, 3), painted on.
            view: From where.
        """
        segments = self._segments.seen(view)
        plates, studs = self._sleepers.seen(view)
        quads = segments.pixels.reshape(-1, len(_STRIPS), 4, 2)
        bins = list(itertools.pairwise(_BINS_M))
        parts = [segments.between(near, far) for far, near in bins]
        lights = [self._light(segments.index[part]) for part in parts]
        for part, light, (_, near) in zip(parts, lights, bins, strict=True):
            self._paint_bed(image, quads[part], light, near)
        for light, (far, near) in zip(lights, bins, strict=True):
            self._sleepers.paint_plates(image, plates.pixels[plates.between(near, far)], light)
            part = studs.between(near, far)
            self._sleepers.paint_studs(image, view, studs.pixels[part], studs.depth[part], light)
        left_side = self._camera_is_left(view, segments)
        for part, light, (_, near) in zip(parts, lights, bins, strict=True):
            self._paint_rails(image, quads[part], left_side[:, part], light, near)
            if near < _JOINTS_UP_TO_M:
                joints = self._joint[segments.index[part]]
                self._paint_joints(image, quads[part][joints], light)

    def _light(self, index: NDArray[np.intp]) -> Points:
        poses = self._segments.poses[index]
        if not len(poses):
            return np.ones(3)
        x, y = poses[:, 0].mean(), poses[:, 1].mean()
        return np.asarray(self._map.at(np.array([x]), np.array([y]))[0], np.float64)

    def _camera_is_left(self, view: View, seen: Seen) -> NDArray[np.bool_]:
        """Return for both rails, (2, N), whether the camera sees their left sides."""
        poses = self._segments.poses[seen.index]
        towards = view.centre[:2] - poses[:, :2]
        left = towards[:, 1] * np.cos(poses[:, 2]) - towards[:, 0] * np.sin(poses[:, 2])
        return np.stack([left > _GAUGE_M, left > -_GAUGE_M])

    def _paint_bed(
        self, image: Picture, quads: NDArray[np.int32], light: Points, near: float
    ) -> None:
        """The shade under and beside the track, and from afar the sleepers themselves."""
        shade = np.array(self._table.shade(0.5, light))
        fill_fixed(image, quads[:, _SHADE], shade)
        blend = float(np.clip((near - 0.5) / 0.9, 0, 1)) * 0.8
        if blend:
            far_sleepers = np.array(self._plastic.shade(0.82, light, 0.05))
            fill_fixed(image, quads[:, _BED], shade * (1 - blend) + far_sleepers * blend)

    def _paint_rails(
        self,
        image: Picture,
        quads: NDArray[np.int32],
        left_side: NDArray[np.bool_],
        light: Points,
        near: float,
    ) -> None:
        haze = float(np.clip((near - 0.15) / 9, 0, 0.14))
        colours = (
            self._plastic.shade(0.8, light, haze),
            self._plastic.shade(0.58, light, haze),
            self._plastic.shade(1.6, light, haze),
        )
        top = self._plastic.shade(1.08, light, haze * 1.6)
        for rail in (0, 1):
            first = _FIRST_RAIL + rail * _STRIPS_OF_RAIL
            sides = np.where(left_side[rail][:, None], [1, 2, 3], [4, 5, 6]) + first
            flange, wall, glint = np.take_along_axis(
                quads, sides[..., None, None], axis=1
            ).transpose(1, 0, 2, 3)
            if near < _FLANGES_UP_TO_M:
                fill_fixed(image, flange, colours[0])
            fill_fixed(image, wall, colours[1])
            fill_fixed(image, quads[:, first], top)
            if near < _GLINTS_UP_TO_M:
                fill_fixed(image, glint, colours[2])

    def _paint_joints(self, image: Picture, quads: NDArray[np.int32], light: Points) -> None:
        """Thin dark lines where two lengths of rail meet."""
        for rail in (0, 1):
            tops = quads[:, _FIRST_RAIL + rail * _STRIPS_OF_RAIL]
            thin = tops.copy()
            thin[:, 1:3] = tops[:, [0, 3]] + (tops[:, 1:3] - tops[:, [0, 3]]) // 14
            fill_fixed(image, thin, self._plastic.shade(0.4, light))


def _segments(track: Track, at: Points) -> Mesh:
    """Cut the track into short lengths, each with every strip of its cross-section."""
    ends = [track.poses(at), track.poses(at + _SEGMENT_M)]
    corners = []
    for low_left, low_up, high_left, high_up in _STRIPS:
        for end, left, up in ((0, low_left, low_up), (1, low_left, low_up),
                              (1, high_left, high_up), (0, high_left, high_up)):  # fmt: skip
            x, y, heading = ends[end].T
            corners.append(np.stack(
                [x - left * np.sin(heading), y + left * np.cos(heading), np.full(len(x), up)],
                axis=1,
            ))  # fmt: skip
    return Mesh(ends[0], np.stack(corners, axis=1), reach_m=HALF_LENGTH_M)


def _outside_gap(at: Points, broken_at_m: float | None) -> NDArray[np.bool_]:
    if broken_at_m is None:
        return np.ones(len(at), bool)
    low, high = (broken_at_m + edge for edge in _GAP_M)
    return np.asarray((at < low) | (at > high))


def _loose(track: Track, broken_at_m: float, rng: np.random.Generator) -> Points:
    """Poses of sleepers that lie about where the track is broken, (3, 3)."""
    poses = []
    for along, left in ((0.02, 0.012), (0.06, -0.03), (0.09, 0.055)):
        x, y = track.beside(broken_at_m + along, left)
        turn = track.pose(broken_at_m).heading_rad + rng.uniform(-0.9, 0.9)
        poses.append((x, y, turn))
    return np.array(poses)
