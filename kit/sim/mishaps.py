"""What can go wrong with the virtual set's camera and hub, as it does with real ones.

The services are not told: they get what a broken camera or hub would give them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kit.sim.camera import Shot

_BLACK_LEVEL = 4.0
_BLACK_NOISE = 2.0


class CameraMishap(StrEnum):
    """What is wrong with the camera."""

    NONE = "none"
    FROZEN = "frozen"
    """It gives the same picture again and again, as if it were new."""
    SILENT = "silent"
    """It is there, and gives nothing."""
    BLACK = "black"
    """Something covers its lens."""
    UNPLUGGED = "unplugged"
    """Its cable is out."""


class HubMishap(StrEnum):
    """What happens to the hub."""

    OUT_OF_REACH = "out of reach"
    """Every Bluetooth link breaks; the motor keeps the power that it has."""
    OFF = "off"
    """It is switched off: no link, and the motor runs out."""
    BACK = "back"
    """It is on and in reach again."""
    BUTTON = "button"
    """Its green button is pressed and let go."""


@dataclass
class Mishaps:
    """What is wrong now.

    Attributes:
        camera: What is wrong with the camera.
    """

    camera: CameraMishap = CameraMishap.NONE


class MishapLens:
    """Gives the pictures that a camera in trouble gives."""

    def __init__(self) -> None:
        self._last: Shot | None = None
        self._rng = np.random.default_rng()

    def delivers(self, mishap: CameraMishap) -> bool:
        """Return whether it gives pictures at all."""
        return mishap not in {CameraMishap.SILENT, CameraMishap.UNPLUGGED}

    def spoil(self, shot: Shot, mishap: CameraMishap) -> Shot:
        """Return what the camera gives instead of a picture.

        Args:
            shot: What it would give.
            mishap: What is wrong with it.
        """
        if mishap is CameraMishap.FROZEN and self._last is not None:
            return self._last
        if mishap is CameraMishap.BLACK:
            noise = self._rng.normal(_BLACK_LEVEL, _BLACK_NOISE, shot.image.shape)
            return Shot(np.clip(noise, 0, 255).astype(np.uint8), [])
        self._last = shot
        return shot
