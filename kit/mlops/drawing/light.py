"""Light and lens: what stands between a drawn sign and a photo of one.

`light_face` changes one sign's face before it is placed; `photograph` turns a finished scene
into what a cheap camera makes of it. Without the two, a model trained on drawn pictures fails
on photos.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.mlops.drawing.rooms import smooth_noise

Rng = np.random.Generator
Pixels = NDArray[np.float32]

_BRIGHTEST_MEAN = 190.0  # a camera's automatic exposure keeps the mean below


def _chance(rng: Rng, probability: float) -> bool:
    return bool(rng.random() < probability)


def light_face(face: NDArray[np.uint8], rng: Rng) -> tuple[NDArray[np.uint8], Pixels]:
    """Light a face: glare that washes out the ink, dim or bright, greyed, with a gradient.

    Args:
        face: BGRA picture (N, N, 4) uint8.
        rng: Source of chance.

    Returns:
        The lit face (N, N, 4) uint8 and the BGR colour (3,) of its plate's edge, float32 0..255.
    """
    colours = face[..., :3].astype(np.float32)
    opaque = face[..., 3] > 127
    plate = np.median(colours[opaque], axis=0) if opaque.any() else colours.mean(axis=(0, 1))
    if _chance(rng, 0.45):
        colours += (plate - colours) * float(rng.uniform(0.15, 1.0) ** 1.3)
    if _chance(rng, 0.35):
        grey = colours.mean(axis=2, keepdims=True)
        colours += (grey - colours) * float(rng.uniform(0.2, 0.95))
    gain = np.exp(rng.normal(-0.15, 0.45)) * _tint(rng, 0.1)
    colours *= gain
    if _chance(rng, 0.6):
        colours *= _gradient(rng, colours.shape[0], 0.6)
    if _chance(rng, 0.25):
        colours += _gleam(rng, colours.shape[0])
    edge = plate * gain * float(np.exp(rng.normal(0.1, 0.35)))
    lit = np.concatenate([np.clip(colours, 0, 255), face[..., 3:].astype(np.float32)], axis=2)
    return lit.astype(np.uint8), np.clip(edge, 0, 255).astype(np.float32)


def _tint(rng: Rng, spread: float) -> Pixels:
    """Return gains for B, G, R along the line from blue to orange light."""
    warm = rng.normal(0, spread)
    green = rng.normal(0, spread * 0.3)
    return np.exp(np.array([-warm, green, warm], np.float32))


def _gradient(rng: Rng, edge: int, depth: float) -> Pixels:
    along = np.linspace(-1, 1, edge, dtype=np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    ramp = np.cos(turn) * along[None, :] + np.sin(turn) * along[:, None]
    return np.asarray(np.exp(ramp * rng.uniform(0, depth))[..., None], np.float32)


def _gleam(rng: Rng, edge: int) -> Pixels:
    along = np.linspace(-1, 1, edge, dtype=np.float32)
    x, y = rng.uniform(-0.8, 0.8, 2)
    wide, tall = rng.uniform(0.2, 1.2, 2)
    spot = np.exp(-(((along[None, :] - x) / wide) ** 2) - ((along[:, None] - y) / tall) ** 2)
    return np.asarray(spot[..., None] * rng.uniform(30, 170), np.float32)


def photograph(image: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """Photograph a scene with a random camera in random light.

    In order: light field, exposure and white balance, haze, faded colours, bloom, motion and
    focus blur, a detour through another resolution, noise, contrast, JPEG.

    Args:
        image: BGR scene (H, W, 3) uint8.
        rng: Source of chance.

    Returns:
        BGR picture of the same shape, uint8.
    """
    pixels = image.astype(np.float32)
    pixels = _light(pixels, rng)
    pixels = _blur(pixels, rng)
    pixels = _sensor(pixels, rng)
    picture = np.clip(pixels, 0, 255).astype(np.uint8)
    if _chance(rng, 0.75):
        quality = int(rng.integers(28, 96))
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return picture


def _light(pixels: Pixels, rng: Rng) -> Pixels:
    shape = (pixels.shape[0], pixels.shape[1])
    field = smooth_noise(rng, shape, int(rng.integers(1, 4)))[..., None]
    pixels = pixels * np.exp((field - 0.5) * rng.uniform(0, 1.3))
    pixels *= np.exp(rng.normal(-0.2, 0.5)) * _tint(rng, 0.16)
    pixels *= min(1.0, _BRIGHTEST_MEAN / float(pixels.mean() + 1e-6))
    if _chance(rng, 0.4):
        haze = rng.uniform(0, 110) * _tint(rng, 0.15)
        share = smooth_noise(rng, shape, 2)[..., None] * rng.uniform(0.0, 0.6)
        pixels = pixels * (1 - share) + haze * share
    if _chance(rng, 0.5):
        grey = pixels.mean(axis=2, keepdims=True)
        pixels += (grey - pixels) * rng.uniform(-0.3, 0.75)
    if _chance(rng, 0.35):
        bright = np.maximum(pixels - rng.uniform(120, 220), 0)
        pixels += cv2.GaussianBlur(bright, (0, 0), rng.uniform(2, 14)) * rng.uniform(0.3, 1.2)
    return np.asarray(np.clip(pixels, 0, 255), np.float32)


def _blur(pixels: Pixels, rng: Rng) -> Pixels:
    if _chance(rng, 0.3):
        length = int(rng.integers(2, 9))
        kernel = np.zeros((length, length), np.float32)
        turn = rng.normal(0, 0.5) if _chance(rng, 0.7) else rng.uniform(0, np.pi)
        reach = np.array([np.cos(turn), np.sin(turn)]) * length / 2
        middle = (length - 1) / 2
        start, end = (middle - reach).round().astype(int), (middle + reach).round().astype(int)
        cv2.line(kernel, start.tolist(), end.tolist(), 1.0)
        pixels = np.asarray(cv2.filter2D(pixels, -1, kernel / kernel.sum()), np.float32)
    if _chance(rng, 0.5):
        sigma = float(rng.uniform(0.3, 1.7))
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.float32)
    if _chance(rng, 0.35):
        height, width = pixels.shape[:2]
        scale = float(rng.uniform(0.45, 0.95))
        small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        way = cv2.INTER_LINEAR if _chance(rng, 0.6) else cv2.INTER_CUBIC
        pixels = np.asarray(cv2.resize(small, (width, height), interpolation=way), np.float32)
    return pixels


def _sensor(pixels: Pixels, rng: Rng) -> Pixels:
    height, width = pixels.shape[:2]
    if _chance(rng, 0.35):
        soft = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.7, 2))
        pixels = pixels + (pixels - soft) * rng.uniform(0.2, 1.2)
    if _chance(rng, 0.7):
        noise = rng.standard_normal((height, width, 1), dtype=np.float32)
        pixels = pixels + noise * np.float32(rng.uniform(0.5, 9))
    if _chance(rng, 0.35):
        chroma = rng.standard_normal((height // 2, width // 2, 3), dtype=np.float32)
        pixels = pixels + cv2.resize(chroma * np.float32(rng.uniform(1, 10)), (width, height))
    curve = float(np.exp(rng.normal(0, 0.22)))
    lifted = np.clip(pixels, 0, 255) / 255
    return np.asarray(np.power(lifted, curve) * 255, np.float32)
