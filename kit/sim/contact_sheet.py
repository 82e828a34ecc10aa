"""A sheet of small pictures of the virtual set: ``python -m kit.sim.contact_sheet FILE.png``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from kit.errors import ConfigError
from kit.sim.renderer import Renderer
from kit.sim.scenario import load_scenario
from kit.sim.scene.view import Picture
from kit.sim.world import World

_SMALL = (300, 200)
_GAP_PX = 4


@dataclass(frozen=True)
class Spot:
    """Where to take a picture.

    Attributes:
        scenario: Its name.
        seed: Varies it.
        position_m: Of the train.
        derailed: Whether to show it off the track.
        light_percent: Power of the headlight.
    """

    scenario: str
    seed: int
    position_m: float
    derailed: bool = False
    light_percent: int = 0


SPOTS = (
    Spot("standard", 10, 1.9),
    Spot("stop-sign", 10, 3.75),
    Spot("standard", 3, 6.1),
    Spot("endless", 5, 1.4),
    Spot("standard", 7, 2.1),
    Spot("night", 6, 5.1, light_percent=60),
    Spot("speed-limit", 8, 1.75),
    Spot("standard", 12, 4.35),
    Spot("no-sign", 2, 7.42, derailed=True),
)
"""What `docs/images/virtual-set.png` shows."""


def contact_sheet(spots: Sequence[Spot] = SPOTS, *, columns: int = 3) -> Picture:
    """Take small pictures of many places and lay them out.

    Args:
        spots: Where to take them, row by row.
        columns: How many stand beside each other.

    Returns:
        (H, W, 3) uint8 BGR. It is without noise, which would make a large file of it.
    """
    tiles = [_take(spot) for spot in spots]
    rows = -(-len(tiles) // columns)
    width, height = _SMALL
    sheet = np.full(
        (rows * (height + _GAP_PX) + _GAP_PX, columns * (width + _GAP_PX) + _GAP_PX, 3),
        255,
        np.uint8,
    )
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        top, left = _GAP_PX + row * (height + _GAP_PX), _GAP_PX + column * (width + _GAP_PX)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _take(spot: Spot) -> Picture:
    scenario = load_scenario(spot.scenario)
    quiet = scenario.camera.model_copy(update={"noise": 0.0})
    scenario = scenario.model_copy(update={"camera": quiet})
    state = replace(
        World(scenario, seed=spot.seed).state,
        position_m=spot.position_m,
        derailed=spot.derailed,
        light_percent=spot.light_percent,
    )
    image, _ = Renderer(scenario, seed=spot.seed).render(state)
    return np.asarray(cv2.resize(image, _SMALL, interpolation=cv2.INTER_AREA), np.uint8)


def main() -> int:
    """Write the sheet to the file that the command line names.

    Returns:
        Exit code.

    Raises:
        ConfigError: If the file cannot be written.
    """
    path = Path(sys.argv[1])
    if not cv2.imwrite(str(path), contact_sheet(), [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise ConfigError(f"The contact sheet {path} cannot be written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
