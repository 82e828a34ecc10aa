"""Whole training pictures: a background, signs, and the boxes of the signs that can be seen.

There are two worlds. In ``lego`` most pictures show a table full of signs, and some are what the
camera on the virtual set's train sees; ``road`` has streets with the signs of European roads.
``lego-hard`` is the first one seen worse: smaller signs, more that are rolled or half hidden, and
more of the virtual set; in return, what hardly anybody could tell counts neither way.

``draw_example(seed, index)`` always draws the same picture for the same two numbers, on any
machine with the same photos installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from kit.events import FRAME_HEIGHT, FRAME_WIDTH
from kit.mlops.drawing import rooms, street
from kit.mlops.drawing.bank import SHARES, lego_bank
from kit.mlops.drawing.example import (
    EDGE_PX,
    FAINTEST,
    MIN_VISIBLE,
    Box,
    Example,
    label_scene,
    loosened,
    make_example,
    mostly_outside,
)
from kit.mlops.drawing.figures import EVERYTHING
from kit.mlops.drawing.light import photograph
from kit.mlops.drawing.onboard import class_of, draw_bare_frame, draw_onboard, hardly_seen
from kit.mlops.drawing.placing import Image, Pose, Scene

Rng = np.random.Generator
World = Literal["lego", "lego-hard", "road"]

_ONBOARD_SIGN_FREE_SHARE = 0.3
_ONBOARD_TRACK_EVERY = 100  # pictures of a set that share a track: laying one is slow
_BARE_TRACK_EVERY = 40


@dataclass(frozen=True)
class Mix:
    """How hard the pictures of a LEGO world are.

    Attributes:
        onboard: Share of pictures that the camera on a train takes.
        level: Share of the others whose camera is held nearly level; the rest roll by up to 38
            degrees.
        largest_px: The largest sign of a picture has at most one of these, by chance.
        covered: Share in which something stands before signs.
        least_visible: Share of a sign that must be seen for it to count.
        faintest: Signs that vary by fewer grey levels count neither way.
    """

    onboard: float = 0.14
    level: float = 0.55
    largest_px: tuple[int, ...] = (45, 70, 130)
    covered: float = 0.5
    least_visible: float = MIN_VISIBLE
    faintest: float = FAINTEST


_MIXES: Mapping[World, Mix] = {
    "lego": Mix(),
    "lego-hard": Mix(
        onboard=0.22,
        level=0.35,
        largest_px=(26, 40, 60, 130),
        covered=0.65,
        least_visible=0.33,
        faintest=4.0,
    ),
}


def draw_example(seed: int, index: int, *, world: World = "lego") -> Example:
    """Draw one training picture.

    Args:
        seed: Of the whole set.
        index: Of the picture in the set.
        world: Which signs, and where they stand.
    """
    rng = np.random.default_rng((seed, index))
    if world == "road":
        return _draw_street(rng)
    mix = _MIXES[world]
    if rng.random() < mix.onboard:
        return _draw_onboard((seed, index // _ONBOARD_TRACK_EVERY), rng, faintest=mix.faintest)
    kind = rng.random()
    camera_roll = float(rng.normal(0, 9) if rng.random() < mix.level else rng.uniform(-38, 38))
    horizon = float(rng.uniform(0.05, 0.75)) * EDGE_PX
    lift = float(np.exp(rng.uniform(np.log(0.9), np.log(4.0))))  # camera height in sign widths
    scene = Scene(_background(rng, kind=kind, horizon_px=horizon, lift=lift, roll=camera_roll))
    if kind > 0.22:
        _place_signs(
            scene,
            rng,
            on_table=kind > 0.4,
            horizon_px=horizon,
            lift=lift,
            roll=camera_roll,
            largest_px=mix.largest_px,
        )
    if rng.random() < mix.covered:
        _cover_some(scene, rng)
    return label_scene(
        scene,
        photograph(scene.image, rng),
        least_visible=mix.least_visible,
        faintest=mix.faintest,
    )


def draw_sign_free(seed: int, index: int) -> Image:
    """Draw one frame without a sign, for finding what a network takes for one.

    Args:
        seed: Of the whole set.
        index: Of the frame in the set.

    Returns:
        BGR frame (400, 600, 3) uint8.
    """
    rng = np.random.default_rng((seed, index, 0))
    if rng.random() < _ONBOARD_SIGN_FREE_SHARE:
        frame = draw_bare_frame((seed, index // _BARE_TRACK_EVERY, 0), rng)
        return photograph(frame, rng) if rng.random() < 0.2 else frame
    horizon, lift = float(rng.uniform(0.05, 0.75)) * FRAME_WIDTH, float(rng.uniform(0.9, 4))
    roll = float(rng.normal(0, 12)) if rng.random() < 0.5 else 0.0
    image = _background(
        rng,
        kind=rng.random(),
        horizon_px=horizon,
        lift=lift,
        roll=roll,
        edge_px=FRAME_WIDTH,
        spare=1.0,
    )
    if rng.random() < 0.35 and _stamps():
        for _ in range(int(rng.integers(2, 9))):
            rooms.paste_stamp(image, _stamps(), rng)
    top = int(rng.integers(FRAME_WIDTH - FRAME_HEIGHT + 1))
    frame = np.ascontiguousarray(image[top : top + FRAME_HEIGHT])
    return photograph(frame, rng) if rng.random() < 0.5 else frame


def _draw_street(rng: Rng) -> Example:
    scene = Scene(street.draw_street(rng, EDGE_PX, _photos()))
    if rng.random() < 0.85:
        street.place_signs(scene, rng)
    if rng.random() < 0.3:
        _cover_some(scene, rng)
    return label_scene(scene, photograph(scene.image, rng))


def _draw_onboard(track_seed: tuple[int, int], rng: Rng, *, faintest: float) -> Example:
    image, truths = draw_onboard(track_seed, rng, edge_px=EDGE_PX)
    boxes: list[Box] = []
    classes, ignored = [], []
    for truth in truths:
        x, y, width, height = truth.box
        whole = (x, y, x + width, y + height)
        if max(x, y) >= EDGE_PX or min(x + width, y + height) <= 0:
            continue
        boxes.append(loosened(whole))
        classes.append(class_of(truth))
        ignored.append(hardly_seen(truth) or mostly_outside(whole))
    if rng.random() < 0.4:
        image = photograph(image, rng)
    return make_example(image, boxes, classes, ignored, faintest=faintest)


def _background(
    rng: Rng,
    *,
    kind: float,
    horizon_px: float,
    lift: float,
    roll: float,
    edge_px: int = EDGE_PX,
    spare: float = 1.42,
) -> Image:
    """Draw a square without signs; ``spare`` times as much is drawn, to roll without a border."""
    wide = round(edge_px * spare)
    photo = rooms.photo_crop(rng, _photos(), wide) if rng.random() < 0.5 else None
    image = rooms.draw_wall(rng, wide) if photo is None else photo
    if photo is not None:
        for _ in range(int(rng.integers(0, 4))):
            EVERYTHING[int(rng.integers(len(EVERYTHING)))](image, rng)
    margin = (wide - edge_px) / 2
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
    size_px = (edge_px, edge_px)
    rolled = cv2.warpAffine(image, turn, size_px, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(rolled, np.uint8)


@lru_cache(maxsize=1)
def _photos() -> list[Path]:
    return rooms.find_photos()


@lru_cache(maxsize=1)
def _stamps() -> list[Path]:
    return rooms.find_stamps()


def _place_signs(
    scene: Scene,
    rng: Rng,
    *,
    on_table: bool,
    horizon_px: float,
    lift: float,
    roll: float,
    largest_px: tuple[int, ...],
) -> None:
    count = int(rng.integers(3, 15))
    sizes = np.sort(np.exp(rng.uniform(np.log(9.5), np.log(rng.choice(largest_px)), count)))
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
        bank_id = int(rng.choice(4, p=SHARES))
        bank = lego_bank()[bank_id]
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
