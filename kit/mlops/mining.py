"""Hard negatives: pictures without a sign in which a trained network sees one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from kit.mlops.dataset import LABEL_FIELDS, MAX_SIGNS, write_set
from kit.mlops.drawing.scene import draw_sign_free
from kit.mlops.network import Detector, SignNet

LEAST = 0.2
"""Score from which a picture without a sign counts as hard."""

_BATCH = 16


def mine(
    network: SignNet, folder: Path, *, count: int, seed: int, keep: int, workers: int = 2
) -> Iterator[int]:
    """Draw pictures without signs and keep those that deceive a network most.

    Args:
        network: Trained weights.
        folder: Gets the pictures as a training set, none of which holds a sign.
        count: How many pictures to draw.
        seed: The same seed draws the same pictures.
        keep: How many to keep at most.
        workers: Processes that draw; 0 draws in this one.

    Yields:
        The number of pictures looked at so far.
    """
    detector = Detector(network.cpu().eval())
    hard: list[tuple[float, NDArray[np.uint8]]] = []
    done = 0
    for batch in _batches(count, seed, workers):
        scores = _highest_scores(detector, batch)
        hard += [
            (score, image) for score, image in zip(scores, batch, strict=True) if score > LEAST
        ]
        hard = sorted(hard, key=lambda item: -item[0])[:keep]
        done += len(batch)
        yield done
    images = (
        np.stack([image for _, image in hard]) if hard else np.zeros((0, 320, 320, 3), np.uint8)
    )
    labels = np.full((len(images), MAX_SIGNS, len(LABEL_FIELDS)), -1, np.float32)
    write_set(folder, images, labels)


@torch.no_grad()
def _highest_scores(detector: Detector, images: NDArray[np.uint8]) -> list[float]:
    rgb = np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2), np.float32) / 255
    scores, _ = detector(torch.from_numpy(rgb))
    return [float(score) for score in scores.flatten(1).amax(dim=1)]


def _batches(count: int, seed: int, workers: int) -> Iterator[NDArray[np.uint8]]:
    starts = range(0, count, _BATCH)
    draw = partial(_draw_batch, count=count, seed=seed)
    if workers == 0:
        yield from map(draw, starts)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(draw, starts)


def _draw_batch(start: int, *, count: int, seed: int) -> NDArray[np.uint8]:
    cv2.setNumThreads(1)
    return np.stack([draw_sign_free(seed, i) for i in range(start, min(start + _BATCH, count))])
