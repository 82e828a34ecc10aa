"""Streets: what stands around the signs of European roads, seen from a car.

The *road* world gives the base model that knows traffic signs, but no LEGO: its warnings are
white with a red border, its posts are tall, and its background is sky, houses and asphalt.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.mlops.drawing import rooms
from kit.mlops.drawing.bank import SHARES, road_bank
from kit.mlops.drawing.figures import house, person, tree
from kit.mlops.drawing.placing import Pose, Scene
from kit.mlops.drawing.things import fill, panels, random_colour, writing

Rng = np.random.Generator
Image = NDArray[np.uint8]

_PHOTO_SHARE = 0.3


def draw_street(rng: Rng, edge_px: int, photos: list[Path]) -> Image:
    """Draw a street with no signs.

    Args:
        rng: Source of chance.
        edge_px: Edge of the picture.
        photos: What some backgrounds are cut from; may be empty.

    Returns:
        BGR picture (edge_px, edge_px, 3) uint8.
    """
    if rng.random() < _PHOTO_SHARE:
        photo = rooms.photo_crop(rng, photos, edge_px)
        if photo is not None:
            return photo
    horizon = int(rng.uniform(0.3, 0.75) * edge_px)
    image = _sky(rng, edge_px)
    _houses(image, rng, horizon)
    for _ in range(int(rng.integers(0, 6))):
        (tree, house, panels)[int(rng.integers(3))](image, rng)
    _asphalt(image, rng, horizon)
    for _ in range(int(rng.integers(0, 4))):
        (_car, person, writing)[int(rng.integers(3))](image, rng)
    return image


def place_signs(scene: Scene, rng: Rng) -> None:
    """Put signs on tall posts, the far ones first; some share a post.

    Args:
        scene: Drawn upon.
        rng: Source of chance.
    """
    edge = scene.image.shape[0]
    largest = float(rng.choice([40, 70, 120]))
    count = int(rng.integers(1, 9))
    sizes = np.sort(np.exp(rng.uniform(np.log(9.5), np.log(largest), count)))
    for size in sizes[np.cumsum(sizes**2) < 0.5 * edge**2]:
        x, y = (float(v) for v in rng.uniform(0.02, 0.98, 2) * edge)
        for below in range(2 if rng.random() < 0.25 else 1):
            kind = int(rng.choice(4, p=SHARES))
            faces = road_bank()[kind]
            pose = Pose(
                x=x,
                y=y + below * size * 1.08,
                size=float(size),
                yaw=float(np.clip(rng.normal(0, 28), -78, 78)),
                pitch=float(rng.normal(0, 6)),
                roll=float(rng.normal(0, 6)),
                post=float(rng.uniform(1.5, 5)),
                back=bool(rng.random() < 0.04),
            )
            scene.place(faces[int(rng.integers(len(faces)))], kind, pose, rng)


def _sky(rng: Rng, edge: int) -> Image:
    top = np.array([235.0, 190, 140]) * rng.uniform(0.3, 1.05) + rng.normal(0, 12, 3)
    low = np.array([235.0, 225, 215]) * rng.uniform(0.5, 1.05)
    ramp = np.linspace(0, 1, edge)[:, None, None]
    clouds = rooms.smooth_noise(rng, (edge, edge), int(rng.integers(2, 7)))[..., None]
    grey = rng.uniform(0, 0.8)
    sky = top * (1 - ramp) + low * ramp
    return np.clip(sky + (235 - sky) * clouds * grey, 0, 255).astype(np.uint8)


def _houses(image: Image, rng: Rng, horizon: int) -> None:
    left = -int(rng.uniform(0, 60))
    while left < image.shape[1]:
        wide = int(rng.uniform(0.12, 0.5) * image.shape[1])
        tall = int(rng.uniform(0.15, 1.1) * horizon)
        if rng.random() < 0.75:
            _house_front(image, rng, (left, horizon - tall, wide, tall + 4))
        left += wide + int(rng.uniform(0, 30))


def _house_front(image: Image, rng: Rng, place: tuple[int, int, int, int]) -> None:
    x, y, wide, tall = place
    wall = np.array([150.0, 175, 195]) * rng.uniform(0.3, 1.2) + rng.normal(0, 18, 3)
    b, g, r = (float(v) for v in np.clip(wall, 0, 255))
    cv2.rectangle(image, (x, y), (x + wide, y + tall), (b, g, r), -1)
    if rng.random() < 0.4:
        roof = [(x - 4, y), (x + wide + 4, y), (x + wide * rng.uniform(0.3, 0.7), y - wide * 0.35)]
        fill(image, roof, (b * 0.4, g * 0.4, r * 0.6))
    pane = tuple(float(v) for v in rng.uniform(20, 230) * np.array([1.05, 1.0, 0.9]))
    columns, rows = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    for column in range(columns):
        for row in range(rows):
            left = x + int((column + 0.28) * wide / columns)
            top = y + int((row + 0.25) * tall / rows)
            size = (max(1, int(0.45 * wide / columns)), max(1, int(0.5 * tall / rows)))
            cv2.rectangle(image, (left, top), (left + size[0], top + size[1]), pane, -1)


def _asphalt(image: Image, rng: Rng, horizon: int) -> None:
    edge = image.shape[0]
    verge = np.array([60.0, 110, 80]) if rng.random() < 0.5 else np.array([140.0, 140, 140])
    grain = rng.normal(0, 6, (edge - horizon, edge, 1))
    image[horizon:] = np.clip(verge * rng.uniform(0.5, 1.3) + grain, 0, 255).astype(np.uint8)
    vanish = (float(rng.uniform(0.2, 0.8)) * edge, float(horizon))
    left, right = (-float(rng.uniform(0.1, 0.9)) * edge, float(rng.uniform(1.1, 1.9)) * edge)
    tone = float(rng.uniform(50, 150))
    fill(image, [vanish, (left, edge), (right, edge)], (tone, tone, tone * 0.98))
    paint = (float(rng.uniform(180, 250)),) * 3
    for share in (0.06, 0.5, 0.94):
        foot = left + (right - left) * share
        for start in np.arange(0.05, 1, 0.16 if share == 0.5 else 0.1):
            end = start + (0.07 if share == 0.5 else 0.1)
            near, far = (
                (vanish[0] + (foot - vanish[0]) * t, horizon + (edge - horizon) * t)
                for t in (end**2, start**2)
            )
            half = 0.012 * edge * end**2
            corners = [(far[0] - half / 2, far[1]), (far[0] + half / 2, far[1])]
            fill(image, [*corners, (near[0] + half, near[1]), (near[0] - half, near[1])], paint)


def _car(image: Image, rng: Rng) -> None:
    """A car from behind: body, window, lamps, plate."""
    edge = image.shape[0]
    size = float(np.exp(rng.uniform(np.log(16), np.log(0.4 * edge))))
    x, y = float(rng.uniform(0, edge)), float(rng.uniform(0.45, 0.95)) * edge
    b, g, r = random_colour(rng)
    body = [(x - size / 2, y), (x + size / 2, y), (x + size / 2, y - size * 0.4)]
    fill(image, [*body, (x - size / 2, y - size * 0.4)], (b, g, r))
    cabin = [(x - size * 0.42, y - size * 0.4), (x + size * 0.42, y - size * 0.4)]
    fill(
        image,
        [*cabin, (x + size * 0.3, y - size * 0.75), (x - size * 0.3, y - size * 0.75)],
        (b, g, r),
    )
    glass = [(x - size * 0.33, y - size * 0.43), (x + size * 0.33, y - size * 0.43)]
    fill(
        image,
        [*glass, (x + size * 0.25, y - size * 0.7), (x - size * 0.25, y - size * 0.7)],
        (45, 40, 35),
    )
    for side in (-1, 1):
        spot = (round(x + side * size * 0.4), round(y - size * 0.28))
        cv2.circle(
            image, spot, max(1, round(size * 0.06)), (30, 20, float(rng.uniform(120, 255))), -1
        )
        wheel = (round(x + side * size * 0.36), round(y))
        cv2.circle(image, wheel, max(1, round(size * 0.08)), (20, 20, 20), -1)
    plate = (
        (round(x - size * 0.13), round(y - size * 0.16)),
        (round(x + size * 0.13), round(y - size * 0.08)),
    )
    cv2.rectangle(image, *plate, (235, 235, 235), -1)
