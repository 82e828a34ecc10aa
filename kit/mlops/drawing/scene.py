"""Whole training pictures: a background, signs, and the boxes of the signs that can be seen.

Most show a table full of signs; some are what the camera on the virtual set's train sees.

``draw_example(seed, index)`` always draws the same picture for the same two numbers, on any
machine with the same photos installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.mlops.drawing import rooms
from kit.mlops.drawing.figures import EVERYTHING
from kit.mlops.drawing.light import photograph
from kit.mlops.drawing.onboard import class_of, draw_onboard, hardly_seen
from kit.mlops.drawing.placing import Image, Placed, Pose, Scene
from kit.mlops.drawing.signs import FACES, OTHER, Style, draw_face, random_style

Rng = np.random.Generator
Pyramid = tuple[Image, ...]
Box = tuple[float, float, float, float]

EDGE_PX = 320
"""Edge length of a training picture."""

LABEL_MARGIN = 1.10
"""Boxes are this much larger than the silhouette, as people draw them."""

MIN_VISIBLE = 0.22
"""Signs of which less is seen are neither to be found nor to be missed."""

MIN_INSIDE = 0.6
"""Signs of which less lies inside the picture are neither to be found nor to be missed."""

FAINTEST = 2.5
"""Signs whose picture varies by less than this many grey levels count neither way."""

MAX_YAW_DEG = 79.0
"""Signs turned further are neither to be found nor to be missed."""

_ONBOARD_SHARE = 0.14
_ONBOARD_TRACK_EVERY = 100  # pictures of a set that share a track: laying one is slow
_FACE_PX = 256
_BANK_SEED = 7
_SHARES = (0.29, 0.4, 0.12, 0.19)  # speed limits, warnings, stops, other signs
_BANK_SIZES = (120, 110, 40, 110)
_LEGO = (
    ("speed_30", "speed_50"),
    tuple(f"danger_{n}" for n in ("exclamation", "children", "locomotive", "digging", "gate")),
    ("stop", "no_entry"),
    (
        *("parking", "bus_stop", "crossing", "crossing", "no_horn", "no_horn"),
        *("traffic_light", "cars_only", "bicycles_only", "end_of_limit"),
    ),
)


@dataclass(frozen=True)
class Example:
    """One training picture.

    Attributes:
        image: BGR (320, 320, 3) uint8.
        boxes: (N, 4) float32, x1, y1, x2, y2 in pixels.
        classes: (N,) int64, class ids; 3 is any other sign.
        ignored: (N,) bool, signs that can hardly be seen and count neither way.
    """

    image: Image
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    ignored: NDArray[np.bool_]


@lru_cache(maxsize=1)
def face_bank() -> tuple[tuple[Pyramid, ...], ...]:
    """Draw the faces that training pictures use, by class id, each as a pyramid of sizes."""
    rng = np.random.default_rng(_BANK_SEED)
    return tuple(
        tuple(_pyramid(*_pick_face(kind, rng)) for _ in range(size))
        for kind, size in enumerate(_BANK_SIZES)
    )


def _pick_face(kind: int, rng: Rng) -> tuple[str, Style | None]:
    chance = rng.random()
    if chance < (0.45 if kind < OTHER else 0.3):
        return str(rng.choice(_LEGO[kind])), None if chance < 0.15 else random_style(rng)
    if kind == 0 and chance < 0.7:
        return f"speed_{rng.integers(1, 140)}", random_style(rng)
    if kind == 1 and chance < 0.7:
        return f"danger_doodle_{rng.integers(100_000)}", random_style(rng)
    names = [name for name, face in FACES.items() if face.class_id == kind]
    return str(rng.choice(names)), random_style(rng)


def _pyramid(name: str, style: Style | None) -> Pyramid:
    face = draw_face(name, _FACE_PX, style=style)
    sizes = [face]
    while sizes[-1].shape[0] > 16:
        half = sizes[-1].shape[0] // 2
        smaller = cv2.resize(sizes[-1], (half, half), interpolation=cv2.INTER_AREA)
        sizes.append(np.asarray(smaller, np.uint8))
    return tuple(sizes)


def draw_example(seed: int, index: int) -> Example:
    """Draw one training picture.

    Args:
        seed: Of the whole set.
        index: Of the picture in the set.
    """
    rng = np.random.default_rng((seed, index))
    if rng.random() < _ONBOARD_SHARE:
        return _draw_onboard((seed, index // _ONBOARD_TRACK_EVERY), rng)
    kind = rng.random()
    camera_roll = float(rng.normal(0, 9) if rng.random() < 0.55 else rng.uniform(-38, 38))
    horizon = float(rng.uniform(0.05, 0.75)) * EDGE_PX
    lift = float(np.exp(rng.uniform(np.log(0.9), np.log(4.0))))  # camera height in sign widths
    scene = Scene(_background(rng, kind=kind, horizon_px=horizon, lift=lift, roll=camera_roll))
    if kind > 0.22:
        _place_signs(
            scene, rng, on_table=kind > 0.4, horizon_px=horizon, lift=lift, roll=camera_roll
        )
    if rng.random() < 0.5:
        _cover_some(scene, rng)
    return _label(scene, photograph(scene.image, rng))


def _draw_onboard(track_seed: tuple[int, int], rng: Rng) -> Example:
    image, truths = draw_onboard(track_seed, rng, edge_px=EDGE_PX)
    boxes, classes, ignored = [], [], []
    for truth in truths:
        x, y, width, height = truth.box
        whole = (x, y, x + width, y + height)
        if max(x, y) >= EDGE_PX or min(x + width, y + height) <= 0:
            continue
        boxes.append(_loosened(whole))
        classes.append(class_of(truth))
        ignored.append(hardly_seen(truth) or _mostly_outside(whole))
    if rng.random() < 0.4:
        image = photograph(image, rng)
    return _example(image, boxes, classes, ignored)


def _example(image: Image, boxes: list[Box], classes: list[int], ignored: list[bool]) -> Example:
    faint = [is_faint(image, box) for box in boxes]
    return Example(
        image=image,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.array(classes, np.int64),
        ignored=np.array(ignored, bool) | np.array(faint, bool),
    )


def is_faint(image: Image, box: Box) -> bool:
    """Return whether the light left nothing to see of a sign.

    Args:
        image: BGR (H, W, 3) uint8.
        box: x1, y1, x2, y2 in pixels; it may reach out of the picture.
    """
    x1, y1, x2, y2 = (round(v) for v in box)
    patch = image[max(y1, 0) : y2 + 1, max(x1, 0) : x2 + 1].mean(axis=2)
    if patch.size == 0:  # less than half a pixel of it is in the picture
        return True
    edge = min(8, *patch.shape)
    coarse = cv2.resize(patch, (edge, edge), interpolation=cv2.INTER_AREA)  # averages the noise
    return bool(coarse.std() < FAINTEST)


def _background(rng: Rng, *, kind: float, horizon_px: float, lift: float, roll: float) -> Image:
    wide = round(EDGE_PX * 1.42)
    photo = rooms.photo_crop(rng, _photos(), wide) if rng.random() < 0.5 else None
    image = rooms.draw_wall(rng, wide) if photo is None else photo
    if photo is not None:
        for _ in range(int(rng.integers(0, 4))):
            EVERYTHING[int(rng.integers(len(EVERYTHING)))](image, rng)
    margin = (wide - EDGE_PX) / 2
    if kind > 0.4 or rng.random() < 0.4:
        size = float(np.exp(rng.uniform(np.log(15), np.log(90))))
        rooms.draw_table(image, rng, horizon_px=horizon_px + margin, camera_height_px=lift * size)
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 6))):
            EVERYTHING[int(rng.integers(len(EVERYTHING)))](image, rng)
    if rng.random() < 0.35 and _stamps():
        for _ in range(int(rng.integers(1, 7))):
            rooms.paste_stamp(image, _stamps(), rng)
    turn = cv2.getRotationMatrix2D((wide / 2, wide / 2), -roll, 1.0)
    turn = turn - np.array([[0, 0, margin], [0, 0, margin]])
    size_px = (EDGE_PX, EDGE_PX)
    rolled = cv2.warpAffine(image, turn, size_px, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(rolled, np.uint8)


@lru_cache(maxsize=1)
def _photos() -> list[Path]:
    return rooms.find_photos()


@lru_cache(maxsize=1)
def _stamps() -> list[Path]:
    return rooms.find_stamps()


def _place_signs(
    scene: Scene, rng: Rng, *, on_table: bool, horizon_px: float, lift: float, roll: float
) -> None:
    count = int(rng.integers(3, 15))
    sizes = np.sort(np.exp(rng.uniform(np.log(9.5), np.log(rng.choice([45, 70, 130])), count)))
    tall = float(rng.uniform(0.8, 2.2))  # middle of the plates above the table, in plate widths
    angle = np.radians(roll)
    for size in sizes[np.cumsum(sizes**2) < 0.6 * EDGE_PX**2]:
        x = float(rng.uniform(-0.05, 1.05)) * EDGE_PX
        if scene.placed and rng.random() < 0.35:
            before = scene.placed[-1].box
            x = (before[0] + before[2]) / 2 + float(rng.normal(0, 0.7)) * size
        y = horizon_px + (lift - tall) * size if on_table else float(rng.uniform(0, 1)) * EDGE_PX
        centred = np.array([x - EDGE_PX / 2, y - EDGE_PX / 2])
        if on_table:
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            centred = turn @ centred
        if np.abs(centred).max() > EDGE_PX * 0.55:
            continue
        pose = Pose(
            x=float(centred[0]) + EDGE_PX / 2,
            y=float(centred[1]) + EDGE_PX / 2,
            size=float(size),
            yaw=_yaw(rng),
            pitch=float(rng.normal(0, 9)),
            roll=roll + float(rng.normal(0, 5)),
            lean=-roll,
            post=tall - 0.4 if on_table else float(rng.uniform(0.2, 2.5)),
            back=bool(rng.random() < 0.05),
        )
        bank_id = int(rng.choice(4, p=_SHARES))
        bank = face_bank()[bank_id]
        scene.place(bank[int(rng.integers(len(bank)))], bank_id, pose, rng)


def _yaw(rng: Rng) -> float:
    if rng.random() < 0.65:
        return float(np.clip(rng.normal(0, 26), -80, 80))
    return float(rng.uniform(-80, 80))


def _cover_some(scene: Scene, rng: Rng) -> None:
    """Put something before some signs: the edge of a thing, or a box over one half of a sign."""
    for _ in range(int(rng.integers(1, 5))):
        if not scene.placed:
            return
        x1, y1, x2, y2 = scene.placed[int(rng.integers(len(scene.placed)))].box
        middle, size = np.array([(x1 + x2) / 2, (y1 + y2) / 2]), max(x2 - x1, y2 - y1)
        turn = rng.uniform(0, 2 * np.pi)
        if rng.random() < 0.5:
            turn = np.round(turn / (np.pi / 2)) * np.pi / 2
            angles, radii = turn + np.pi / 4 + np.arange(4) * np.pi / 2, np.full(4, size * 0.8)
            reach = 0.8 / np.sqrt(2) + rng.uniform(-0.05, 0.3)
        else:
            angles, radii = np.sort(rng.uniform(0, 2 * np.pi, 6)), size * rng.uniform(0.4, 1.0, 6)
            reach = rng.uniform(0.45, 0.95)
        centre = middle + size * reach * np.array([np.cos(turn), np.sin(turn)])
        outline = centre + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        scene.cover(outline, tuple(float(v) for v in rng.uniform(0, 255, 3)))


def _label(scene: Scene, image: Image) -> Example:
    counts = np.bincount(scene.owner[scene.owner >= 0], minlength=len(scene.placed))
    kept = [(p, c) for p, c in zip(scene.placed, counts, strict=True) if c > 0]
    return _example(
        image,
        [_loosened(p.box) for p, _ in kept],
        [p.class_id for p, _ in kept],
        [_hardly_seen(p, int(c)) for p, c in kept],
    )


def _hardly_seen(sign: Placed, visible_px: int) -> bool:
    least = MIN_VISIBLE if sign.class_id != OTHER else MIN_VISIBLE / 2
    too_little = visible_px < max(least * sign.area, 20)
    return _mostly_outside(sign.box) or too_little or abs(sign.yaw) > MAX_YAW_DEG


def _mostly_outside(box: Box) -> bool:
    x1, y1, x2, y2 = box
    wide = min(x2, EDGE_PX) - max(x1, 0)
    tall = min(y2, EDGE_PX) - max(y1, 0)
    return wide * tall < MIN_INSIDE * (x2 - x1) * (y2 - y1)


def _loosened(box: Box) -> Box:
    x1, y1, x2, y2 = box
    more_x, more_y = (x2 - x1) * (LABEL_MARGIN - 1) / 2, (y2 - y1) * (LABEL_MARGIN - 1) / 2
    return (
        max(x1 - more_x, 0.0),
        max(y1 - more_y, 0.0),
        min(x2 + more_x, float(EDGE_PX)),
        min(y2 + more_y, float(EDGE_PX)),
    )
