"""Frames without a sign, and the parts of them in which a trained network sees one."""

from __future__ import annotations

import heapq
import multiprocessing
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from kit.events import FRAME_HEIGHT, FRAME_WIDTH
from kit.mlops.dataset import LABEL_FIELDS, MAX_SIGNS, write_set
from kit.mlops.drawing.example import EDGE_PX
from kit.mlops.drawing.scene import draw_sign_free
from kit.mlops.network import STRIDE, Detector, SignNet

LEAST = 0.2
"""Score from which an alarm in a frame without a sign counts as hard."""

_PER_FRAME = 3
_BATCH = 8
_GRID_PX = 16
Image = NDArray[np.uint8]


def mine(
    network: SignNet, folder: Path, *, count: int, seed: int, keep: int, workers: int = 2
) -> Iterator[int]:
    """Draw frames without signs and keep what deceives a network most.

    Of such a frame a part as large as a training picture is kept, somewhere in which the network
    sees a sign; up to three parts of a frame.

    Args:
        network: Trained weights.
        folder: Gets the parts as a training set, none of which holds a sign.
        count: How many frames to draw.
        seed: The same seed draws the same frames.
        keep: How many parts to keep at most.
        workers: Processes that draw; 0 draws in this one.

    Yields:
        The number of frames looked at so far.
    """
    detector = Detector(network.cpu().eval())
    hardest: list[tuple[float, int, Image]] = []  # a heap; the number tells equal scores apart
    parts = done = 0
    for batch in _batches(count, seed, workers):
        for frame, alarms in zip(batch, _alarms(detector, batch), strict=True):
            rng = np.random.default_rng((seed, done, 5))
            for score, part in _parts(frame, alarms, rng):
                parts += 1
                heapq.heappush(hardest, (score, -parts, part))
                if len(hardest) > keep:
                    heapq.heappop(hardest)
            done += 1
        yield done
    images = np.zeros((len(hardest), EDGE_PX, EDGE_PX, 3), np.uint8)
    for row, (_, _, part) in enumerate(sorted(hardest, key=lambda item: item[:2], reverse=True)):
        images[row] = part
    labels = np.full((len(images), MAX_SIGNS, len(LABEL_FIELDS)), -1, np.float32)
    write_set(folder, images, labels)


def draw_frames(folder: Path, *, count: int, seed: int, workers: int = 2) -> Iterator[int]:
    """Draw whole frames without signs, or those that are still missing.

    Args:
        folder: Gets ``frames.npy``, which :func:`open_frames` opens.
        count: How many frames.
        seed: The same seed draws the same frames.
        workers: Processes that draw; 0 draws in this one.

    Yields:
        The number of frames drawn so far.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, drawn = folder / "frames.npy", folder / "drawn.txt"
    shape = (count, FRAME_HEIGHT, FRAME_WIDTH, 3)
    done = int(drawn.read_text()) if drawn.exists() else 0
    mode: Literal["r+", "w+"] = "r+" if done else "w+"
    frames = np.lib.format.open_memmap(path, mode=mode, dtype=np.uint8, shape=shape)
    for batch in _batches(count, seed, workers, first=done):
        frames[done : done + len(batch)] = batch
        done += len(batch)
        drawn.write_text(str(done))
        yield done


def open_frames(folder: Path) -> NDArray[np.uint8]:
    """Open what :func:`draw_frames` drew, (N, 400, 600, 3) uint8 BGR."""
    frames: NDArray[np.uint8] = np.load(folder / "frames.npy", mmap_mode="r")
    return frames


@torch.no_grad()
def _alarms(detector: Detector, frames: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """Return for each frame (M, 3): score, x and y of each alarm's cell, the surest first."""
    rgb = np.ascontiguousarray(frames[..., ::-1].transpose(0, 3, 1, 2), np.float32) / 255
    height, width = frames.shape[1:3]
    right, below = -width % _GRID_PX, -height % _GRID_PX
    scores, _ = detector(functional.pad(torch.from_numpy(rgb), (0, right, 0, below), value=0.5))
    found = []
    for hot in scores.amax(dim=1).numpy():
        row, column = np.nonzero(hot > LEAST)
        order = np.argsort(-hot[row, column], kind="stable")
        row, column = row[order], column[order]
        found.append(np.column_stack([hot[row, column], column * STRIDE, row * STRIDE]))
    return found


def _parts(
    frame: Image, alarms: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[tuple[float, Image]]:
    """Cut a square around each alarm that no square before it shows."""
    height, width = frame.shape[:2]
    corners: list[tuple[int, int]] = []
    for score, x, y in alarms:
        if len(corners) == _PER_FRAME:
            return
        if any(0 <= x - left < EDGE_PX and 0 <= y - top < EDGE_PX for left, top in corners):
            continue
        left, top = np.clip(
            np.array([x, y]) - rng.uniform(0.1, 0.9, 2) * EDGE_PX,
            0,
            [width - EDGE_PX, height - EDGE_PX],
        ).astype(int)
        corners.append((int(left), int(top)))
        yield float(score), frame[top : top + EDGE_PX, left : left + EDGE_PX].copy()


def _batches(count: int, seed: int, workers: int, *, first: int = 0) -> Iterator[NDArray[np.uint8]]:
    starts = range(first, count, _BATCH)
    draw = partial(_draw_batch, count=count, seed=seed)
    if workers == 0:
        yield from map(draw, starts)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(draw, starts)


def _draw_batch(start: int, *, count: int, seed: int) -> NDArray[np.uint8]:
    cv2.setNumThreads(1)
    return np.stack([draw_sign_free(seed, i) for i in range(start, min(start + _BATCH, count))])
