"""Harder copies of labelled photos: smaller, rolled, darker, half covered, blurred, worse JPEG.

A transform is named ``kind:amount``: ``shrink:0.7`` (scale), ``roll:-30`` (degrees, positive turns
the picture to the left), ``dark:0.5`` (share of the light), ``cover:0.5`` (share of each sign),
``blur:9`` (pixels of motion) and ``jpeg:20`` (quality).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from kit.errors import ConfigError
from kit.events import LABELS, Label
from kit.mlops.measuring.labelled import LabelledPhoto, OtherSign
from kit.vision.frames import PADDING, Image, decode_jpeg, encode_jpeg, resize

STANDARD = (
    "shrink:0.7", "shrink:0.5", "roll:-30", "roll:-15", "roll:15", "roll:30", "dark:0.5",
    "dark:0.3", "cover:0.5", "blur:9", "jpeg:20",
)  # fmt: skip
"""What robustness is measured on unless asked otherwise."""

MOSTLY_OUT = 0.6
"""Signs of which less stays in the picture count neither way."""

_SIDEWAYS = range(5, 9)  # EXIF orientations that swap width and height
_ORIENTATION = 0x0112

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Change:
    """What a transform does with one photo.

    Attributes:
        paint: Changes the picture.
        move: Moves outlines: (N, P, 2) x, y in pixels to the same in the new picture.
        size: Width and height of the new picture, pixels.
    """

    paint: Callable[[Image], Image]
    move: Callable[[_Floats], _Floats]
    size: tuple[int, int]


def transformed(photos: Iterable[LabelledPhoto], name: str) -> list[LabelledPhoto]:
    """Make harder copies, their boxes carried along.

    The pictures are changed when they are read. A box follows the shape of its sign, so that a
    rolled disc keeps its size. The same photos and name give the same copies.

    Args:
        photos: Any labelled photos.
        name: Such as ``roll:30``; see this module.

    Raises:
        ConfigError: If there is no such transform, or its amount makes no sense.
        CameraError: If a photo cannot be read.
    """
    maker, amount = _parse(name)
    return [_copy(photo, maker(photo, amount), name) for photo in photos]


def _parse(name: str) -> tuple[Callable[[LabelledPhoto, float], _Change], float]:
    kind, _, text = name.partition(":")
    try:
        maker, low, high = _KINDS[kind]
        amount = float(text)
        if low <= amount <= high:
            return maker, amount
    except (KeyError, ValueError):
        pass
    raise ConfigError(
        f"There is no transform '{name}'",
        expected=", ".join(f"{k}:{low:g} to {k}:{high:g}" for k, (_, low, high) in _KINDS.items()),
        got=name,
    )


def _copy(photo: LabelledPhoto, change: _Change, name: str) -> LabelledPhoto:
    signs = _follow(_outlines(photo.signs), change)
    others = _follow(_boxes(np.array([o.corners for o in photo.others]).reshape(-1, 4)), change)
    ignored = _follow(_boxes(photo.ignored), change)
    kept, other_kept = (_stays(boxes, change.size) for boxes in (signs, others))
    out = np.concatenate([signs[~kept], others[~other_kept], ignored])
    return replace(
        photo,
        path=Path(f"{photo.name} {name}"),
        signs=np.column_stack([photo.signs[kept, 0], _clip(signs[kept], change.size)]),
        others=tuple(
            OtherSign(other.name, (x1, y1, x2, y2))
            for other, (x1, y1, x2, y2), keep in zip(
                photo.others, _clip(others, change.size).tolist(), other_kept, strict=True
            )
            if keep
        ),
        ignored=_clip(out, change.size),
        load=lambda: change.paint(photo.read()),
    )


def _shrink(photo: LabelledPhoto, scale: float) -> _Change:
    width, height = picture_size(photo)
    small = (max(16, round(width * scale)), max(16, round(height * scale)))
    factors = np.array(small) / (width, height)
    return _Change(lambda image: resize(image, *small), lambda points: points * factors, small)


def _roll(photo: LabelledPhoto, degrees: float) -> _Change:
    size = picture_size(photo)
    matrix = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, 1.0)
    grey = (PADDING, PADDING, PADDING)
    return _Change(
        lambda image: np.asarray(cv2.warpAffine(image, matrix, size, borderValue=grey), np.uint8),
        lambda points: points @ matrix[:, :2].T + matrix[:, 2],
        size,
    )


def _darken(photo: LabelledPhoto, share: float) -> _Change:
    return _still(photo, lambda image: (image * share).astype(np.uint8))


def _cover(photo: LabelledPhoto, share: float) -> _Change:
    """Lay a plain patch over one side of each sign: which side and colour, its place decides."""

    def paint(image: Image) -> Image:
        image = image.copy()
        for sign in photo.signs.tolist():
            rng = np.random.default_rng(zlib.crc32(np.round(sign, 2).tobytes()))
            x1, y1, x2, y2 = (round(value) for value in sign[1:])
            side = int(rng.integers(4))
            wide, tall = round((x2 - x1) * share), round((y2 - y1) * share)
            left = x2 - wide if side == 1 else x1
            top = y2 - tall if side == 3 else y1
            right = left + (wide if side < 2 else x2 - x1)
            bottom = top + (tall if side >= 2 else y2 - y1)
            image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = rng.integers(
                30, 200, 3
            )
        return image

    return _still(photo, paint)


def _blur(photo: LabelledPhoto, pixels: float) -> _Change:
    kernel = np.full((1, round(pixels)), 1 / round(pixels), np.float32)
    return _still(photo, lambda image: np.asarray(cv2.filter2D(image, -1, kernel), np.uint8))


def _jpeg(photo: LabelledPhoto, quality: float) -> _Change:
    return _still(photo, lambda image: decode_jpeg(encode_jpeg(image, round(quality))))


_KINDS: dict[str, tuple[Callable[[LabelledPhoto, float], _Change], float, float]] = {
    "shrink": (_shrink, 0.1, 1),
    "roll": (_roll, -180, 180),
    "dark": (_darken, 0.01, 1),
    "cover": (_cover, 0, 1),
    "blur": (_blur, 1, 99),
    "jpeg": (_jpeg, 1, 100),
}


def _still(photo: LabelledPhoto, paint: Callable[[Image], Image]) -> _Change:
    return _Change(paint, lambda points: points, picture_size(photo))


def picture_size(photo: LabelledPhoto) -> tuple[int, int]:
    """Return width and height of a photo when it is upright, pixels; a file is not decoded.

    Raises:
        CameraError: If the photo cannot be read.
    """
    if photo.load is None:
        try:
            with PillowImage.open(photo.path) as file:
                width, height = file.size
                sideways = file.getexif().get(_ORIENTATION) in _SIDEWAYS
        except (OSError, SyntaxError, ValueError):
            pass  # read() says what is wrong with it
        else:
            return (height, width) if sideways else (width, height)
    height, width = photo.read().shape[:2]
    return width, height


@lru_cache(maxsize=1)
def _shapes() -> dict[Label, _Floats]:
    """Return the outline of each class of sign in a box of -1..1, (P, 2)."""
    turn = np.linspace(0, 2 * math.pi, 36, endpoint=False)
    disc = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    triangle = np.array([(-1, 1), (1, 1), (0, -1)], float)
    return {Label.SPEED_LIMIT: disc, Label.DANGER_AHEAD: triangle, Label.STOP: disc}


def _outlines(signs: _Floats) -> list[_Floats]:
    """Return each sign's outline, (P, 2) x, y in pixels."""
    return [
        (c[:2] + c[2:]) / 2 + _shapes()[LABELS[int(class_id)]] * (c[2:] - c[:2]) / 2
        for class_id, c in zip(signs[:, 0], signs[:, 1:], strict=True)
    ]


def _boxes(boxes: _Floats) -> list[_Floats]:
    return [np.array([(a, b), (c, b), (c, d), (a, d)], float) for a, b, c, d in boxes.tolist()]


def _follow(outlines: list[_Floats], change: _Change) -> _Floats:
    moved = [change.move(outline) for outline in outlines]
    bounds = [np.concatenate([points.min(axis=0), points.max(axis=0)]) for points in moved]
    return np.array(bounds, np.float64).reshape(-1, 4)


def _clip(boxes: _Floats, size: tuple[int, int]) -> _Floats:
    return np.asarray(boxes.clip(0, np.array([*size, *size])), np.float64)


def _stays(boxes: _Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    inside = _clip(boxes, size)
    area, left = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, inside))
    return np.asarray(left >= MOSTLY_OUT * area, bool)
