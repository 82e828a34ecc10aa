"""What the camera on the train sees, and what a perfect detector would say about it."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from kit.events import FRAME_HEIGHT, FRAME_WIDTH
from kit.sim.scenario import Scenario
from kit.sim.scene.boards import Board, Truth
from kit.sim.scene.lights import LightMap, choose_light
from kit.sim.scene.mesh import FARTHEST_M
from kit.sim.scene.rails import Rails
from kit.sim.scene.rooms import Room
from kit.sim.scene.scenery import Thing, plant_scenery
from kit.sim.scene.sensor import Sensor
from kit.sim.scene.table import TableTop
from kit.sim.scene.truth import look_for
from kit.sim.scene.view import Picture, Points, View
from kit.sim.world import WorldState

__all__ = ["Renderer", "Truth"]

_TABLE_MARGIN_M = (0.3, 0.6)
_CRASH_ROLL_RAD = 0.32
_CRASH_DROP_M = 0.035
_ROCKING = (
    # waves a metre, then roll, pitch and yaw in radians and lift in metres, at full rocking
    (0.9, 0.010, 0.003, 0.006, 0.0012),
    (3.1, 0.007, 0.004, 0.003, 0.0008),
    (7.8, 0.004, 0.005, 0.001, 0.0006),
)


@dataclass(frozen=True)
class _Scene:
    """What was painted last: for which place, from where, before the sensor saw it."""

    place: tuple[float, bool]
    view: View
    image: Picture
    truth: tuple[Truth, ...]


class Renderer:
    """Paints the set; the same scenario, seed and state give the same picture.

    Args:
        scenario: What stands where.
        seed: Varies it, and furnishes the room; see
            :meth:`~kit.sim.scenario.Scenario.varied`.
    """

    def __init__(self, scenario: Scenario, *, seed: int = 0) -> None:
        self.scenario = scenario.varied(seed)
        varied = self.scenario
        assert varied.room != "any"
        assert varied.lighting != "any"
        assert varied.table != "any"

        def rng(part: str) -> np.random.Generator:
            """A generator for each part, so that one more sign changes nothing else."""
            return np.random.default_rng([abs(seed), zlib.crc32(part.encode())])

        self._track = varied.build_track()
        low_x, low_y, high_x, high_y = self._track.bounds()
        edges = rng("table size").uniform(*_TABLE_MARGIN_M, 4)
        bounds = (low_x - edges[0], low_y - edges[1], high_x + edges[2], high_y + edges[3])
        light = choose_light(varied.lighting, rng("light"))
        along = self._track.poses(np.arange(0, self._track.length_m, 0.02))[:, :2]
        light_map = LightMap(light, bounds=bounds, along=along, rng=rng("pools"))
        self._room = Room(varied.room, table=bounds, light=light, rng=rng("room"))
        self._table = TableTop(varied.table, bounds=bounds, light=light, light_map=light_map)
        self._rails = Rails(
            self._track,
            broken_at_m=varied.derails_at_m,
            table_colour=self._table.base,
            light_map=light_map,
            rng=rng("rails"),
        )
        self._boards = [
            Board(sign, self._track, light=light, light_map=light_map, rng=rng(str(sign)))
            for sign in varied.signs
        ]
        self._things: list[Thing] = [
            *self._boards,
            *plant_scenery(
                self._track,
                crowding=varied.scenery,
                signs=[(board.sign.at_m, board.foot) for board in self._boards],
                bounds=bounds,
                light_map=light_map,
                lit_windows=light.window < 0.2,
                rng=rng("scenery"),
            ),
        ]
        self._feet = np.array([thing.foot for thing in self._things]).reshape(-1, 3)
        self._sensor = Sensor(
            (FRAME_WIDTH, FRAME_HEIGHT), light=light, noise=varied.camera.noise, rng=rng("noise")
        )
        self._scene: _Scene | None = None
        self._phases = rng("rocking").uniform(0, 2 * np.pi, (len(_ROCKING), 4))

    def render(self, state: WorldState) -> tuple[Picture, tuple[Truth, ...]]:
        """Take a picture.

        Args:
            state: Where the train is and how it moves.

        Returns:
            Picture, (400, 600, 3) uint8 BGR, and what shows of the signs, nearest first.
        """
        scene = self._paint(state.position_m, derailed=state.derailed)
        moved = state.speed_mps * self.scenario.camera.exposure_ms / 1000
        image = self._sensor.develop(
            scene.image.copy(),
            scene.view,
            moved_m=moved,
            turned_rad=moved * self._track.piece_at(state.position_m).curvature,
            light_percent=state.light_percent,
            moment=int(state.time_s * 1e6),
        )
        return image, scene.truth

    def _paint(self, position_m: float, *, derailed: bool) -> _Scene:
        """Paint what stands still; while the train does so too, it need not be done again."""
        if self._scene and self._scene.place == (position_m, derailed):
            return self._scene
        view = self._look(position_m, derailed=derailed)
        cover = self._table.cover(view)
        image = self._room.paint(view, cover.solid)
        self._table.paint(image, view, cover)
        things = self._in_sight(view)
        for thing in things:
            thing.paint_shadow(image, view)
        self._rails.paint(image, view)
        for thing in reversed(things):
            thing.paint(image, view)
        self._scene = _Scene((position_m, derailed), view, image, look_for(things, view))
        return self._scene

    def _in_sight(self, view: View) -> list[Thing]:
        """Return what stands in sight, nearest first."""
        pixels, depth = view.project(self._feet)
        near = (depth > 0) & (depth < FARTHEST_M) & (np.abs(pixels[:, 0] - FRAME_WIDTH / 2) < 700)
        order = np.argsort(depth, kind="stable")
        return [self._things[i] for i in order if near[i] and self._things[i].in_sight(view)]

    def view(self, state: WorldState) -> View:
        """Return the camera as the train carries it: it rocks, and lies askew after a crash."""
        return self._look(state.position_m, derailed=state.derailed)

    def _look(self, position_m: float, *, derailed: bool) -> View:
        mount = self.scenario.camera
        x, y, heading = self._track.pose(position_m)
        roll, pitch, yaw, lift = self._rocking(position_m)
        if derailed:
            roll += _CRASH_ROLL_RAD
            lift -= min(_CRASH_DROP_M, mount.height_m / 3)
        return View.look(
            size=(FRAME_WIDTH, FRAME_HEIGHT),
            hfov_deg=mount.hfov_deg,
            centre=(x, y, mount.height_m + lift),
            heading_rad=heading + yaw,
            pitch_rad=math.radians(mount.pitch_deg) + pitch,
            roll_rad=roll,
        )

    def _rocking(self, position_m: float) -> Points:
        """Roll, pitch, yaw (radians) and lift (metres) where the train is."""
        waves = np.array(_ROCKING)
        swings = np.sin(2 * np.pi * waves[:, :1] * position_m + self._phases)
        return np.asarray((waves[:, 1:] * swings).sum(axis=0) * self.scenario.camera.rocking)
