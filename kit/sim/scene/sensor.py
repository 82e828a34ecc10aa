"""From light to a picture file: motion blur, exposure, white balance, vignette and noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.sim.scene.lights import Light
from kit.sim.scene.view import Picture, View

_NOISE_MARGIN = 64
_ONE = 85
_MOST_BLUR_PX = 25
_BANDS = (0.45, 0.62, 0.8, 1.0)
"""Lower ends of the bands of the picture that are blurred alike, in picture heights."""


class Sensor:
    """A cheap camera's sensor.

    Args:
        size: Width and height of the picture, pixels.
        light: Its light decides balance and grain.
        noise: How bad the sensor is, 0 to 1.
        rng: Draws the noise.
    """

    def __init__(
        self, size: tuple[int, int], *, light: Light, noise: float, rng: np.random.Generator
    ) -> None:
        width, height = size
        self._curve = _curve(light)
        self._reach = 1.0 - 0.85 * light.window
        self._falloff = {0: _falloff(width, height, 0.0)}
        shape = (height + _NOISE_MARGIN, width + _NOISE_MARGIN)
        grain = rng.normal(0, 1, (*shape, 1)) * 0.8 + rng.normal(0, 1, (*shape, 3)) * 0.6
        soft = cv2.GaussianBlur(grain.astype(np.float32), (0, 0), 0.6)
        scaled = soft / soft.std() * light.grain * noise
        self._grain: NDArray[np.uint8] = np.clip(np.rint(scaled) + 128, 0, 255).astype(np.uint8)

    def develop(
        self,
        image: Picture,
        view: View,
        *,
        moved_m: float,
        turned_rad: float,
        light_percent: int,
        moment: int,
    ) -> Picture:
        """Turn painted light into what the camera gives out.

        Args:
            image: (H, W, 3); changed.
            view: The camera.
            moved_m: Way that the camera went while the shutter was open.
            turned_rad: How far it turned meanwhile.
            light_percent: Power of the train's headlight.
            moment: A number of the moment; the same one has the same noise.

        Returns:
            (H, W, 3) uint8 BGR.
        """
        self._blur(image, view, moved_m, turned_rad)
        cv2.multiply(image, self._falloff_at(light_percent), dst=image, scale=1 / _ONE)
        cv2.LUT(image, self._curve, dst=image)
        spot = np.random.default_rng(abs(moment)).integers(0, _NOISE_MARGIN, 2)
        height, width = image.shape[:2]
        grain = self._grain[spot[0] : spot[0] + height, spot[1] : spot[1] + width]
        cv2.addWeighted(image, 1.0, grain, 1.0, -128.0, dst=image)
        return image

    def _falloff_at(self, light_percent: int) -> Picture:
        if light_percent not in self._falloff:
            height, width = self._falloff[0].shape[:2]
            beam = self._reach * light_percent / 100
            self._falloff[light_percent] = _falloff(width, height, beam)
        return self._falloff[light_percent]

    @staticmethod
    def _blur(image: Picture, view: View, moved_m: float, turned_rad: float) -> None:
        """Smear sideways in a turn, and downwards where the near ground rushes by."""
        across = _odd(abs(turned_rad) * view.focal_px)
        height = image.shape[0]
        top = 0
        for end in _BANDS:
            bottom = round(end * height)
            ray = ((top + bottom) / 2 - (height - 1) / 2) / view.focal_px
            steep = max(-view.rotation[1, 2] * ray - view.rotation[2, 2], 1e-3)
            distance = view.centre[2] / steep
            down = _odd(abs(moved_m) * view.focal_px * steep / distance)
            if max(across, down) > 1:
                part = image[top:bottom]
                part[:] = cv2.blur(part, (across, down))
            top = bottom


def _odd(pixels: float) -> int:
    """Return the width of a box filter for this much motion."""
    return min(int(pixels / 2 + 0.25) * 2 + 1, _MOST_BLUR_PX)


def _curve(light: Light) -> Picture:
    """Return the camera's response, (1, 256, 3): balance, a soft shoulder, a lifted black."""
    linear = np.arange(256) / 255
    channels = []
    for gain in light.balance:
        exposed = linear * gain * 1.06
        shoulder = np.where(exposed > 0.72, 0.72 + 0.28 * np.tanh((exposed - 0.72) / 0.28), exposed)
        channels.append(np.clip(0.025 + 0.975 * shoulder, 0, 1) * 255)
    return np.rint(np.stack(channels, axis=-1))[None].astype(np.uint8)


def _falloff(width: int, height: int, beam: float) -> Picture:
    """Return the light that reaches each pixel, `_ONE` for all of it, (H, W, 3).

    Args:
        width: Pixels.
        height: Pixels.
        beam: Strength of the train's headlight, 0 to 1; the camera rides behind it, so that
            its cone stays where it is in the picture.
    """
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    vignette = 1 - 0.2 * (x**2 + y**2) ** 1.3 / 2
    cone = np.exp(-((x / (0.34 + 0.3 * np.clip(y, 0, 1))) ** 2) - ((y - 0.22) / 0.62) ** 2)
    gain = vignette[..., None] * (1 + 2 * beam * cone[..., None] * (0.75, 0.92, 1.0))
    return np.rint(np.clip(gain * _ONE, 0, 255)).astype(np.uint8)
