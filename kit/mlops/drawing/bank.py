"""The faces that training pictures use, drawn once, in several sizes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from kit.mlops.drawing.placing import Image
from kit.mlops.drawing.signs import FACES, OTHER, Style, draw_face, random_style

Rng = np.random.Generator
Pyramid = tuple[Image, ...]
Bank = tuple[tuple[Pyramid, ...], ...]

SHARES = (0.29, 0.4, 0.12, 0.19)
"""How often each class id is drawn: speed limits, warnings, stops, other signs."""

_FACE_PX = 256
_BANK_SEED = 7
_BANK_SIZES = (120, 110, 40, 110)
_LEGO = (
    ("speed_30", "speed_50"),
    tuple(f"danger_{n}" for n in ("exclamation", "children", "locomotive", "digging", "gate")),
    ("stop", "no_entry"),
    (
        *("parking", "bus_stop", "crossing", "crossing", "no_horn", "no_horn"),
        *("traffic_light", "cars_only", "bicycles_only", "end_of_limit"),
    ),
)
_ROAD_WARNINGS = tuple(
    f"warning_{name.removeprefix('danger_')}" for name in FACES if "danger" in name
)


@lru_cache(maxsize=1)
def lego_bank() -> Bank:
    """Draw faces as they stand on LEGO streets, by class id, each as a pyramid of sizes."""
    return _draw_bank(_pick_lego)


@lru_cache(maxsize=1)
def road_bank() -> Bank:
    """Draw faces as they stand on European roads, by class id: warnings are white and red."""
    return _draw_bank(_pick_road)


def _draw_bank(pick: Callable[[int, Rng], tuple[str, Style | None]]) -> Bank:
    rng = np.random.default_rng(_BANK_SEED)
    return tuple(
        tuple(_pyramid(*pick(kind, rng)) for _ in range(size))
        for kind, size in enumerate(_BANK_SIZES)
    )


def _pick_lego(kind: int, rng: Rng) -> tuple[str, Style | None]:
    chance = rng.random()
    if chance < (0.45 if kind < OTHER else 0.3):
        return str(rng.choice(_LEGO[kind])), None if chance < 0.15 else random_style(rng)
    if kind == 0 and chance < 0.7:
        return f"speed_{rng.integers(1, 140)}", random_style(rng)
    if kind == 1 and chance < 0.7:
        return f"danger_doodle_{rng.integers(100_000)}", random_style(rng)
    names = [name for name, face in FACES.items() if face.class_id == kind]
    return str(rng.choice(names)), random_style(rng)


def _pick_road(kind: int, rng: Rng) -> tuple[str, Style | None]:
    if kind == 0:
        return f"speed_{10 * rng.integers(1, 14)}", random_style(rng)
    if kind == 1:
        return str(rng.choice(_ROAD_WARNINGS)), random_style(rng)
    names = [name for name, face in FACES.items() if face.class_id == kind]
    return str(rng.choice(names)), random_style(rng)


def _pyramid(name: str, style: Style | None) -> Pyramid:
    face = draw_face(name, _FACE_PX, style=style)
    sizes = [face]
    while sizes[-1].shape[0] > 16:
        half = sizes[-1].shape[0] // 2
        smaller = cv2.resize(sizes[-1], (half, half), interpolation=cv2.INTER_AREA)
        sizes.append(np.asarray(smaller, np.uint8))
    return tuple(sizes)
