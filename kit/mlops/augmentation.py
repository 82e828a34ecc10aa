"""Changes to a batch of pictures, so that none is seen twice alike."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

_LEVELS = np.linspace(0, 1, 256)


def augment(
    images: NDArray[np.uint8],
    labels: NDArray[np.float32],
    *,
    rng: np.random.Generator,
    edges_px: tuple[int, ...],
    smallest_px: float,
) -> tuple[Tensor, Tensor]:
    """Scale, mirror and recolour a batch, so that no picture is seen twice alike.

    Args:
        images: (N, H, H, 3) uint8 BGR.
        labels: (N, M, 6) float32, boxes in pixels first.
        rng: Source of chance.
        edges_px: Possible edge lengths of the result.
        smallest_px: Signs whose longer side is shorter in the result count neither as found nor
            as missed.

    Returns:
        Pictures (N, 3, E, E) float32 RGB in 0..1, and their labels (N, K, 6), with rows that
        no picture uses cut off.
    """
    n, edge = images.shape[0], images.shape[1]
    gain = np.exp(rng.normal(0, (0.22, 0.07, 0.07, 0.07), (n, 4)))
    colour, curve = gain[:, :1] * gain[:, 1:], np.exp(rng.normal(0, 0.15, n))
    mirrored = np.less(rng.random(n), 0.5)
    rgb = np.empty((n, edge, edge, 3), np.float32)
    for i, image in enumerate(images):
        seen = np.clip(_LEVELS[:, None] * colour[i], 1e-4, 1) ** curve[i]  # of each grey level
        turned = cv2.flip(image, 1) if mirrored[i] else image
        rgb[i] = cv2.LUT(turned, seen[None].astype(np.float32))[..., ::-1]
    pixels = torch.from_numpy(rgb).permute(0, 3, 1, 2)
    used = max(1, int((labels[..., 4] >= 0).sum(axis=1).max(initial=0)))
    marks = torch.from_numpy(labels[:, :used].copy())
    flipped = marks.clone()
    flipped[..., 0], flipped[..., 2] = edge - marks[..., 2], edge - marks[..., 0]
    marks = torch.where(torch.from_numpy(mirrored)[:, None, None], flipped, marks)
    target = int(rng.choice(edges_px))
    if target != edge:
        pixels = functional.interpolate(
            pixels, size=(target, target), mode="bilinear", antialias=target < edge
        )
        marks[..., :4] *= target / edge
    longer = torch.maximum(marks[..., 2] - marks[..., 0], marks[..., 3] - marks[..., 1])
    marks[..., 5] = torch.maximum(marks[..., 5], (longer < smallest_px).float())
    return pixels.contiguous(memory_format=torch.channels_last), marks
