"""Lights: how bright and how warm the set is, and where the pools of light lie."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kit.sim.scenario import Lighting

Gain = tuple[float, float, float]
"""Factors for blue, green and red."""


@dataclass(frozen=True)
class Light:
    """One way to light the set.

    Attributes:
        name: Its name in a scenario.
        table: Light on the table and all that stands on it.
        wall: Light on the walls and on the furniture.
        pool: Colour of the pools of light on the table.
        pool_strength: How much brighter than the rest they are.
        pool_radius_m: How far they reach.
        gloss: How much of the room the table mirrors, 0 to 1.
        shadow: Darkness of cast shadows, 0 to 1.
        shadow_reach: Length of a cast shadow in heights of what casts it.
        shadow_heading_rad: Where shadows fall.
        balance: Error of the camera's white balance.
        grain: Noise of the sensor, in grey levels at full noise of the camera.
        window: Light that comes in by windows, 0 night to 1 noon.
        lamps: Whether the lamps in the room are lit.
    """

    name: Lighting
    table: Gain
    wall: Gain
    pool: Gain = (1.0, 1.0, 1.0)
    pool_strength: float = 0.0
    pool_radius_m: float = 0.6
    gloss: float = 0.35
    shadow: float = 0.4
    shadow_reach: float = 1.0
    shadow_heading_rad: float = 0.8
    balance: Gain = (1.0, 1.0, 1.0)
    grain: float = 8.0
    window: float = 1.0
    lamps: bool = False


_LIGHTS: dict[Lighting, Light] = {
    "daylight": Light(
        name="daylight",
        table=(1.02, 1.0, 0.98),
        wall=(1.0, 1.0, 1.0),
        pool=(1.08, 1.02, 0.94),
        pool_strength=0.35,
        pool_radius_m=1.2,
        gloss=0.42,
        shadow=0.34,
        balance=(1.05, 1.0, 0.97),
        grain=6,
    ),
    "evening": Light(
        name="evening",
        table=(0.66, 0.82, 0.98),
        wall=(0.6, 0.8, 1.0),
        pool=(0.55, 0.8, 1.15),
        pool_strength=0.5,
        pool_radius_m=0.9,
        gloss=0.4,
        shadow=0.45,
        shadow_reach=1.8,
        balance=(0.97, 1.0, 1.03),
        grain=11,
        window=0.35,
        lamps=True,
    ),
    "lamp": Light(
        name="lamp",
        table=(0.56, 0.58, 0.6),
        wall=(0.5, 0.56, 0.62),
        pool=(1.15, 1.02, 0.86),
        pool_strength=1.1,
        pool_radius_m=0.75,
        gloss=0.5,
        shadow=0.55,
        shadow_reach=1.3,
        balance=(1.1, 1.0, 0.95),
        grain=12,
        window=0.12,
        lamps=True,
    ),
    "spotlights": Light(
        name="spotlights",
        table=(0.76, 0.73, 0.75),
        wall=(0.54, 0.48, 0.5),
        pool=(1.1, 1.05, 1.05),
        pool_strength=1.0,
        pool_radius_m=0.55,
        gloss=0.55,
        shadow=0.5,
        shadow_reach=0.6,
        balance=(1.03, 0.99, 1.0),
        grain=9,
        window=0.3,
        lamps=True,
    ),
    "night": Light(
        name="night",
        table=(0.32, 0.28, 0.26),
        wall=(0.2, 0.17, 0.16),
        pool=(0.62, 0.9, 1.15),
        pool_strength=1.5,
        pool_radius_m=0.6,
        gloss=0.6,
        shadow=0.5,
        shadow_reach=1.6,
        balance=(1.36, 1.28, 1.28),
        grain=18,
        window=0.06,
        lamps=True,
    ),
}


def choose_light(name: Lighting, rng: np.random.Generator) -> Light:
    """Return a light with the small differences that a seed makes."""
    light = _LIGHTS[name]
    warmth, level = rng.normal(0, 0.03), 1 + rng.uniform(-0.08, 0.08)
    blue, green, red = light.balance
    return replace(
        light,
        balance=(blue * (1 - warmth) * level, green * level, red * (1 + warmth) * level),
        shadow_heading_rad=float(rng.uniform(-np.pi, np.pi)),
        gloss=light.gloss * float(rng.uniform(0.8, 1.2)),
    )


class LightMap:
    """How bright the table is from place to place.

    Args:
        light: What lights it.
        bounds: Smallest x and y, largest x and y of the table, metres.
        along: (N, 2) places near which pools of light may lie.
        rng: Places the pools.
    """

    CELL_M = 0.04
    ONE = 96
    """Value of the map where the light is neither more nor less than `Light.table`."""

    def __init__(
        self,
        light: Light,
        *,
        bounds: tuple[float, float, float, float],
        along: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        low_x, low_y, high_x, high_y = bounds
        self.origin = low_x, low_y
        x = np.arange(low_x, high_x + self.CELL_M, self.CELL_M)
        y = np.arange(low_y, high_y + self.CELL_M, self.CELL_M)
        pools = np.zeros((len(y), len(x)))
        step = max(1, round(len(along) * light.pool_radius_m * 1.6 / max(len(along) * 0.02, 1)))
        for px, py in along[int(rng.integers(step)) :: step]:
            cx, cy = px + rng.normal(0, 0.15), py + rng.normal(0, 0.2)
            squared = (x[None] - cx) ** 2 + (y[:, None] - cy) ** 2
            pools += rng.uniform(0.7, 1.1) * np.exp(-squared / (2 * (light.pool_radius_m / 2) ** 2))
        clouds = _clouds((len(y), len(x)), rng) * 0.06
        glow = np.minimum(pools, 1.2) * light.pool_strength
        gains = np.array(light.table) * (1 + clouds[..., None])
        gains = gains * (1 - 0.25 * light.pool_strength / 1.5) + glow[..., None] * 0.5 * np.array(
            light.pool
        )
        self.gains: NDArray[np.float32] = gains.astype(np.float32)
        self.picture: NDArray[np.uint8] = np.clip(gains * self.ONE, 0, 255).astype(np.uint8)

    def at(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the light at places, (N, 3); outside the table as at its edge."""
        rows, columns = self.gains.shape[:2]
        column = np.clip((x_m - self.origin[0]) / self.CELL_M, 0, columns - 1).astype(int)
        row = np.clip((y_m - self.origin[1]) / self.CELL_M, 0, rows - 1).astype(int)
        found: NDArray[np.float32] = self.gains[row, column]
        return found


def _clouds(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth noise of about unit spread."""
    rows, columns = np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij")
    falloff = 1 / np.maximum(np.hypot(rows, columns), 1 / max(shape)) ** 1.6
    falloff[0, 0] = 0
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=shape)) * falloff).real
    return np.asarray(noise / max(noise.std(), 1e-9))
