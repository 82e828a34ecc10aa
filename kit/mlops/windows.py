"""What the second look learns from: places where the network saw signs, and what really is there.

A trained network looks at drawn pictures, whose signs are known, and at frames without any. Each
place where it sees a sign becomes a window with a kind. The windows are cut from the pictures when
they are needed, never twice alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from kit.mlops.drawing.signs import OTHER
from kit.mlops.network import Detector, SignNet
from kit.mlops.second_look import CONTEXT, NOTHING, WINDOW_PX

FAINTEST_SCORE = 0.1
"""Places with a lower score teach nothing: no second opinion makes a detection of them."""

HIT_IOU = 0.5
"""Overlap from which a place shows the sign that is there."""

MISS_IOU = 0.25
"""Overlap below which a place shows no sign; between both it counts neither way."""

_BATCH = 8
_GRID_PX = 16
_LEVELS = np.linspace(0, 1, 256)
_NO_LABELS = np.empty((0, 6), np.float32)
_Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Windows:
    """Places in pictures, and what they show.

    Attributes:
        pictures: Arrays of pictures, (N, H, W, 3) uint8 BGR each.
        rows: (M, 2) int64, which array and which picture of it.
        boxes: (M, 4) float32, x1, y1, x2, y2 in pixels of that picture.
        kinds: (M,) int64, index of a class, of another sign, or of nothing.
        seen: (M, 2) float32, what the network said there: class and score.
    """

    pictures: tuple[NDArray[np.uint8], ...]
    rows: NDArray[np.int64]
    boxes: _Floats
    kinds: NDArray[np.int64]
    seen: _Floats

    def __len__(self) -> int:
        return len(self.rows)


@torch.no_grad()
def collect(
    network: SignNet, pictures: NDArray[np.uint8], labels: _Floats | None
) -> Iterator[tuple[int, Windows]]:
    """Let a network look at pictures, and tell what is where it sees signs.

    Args:
        network: Trained weights.
        pictures: (N, H, W, 3) uint8 BGR, H and W multiples of 4.
        labels: (N, M, 6) as of a training set; None if there is no sign in any picture.

    Yields:
        How many pictures have been looked at, and the windows of the last few of them.
    """
    detector = Detector(network.cpu().eval()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for start in range(0, len(pictures), _BATCH):
        chunk = np.asarray(pictures[start : start + _BATCH])
        found: list[tuple[int, int, float, float, _Floats]] = []
        for index, cells in enumerate(_look(detector, chunk), start=start):
            marks = _NO_LABELS if labels is None else labels[index]
            for class_id, score, *corners in cells:
                box = np.array(corners, np.float32)
                kind = kind_at(box, marks)
                if kind is not None:
                    found.append((index, kind, class_id, score, box))
        yield (
            start + len(chunk),
            Windows(
                pictures=(pictures,),
                rows=np.array([(0, one[0]) for one in found], np.int64).reshape(-1, 2),
                boxes=np.array([one[4] for one in found], np.float32).reshape(-1, 4),
                kinds=np.array([one[1] for one in found], np.int64),
                seen=np.array([one[2:4] for one in found], np.float32).reshape(-1, 2),
            ),
        )


def kind_at(box: _Floats, labels: _Floats) -> int | None:
    """Tell what a box shows.

    Args:
        box: (4,) x1, y1, x2, y2 in pixels.
        labels: (M, 6) of the picture.

    Returns:
        The kind, or None where nobody can say.
    """
    marks = labels[labels[:, 4] >= 0]
    if not len(marks):
        return NOTHING
    low, high = np.maximum(box[:2], marks[:, :2]), np.minimum(box[2:], marks[:, 2:4])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    own, theirs = (box[2:] - box[:2]).prod(), (marks[:, 2:4] - marks[:, :2]).prod(axis=1)
    overlap = shared / np.maximum(own + theirs - shared, 1e-6)
    best = int(overlap.argmax())
    if overlap[best] >= HIT_IOU and (marks[best, 5] == 0 or marks[best, 4] == OTHER):
        return int(marks[best, 4])
    middle = (box[:2] + box[2:]) / 2
    inside = ((middle > marks[:, :2]) & (middle < marks[:, 2:4])).all(axis=1)
    doubtful = (inside & (marks[:, 5] > 0)) | (overlap >= MISS_IOU)
    return None if doubtful.any() else NOTHING


def _look(detector: Detector, pictures: NDArray[np.uint8]) -> Iterator[NDArray[np.float64]]:
    """Yield for each picture (K, 6): class, score and box of each place it may show a sign."""
    rgb = np.ascontiguousarray(pictures[..., ::-1].transpose(0, 3, 1, 2), np.float32) / 255
    padding = (0, -rgb.shape[3] % _GRID_PX, 0, -rgb.shape[2] % _GRID_PX)
    images = functional.pad(torch.from_numpy(rgb), padding, value=0.5)
    scores, boxes = detector(images.contiguous(memory_format=torch.channels_last))
    for hot, corners in zip(scores.numpy(), boxes.numpy(), strict=True):
        class_id, row, column = np.nonzero(hot > FAINTEST_SCORE)
        strength = hot[class_id, row, column]
        yield np.column_stack([class_id, strength, corners[:, row, column].T])


def cut(
    windows: Windows, chosen: NDArray[np.int64], *, rng: np.random.Generator | None = None
) -> Tensor:
    """Cut windows out of their pictures as the model's graph does.

    Args:
        windows: All of them.
        chosen: (B,) which.
        rng: Moves, turns, mirrors and recolours each by chance; None leaves them as they are.

    Returns:
        (B, 3, 80, 80) float32 RGB in 0..1.
    """
    made = np.empty((len(chosen), WINDOW_PX, WINDOW_PX, 3), np.float32)
    for place, index in enumerate(chosen):
        source, row = windows.rows[index]
        picture, box = windows.pictures[source][row], windows.boxes[index]
        if rng is None:
            made[place] = _cut_one(picture, box, np.eye(2), np.zeros(2), WINDOW_PX)
        else:
            made[place] = _vary(picture, box, rng, sign=windows.kinds[index] < NOTHING)
    return torch.from_numpy(made / 255).permute(0, 3, 1, 2).contiguous()


def _cut_one(
    picture: NDArray[np.uint8],
    box: _Floats,
    turn: NDArray[np.float64],
    shift: NDArray[np.float64],
    edge_px: int,
) -> NDArray[np.uint8]:
    """Cut one window as (E, E, 3) uint8 RGB; ``turn`` and ``shift`` are in window sizes."""
    size = CONTEXT * float(max(box[2] - box[0], box[3] - box[1]))
    middle = np.array([box[0] + box[2], box[1] + box[3]], np.float64) / 2
    linear = turn * (size / edge_px)
    # of the picture's pixel under a window's pixel; middles of pixels lie at halves in both
    corner = middle + size * shift - linear @ np.full(2, edge_px / 2 - 0.5) - 0.5
    matrix = np.column_stack([linear, corner])
    window = cv2.warpAffine(
        picture,
        matrix,
        (edge_px, edge_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(window[..., ::-1], np.uint8)


def _vary(
    picture: NDArray[np.uint8], box: _Floats, rng: np.random.Generator, *, sign: bool
) -> _Floats:
    angle = np.radians(rng.normal(0, 6) if rng.random() < 0.7 else rng.uniform(-32, 32))
    scale = np.exp(rng.normal(0, (0.1, 0.05), 2).sum() + rng.normal(0, 0.05, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    if rng.random() < 0.5:
        turn[:, 0] *= -1
    edge = WINDOW_PX if rng.random() < 0.75 else int(rng.integers(20, WINDOW_PX))
    window = _cut_one(picture, box, turn, rng.normal(0, 0.035, 2), edge)
    if edge != WINDOW_PX:
        window = np.asarray(cv2.resize(window, (WINDOW_PX, WINDOW_PX)), np.uint8)
    if sign and rng.random() < 0.05:
        _cover(window, rng)
    gain = np.exp(rng.normal(0, 0.25) + rng.normal(0, 0.07, 3))
    if rng.random() < 0.15:
        gain *= rng.uniform(0.25, 0.7)
    seen = np.clip(_LEVELS[:, None] * gain, 1e-4, 1) ** np.exp(rng.normal(0, 0.18)) * 255
    result = np.asarray(cv2.LUT(window, seen[None].astype(np.float32)), np.float32)
    if rng.random() < 0.3:
        grey = result.mean(axis=2, keepdims=True)
        result += (grey - result) * np.float32(rng.uniform(-0.3, 0.6))
    if rng.random() < 0.4:
        result += rng.normal(0, rng.uniform(1, 6), result.shape).astype(np.float32)
    return np.clip(result, 0, 255)


def _cover(window: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Paint a plain patch over up to two fifths of the box in a window's middle."""
    edge = WINDOW_PX / CONTEXT
    low, deep = (WINDOW_PX - edge) / 2, edge * rng.uniform(0.1, 0.4)
    colour = rng.integers(0, 256, 3)
    side = int(rng.integers(4))
    until = round(low + deep)
    part = [window[:until], window[-until:], window[:, :until], window[:, -until:]][side]
    part[:] = colour


def join_windows(parts: Sequence[Windows]) -> Windows:
    """Put windows behind each other.

    Args:
        parts: At least one.
    """
    arrays = {id(array): array for part in parts for array in part.pictures}
    places = {key: place for place, key in enumerate(arrays)}
    rows = []
    for part in parts:
        new = np.array([places[id(array)] for array in part.pictures], np.int64)
        rows.append(np.column_stack([new[part.rows[:, 0]], part.rows[:, 1]]))
    return Windows(
        pictures=tuple(arrays.values()),
        rows=np.concatenate(rows),
        boxes=np.concatenate([part.boxes for part in parts]),
        kinds=np.concatenate([part.kinds for part in parts]),
        seen=np.concatenate([part.seen for part in parts]),
    )
