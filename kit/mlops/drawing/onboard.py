"""Training pictures from the virtual set: what the camera on a train sees of random tracks.

The drawn tables of :mod:`kit.mlops.drawing.scene` show signs from close by and in number. From
a train they are few, far and small, and most of what is round or pointed is none of ours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.mlops.drawing.signs import CLASSES, FACES, OTHER
from kit.sim.renderer import Renderer, Truth
from kit.sim.scenario import Scenario, Sign, stands_clear
from kit.sim.world import World, WorldState

Rng = np.random.Generator

_HARDLY_VISIBLE = 0.3
_EDGE_ON = 0.22  # width by height of a box below which the sign is seen from its side
_SHARES = (0.3, 0.25, 0.1, 0.35)  # speed limits, warnings, stops, other signs


def draw_onboard(
    track_seed: tuple[int, ...], rng: Rng, *, edge_px: int
) -> tuple[NDArray[np.uint8], list[Truth]]:
    """Draw a square part of what the camera on a train sees.

    Args:
        track_seed: Lays the track and furnishes the room; the last few are kept.
        rng: Source of chance for the place on the track and the part of the picture.
        edge_px: Edge of the result.

    Returns:
        BGR picture (edge_px, edge_px, 3) uint8, and the signs that show their faces, boxes in
        pixels of this picture; they may reach out of it.
    """
    renderer = _renderer(track_seed)
    position = float(rng.uniform(0, renderer.scenario.build_track().length_m))
    image, truths = renderer.render(_state(renderer.scenario, position, rng))
    height, width = image.shape[:2]
    side = int(rng.uniform(0.5, 1.0) * height)
    x, y = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
    if truths and rng.random() < 0.8:
        left, top, wide, tall = truths[int(rng.integers(len(truths)))].box
        x = int(np.clip(left + wide / 2 - rng.uniform(0.15, 0.85) * side, 0, width - side))
        y = int(np.clip(top + tall / 2 - rng.uniform(0.15, 0.85) * side, 0, height - side))
    way = cv2.INTER_AREA if side > edge_px else cv2.INTER_LINEAR
    part = cv2.resize(image[y : y + side, x : x + side], (edge_px, edge_px), interpolation=way)
    scale = edge_px / side
    return np.asarray(part, np.uint8), [_moved(t, x, y, scale) for t in truths]


def draw_bare_frame(track_seed: tuple[int, ...], rng: Rng) -> NDArray[np.uint8]:
    """Draw a whole frame that the camera on a train takes where no sign stands.

    Args:
        track_seed: Lays the track and furnishes the room.
        rng: Source of chance for the place on the track.

    Returns:
        BGR frame (400, 600, 3) uint8.
    """
    renderer = _renderer(track_seed, signs=False)
    position = float(rng.uniform(0, renderer.scenario.build_track().length_m))
    image, _ = renderer.render(_state(renderer.scenario, position, rng))
    return image


def class_of(truth: Truth) -> int:
    """Return the class id of a sign, or ``OTHER``."""
    return OTHER if truth.label is None else CLASSES.index(truth.label)


def hardly_seen(truth: Truth) -> bool:
    """Return whether a sign counts neither way: nearly hidden, or seen from its edge."""
    _, _, width, height = truth.box
    return truth.visible < _HARDLY_VISIBLE or width < _EDGE_ON * height


def _moved(truth: Truth, x: int, y: int, scale: float) -> Truth:
    left, top, width, height = truth.box
    box = ((left - x) * scale, (top - y) * scale, width * scale, height * scale)
    return Truth(truth.face, truth.label, box, truth.distance_m, truth.visible)


def _state(scenario: Scenario, position_m: float, rng: Rng) -> WorldState:
    still = World(scenario).state
    moving: dict[str, Any] = {
        "time_s": float(rng.uniform(0, 60)),
        "position_m": position_m,
        "speed_mps": float(rng.uniform(0, 1)),
        "light_percent": int(rng.choice([0, 100])),
    }
    return WorldState(**{**vars(still), **moving})


@lru_cache(maxsize=2)
def _renderer(track_seed: tuple[int, ...], *, signs: bool = True) -> Renderer:
    rng = np.random.default_rng(track_seed)
    scenario = Scenario.model_validate(
        {
            "name": "training",
            "title": "A track to learn from",
            "expect": "run",
            "track": {"pieces": [piece for _ in range(4) for piece in _pieces(rng)]},
            "camera": {
                "height_m": float(rng.uniform(0.05, 0.16)),
                "pitch_deg": float(rng.uniform(0, 14)),
                "hfov_deg": float(rng.uniform(50, 75)),
                "noise": float(rng.uniform(0, 0.8)),
                "rocking": float(rng.uniform(0, 1)),
            },
            "scenery": float(rng.uniform(0, 1)),
        }
    )
    if signs:
        scenario = _with_signs(scenario, rng)
    return Renderer(scenario, seed=int(rng.integers(1 << 30)))


def _pieces(rng: Rng) -> list[dict[str, float]]:
    turn = float(rng.uniform(15, 80) * rng.choice([-1, 1]))
    return [
        {"straight_m": float(rng.uniform(0.4, 1.4))},
        {"curve_deg": turn, "radius_m": float(rng.uniform(0.5, 1.1))},
    ]


def _with_signs(scenario: Scenario, rng: Rng) -> Scenario:
    """Put signs beside the track wherever they stand clear of it."""
    if rng.random() < 0.15:
        return scenario
    by_class = [[n for n, f in FACES.items() if f.class_id == c] for c in range(OTHER + 1)]
    track, signs = scenario.build_track(), []
    for at_m in np.arange(0.4, track.length_m, float(rng.uniform(0.12, 0.5))):
        sign = Sign(
            face=str(rng.choice(by_class[int(rng.choice(OTHER + 1, p=_SHARES))])),
            at_m=float(at_m),
            side="left" if rng.random() < 0.5 else "right",
            offset_m=float(rng.uniform(0.1, 0.4)),
            height_m=float(rng.uniform(0.06, 0.12)),
            width_m=float(rng.uniform(0.035, 0.06)),
            yaw_deg=float(rng.normal(0, 22)),
        )
        if stands_clear(sign, track):
            signs.append(sign)
    return scenario.model_copy(update={"signs": tuple(signs)})
