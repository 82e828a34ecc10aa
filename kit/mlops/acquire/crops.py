"""Training pictures cut out of an annotated set, in the form that training reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet, Photo, Sign
from kit.mlops.dataset import LABEL_FIELDS, MAX_SIGNS, DrawnSet, open_set
from kit.mlops.drawing.example import EDGE_PX, mostly_outside
from kit.mlops.drawing.signs import OTHER
from kit.vision.detector import LONGER_SIDE_PX
from kit.vision.frames import PADDING, Image
from kit.vision.photos import read_photo

WITHOUT_SIGN = 0.2
"""Share of the crops that are taken where no sign is, if there is such a place."""

SCALES = (0.6, 1.7)
"""A photo is shown this much smaller or larger than the detector would see it."""

MIN_SIGN_PX = 7.0
"""Signs whose shorter side is less in the crop count neither way."""

_TRIES = 20
_CACHED_PHOTOS = 16
_Reader = Callable[[Path], Image]


def crops_of(annotated: AnnotatedSet, folder: Path, *, count: int, seed: int = 1) -> DrawnSet:
    """Cut training pictures out of photos, most of them around a sign, some where none is.

    Classes get an equal chance, so that a rare one is seen as often as a frequent one. Each photo
    is first brought to the size in which the detector would see it, and a little more or less.
    Of a sign that is cut off, tiny or marked as ignored, nobody demands anything.

    Args:
        annotated: The set; give only the part to train on.
        folder: Where the arrays go, as `kit.mlops.dataset.open_set` reads them; made if need be.
            A folder that holds the same crops already is opened as it is.
        count: Number of pictures, (count, 320, 320, 3) uint8 BGR on disk.
        seed: The same seed cuts the same pictures.

    Returns:
        The finished set.

    Raises:
        ConfigError: If the set is empty, the count is below 1, or the folder holds another set.
        CameraError: If a photo has gone since the set was read.
    """
    if not len(annotated) or count < 1:
        raise ConfigError(
            "There is nothing to cut out",
            expected="photos, and a count of 1 or more",
            got=f"{len(annotated)} photos, a count of {count}",
        )
    about = {"count": count, "seed": seed, "edge_px": EDGE_PX, "photos": annotated.data_hash}
    if _is_done(folder, about):
        return open_set(folder)
    images = _new(folder, "images", (count, EDGE_PX, EDGE_PX, 3), np.dtype(np.uint8))
    labels = _new(folder, "labels", (count, MAX_SIGNS, len(LABEL_FIELDS)), np.dtype(np.float32))
    read = lru_cache(maxsize=_CACHED_PHOTOS)(read_photo)
    for index in range(count):
        images[index], labels[index] = cut_crop(
            annotated, np.random.default_rng((seed, index)), read=read
        )
    drawn = _new(folder, "drawn", (count,), np.dtype(np.uint8))
    drawn[:] = 1
    for array in (images, labels, drawn):
        array.flush()
    # Last, so that an interrupted folder is never taken for a finished one.
    (folder / "set.json").write_text(json.dumps(about), encoding="utf-8")
    return open_set(folder)


def cut_crop(
    annotated: AnnotatedSet, rng: np.random.Generator, *, read: _Reader = read_photo
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Cut one training picture.

    Args:
        annotated: The set.
        rng: Decides on the photo, the place and the scale.
        read: Reads a photo, upright, BGR (H, W, 3) uint8.

    Returns:
        BGR (320, 320, 3) uint8, and label rows (24, 6) float32 as in `LABEL_FIELDS`.
    """
    photo, sign = _choose(annotated, rng)
    scale = _scale(photo, rng)
    corner = _corner_around(photo, sign, scale, rng) if sign else _empty_corner(photo, scale, rng)
    return _cut(read(photo.path), scale, corner), _rows(photo, scale, corner)


def _scale(photo: Photo, rng: np.random.Generator) -> float:
    """Choose a scale at which the photo fills the crop, if it can without growing too much."""
    fit = min(1.0, LONGER_SIDE_PX / max(photo.width, photo.height))
    low, high = (factor * fit for factor in SCALES)
    low = float(np.clip(EDGE_PX / min(photo.width, photo.height), low, high))
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _choose(annotated: AnnotatedSet, rng: np.random.Generator) -> tuple[Photo, Sign | None]:
    signs = [
        (photo, sign) for photo in annotated.photos for sign in photo.signs if not sign.ignored
    ]
    if not signs or rng.random() < WITHOUT_SIGN:
        return annotated.photos[int(rng.integers(len(annotated)))], None
    kinds = sorted({sign.kind for _, sign in signs})
    kind = kinds[int(rng.integers(len(kinds)))]
    alike = [(photo, sign) for photo, sign in signs if sign.kind == kind]
    return alike[int(rng.integers(len(alike)))]


def _corner_around(
    photo: Photo, sign: Sign, scale: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Place the crop in the photo so that the sign is whole in it, anywhere, if it fits."""
    x1, y1, x2, y2 = (v * scale for v in sign.box)
    corner = []
    for low, high, side in ((x1, x2, photo.width), (y1, y2, photo.height)):
        least, most = _room(side * scale)
        if high - low < EDGE_PX:
            least, most = max(least, high - EDGE_PX), min(most, low)
        else:
            least = most = float(np.clip((low + high - EDGE_PX) / 2, least, most))
        corner.append(float(rng.uniform(least, max(least, most))))
    return corner[0], corner[1]


def _empty_corner(photo: Photo, scale: float, rng: np.random.Generator) -> tuple[float, float]:
    """Look for a place without a sign; where there is none, take the last one tried."""
    corner = (0.0, 0.0)
    for _ in range(_TRIES):
        x, y = (float(rng.uniform(*_room(side * scale))) for side in (photo.width, photo.height))
        corner = (x, y)
        if (_rows(photo, scale, corner)[:, 4] < 0).all():
            break
    return corner


def _room(side: float) -> tuple[float, float]:
    """Return where a crop may begin: inside a long side, or so that all of a short one is seen."""
    return min(side - EDGE_PX, 0.0), max(side - EDGE_PX, 0.0)


def _rows(photo: Photo, scale: float, corner: tuple[float, float]) -> NDArray[np.float32]:
    rows = np.full((MAX_SIGNS, len(LABEL_FIELDS)), -1, np.float32)
    found = []
    for sign in photo.signs:
        x1, y1, x2, y2 = np.array(sign.box) * scale - np.array(corner * 2)
        if min(x2, y2) <= 0 or max(x1, y1) >= EDGE_PX:
            continue
        tiny = min(x2 - x1, y2 - y1) < MIN_SIGN_PX
        ignored = sign.ignored or tiny or mostly_outside((x1, y1, x2, y2))
        class_id = OTHER if sign.class_id is None else sign.class_id
        inside = np.clip([x1, y1, x2, y2], 0, EDGE_PX)
        found.append((*inside, class_id, float(ignored)))
    found.sort(key=lambda row: (row[2] - row[0]) * (row[3] - row[1]), reverse=True)
    for row, values in zip(rows, found, strict=False):  # of too many, the largest are kept
        row[:] = values
    return rows


def _cut(image: Image, scale: float, corner: tuple[float, float]) -> Image:
    move = np.array([[scale, 0, -corner[0]], [0, scale, -corner[1]]])
    if scale < 0.5:  # a warp would skip pixels; averages do not
        small = cv2.resize(image, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA)
        image = np.asarray(small, np.uint8)
        move[:, :2] *= 0.5 / scale
    # Pixel middles are at .5 in boxes and at whole numbers in OpenCV.
    move[:, 2] += (np.diag(move[:, :2]) - 1) / 2
    cut = cv2.warpAffine(
        image,
        move,
        (EDGE_PX, EDGE_PX),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(PADDING, PADDING, PADDING),
    )
    return np.asarray(cut, np.uint8)


def _is_done(folder: Path, wanted: dict[str, object]) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    about = folder / "set.json"
    if not about.exists():
        return False
    found = json.loads(about.read_text(encoding="utf-8"))
    if found != wanted:
        raise ConfigError(
            "The folder holds another training set",
            expected=wanted,
            got=found,
            fix=f"remove {folder} or name another folder",
        )
    return True


def _new(
    folder: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]
) -> np.memmap[tuple[int, ...], np.dtype[np.generic]]:
    path = folder / f"{name}.npy"
    made: np.memmap[tuple[int, ...], np.dtype[np.generic]] = np.lib.format.open_memmap(
        path, mode="w+", dtype=dtype, shape=shape
    )
    return made
