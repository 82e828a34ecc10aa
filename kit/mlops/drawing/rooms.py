"""Backgrounds: rooms, tables, rails and the things that stand about in them.

Nothing here is a traffic sign. Photos that other packages install (`find_photos`) make the
walls more varied when they are there; they are only drawn upon, never redistributed, and
everything works without them.
"""

from __future__ import annotations

import itertools
import zlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.mlops.drawing.figures import EVERYTHING
from kit.mlops.drawing.files import read_picture
from kit.mlops.drawing.things import random_spot

Image = NDArray[np.uint8]

PHOTO_FOLDERS = (Path("/usr/share/backgrounds"), Path("/usr/share/wallpapers"))
STAMP_FOLDER = Path("/usr/share/tuxpaint/stamps")
"""Cut-out photos and drawings of things; Debian's package is ``tuxpaint-stamps-default``."""

_NO_STAMPS = "roadsigns"
_PHOTO_PACKAGES = (("skimage", "data"), ("sklearn", "datasets/images"))
_PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png"}
_PHOTO_EDGE_PX = 1400
_PHOTO_BYTES = 40_000  # smaller files are icons and test cards
HELD_OUT = 5
"""One photo in this many is never drawn upon: it stays for counting false alarms."""


def find_photos(*, held_out: bool = False) -> list[Path]:
    """Return the photos on this machine that pictures may be drawn upon.

    Looks at desktop backgrounds and at the sample pictures of scikit-image and scikit-learn.

    Args:
        held_out: Return the photos kept for counting false alarms instead.

    Returns:
        Sorted paths, each content once; empty where no such package is installed.
    """
    folders = list(PHOTO_FOLDERS)
    for package, folder in _PHOTO_PACKAGES:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            folders.append(Path(spec.origin).parent / folder)
    unique: dict[str, Path] = {}
    for path in sorted(p for folder in folders for p in folder.rglob("*")):
        if path.suffix.lower() in _PHOTO_SUFFIXES and path.stat().st_size > _PHOTO_BYTES:
            unique.setdefault(_title(path), path)
    return [path for title, path in unique.items() if _is_held_out(title) == held_out]


def find_stamps(*, held_out: bool = False) -> list[Path]:
    """Return the cut-out things on this machine that pictures may be strewn with.

    Args:
        held_out: Return those kept for counting false alarms instead.

    Returns:
        Sorted paths of PNG files with transparency, no road signs; empty without the package.
    """
    paths = sorted(STAMP_FOLDER.rglob("*.png"))
    return [
        path
        for path in paths
        if _NO_STAMPS not in path.parts and _is_held_out(path.stem) == held_out
    ]


def _is_held_out(title: str) -> bool:
    return zlib.crc32(title.encode()) % HELD_OUT == 0


@lru_cache(maxsize=512)
def _load_stamp(path: Path) -> Image | None:
    """Read a stamp; (height, width, 4) uint8 BGRA, or None if it is not one."""
    image = read_picture(path, cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint8 or image.shape[2:] != (4,):
        return None
    return np.asarray(image, np.uint8)


def paste_stamp(image: Image, stamps: list[Path], rng: np.random.Generator) -> None:
    """Strew a random stamp into the image, in a random size, turned a little.

    Args:
        image: BGR image (height, width, 3) uint8, changed in place.
        stamps: From :func:`find_stamps`, at least one.
        rng: Source of chance.
    """
    stamp = _load_stamp(stamps[int(rng.integers(len(stamps)))])
    x, y, size = random_spot(image, rng)
    turn = float(rng.normal(0, 20))
    if stamp is None:
        return
    height, width = stamp.shape[:2]
    move = cv2.getRotationMatrix2D((width / 2, height / 2), turn, size / max(height, width))
    move += np.array([[0, 0, x - width / 2], [0, 0, y - height / 2]])
    target = (image.shape[1], image.shape[0])
    if size < max(height, width) / 2:
        blurred = cv2.GaussianBlur(stamp, (0, 0), 0.4 * max(height, width) / size)
        stamp = np.asarray(blurred, np.uint8)
    pasted = cv2.warpAffine(stamp, move, target, flags=cv2.INTER_LINEAR)
    alpha = pasted[..., 3:].astype(np.float32) / 255
    image[:] = (image * (1 - alpha) + pasted[..., :3] * alpha).astype(np.uint8)


def _title(path: Path) -> str:
    """Name the picture: desktop packages keep one in many sizes, under its folder's name."""
    return path.parents[2].name if path.parent.name.startswith("images") else path.stem


@lru_cache(maxsize=256)
def load_photo(path: Path) -> Image | None:
    """Read a photo, no larger than 1,400 px; None if OpenCV cannot read it.

    Returns:
        BGR image (height, width, 3) uint8.
    """
    image = read_picture(path, cv2.IMREAD_COLOR)
    if image is None or min(image.shape[:2]) < 200:
        return None
    scale = min(1.0, _PHOTO_EDGE_PX / max(image.shape[:2]))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def photo_crop(rng: np.random.Generator, photos: list[Path], edge_px: int) -> Image | None:
    """Cut a random square from a random photo, or None if there is no readable one.

    Returns:
        BGR image (edge_px, edge_px, 3) uint8.
    """
    if not photos:
        return None
    image = load_photo(photos[int(rng.integers(len(photos)))])
    if image is None:
        return None
    height, width = image.shape[:2]
    side = int(min(height, width) * rng.uniform(0.3, 1.0))
    y, x = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    crop = image[y : y + side, x : x + side]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    way = cv2.INTER_AREA if side > edge_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (edge_px, edge_px), interpolation=way), np.uint8)


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: int
) -> NDArray[np.float32]:
    """Return a soft random field.

    Args:
        rng: Source of chance.
        shape: Height and width in pixels.
        cells: How many hills fit along an edge.

    Returns:
        Array (height, width) float32 in 0..1.
    """
    coarse = rng.random((cells + 1, cells + 1), dtype=np.float32)
    return np.asarray(
        cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32
    )


def draw_wall(rng: np.random.Generator, edge_px: int) -> Image:
    """Draw a wall with things on and before it.

    Returns:
        BGR image (edge_px, edge_px, 3) uint8.
    """
    base = rng.uniform(40, 245) + rng.normal(0, 14, 3)
    if rng.random() < 0.12:
        base = rng.uniform(20, 235, 3)
    field = smooth_noise(rng, (edge_px, edge_px), int(rng.integers(1, 4)))[..., None] - 0.5
    wall = np.clip(base + field * rng.uniform(0, 60), 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 10))):
        EVERYTHING[int(rng.integers(len(EVERYTHING)))](wall, rng)
    return np.asarray(wall, np.uint8)


def draw_table(
    image: Image, rng: np.random.Generator, *, horizon_px: float, camera_height_px: float
) -> None:
    """Draw a table top below the horizon, often with LEGO rails, into the image.

    Args:
        image: BGR image (height, width, 3) uint8, changed in place.
        rng: Source of chance.
        horizon_px: Row at which the table would end at infinity.
        camera_height_px: Camera's height above the table, in pixels at unit depth.
    """
    height, width = image.shape[:2]
    edge = int(np.clip(horizon_px + camera_height_px / rng.uniform(6, 40), 0, height))
    if edge >= height:
        return
    dark = rng.random() < 0.55
    tone = rng.uniform(12, 70) if dark else rng.uniform(90, 230)
    colour = np.clip(tone * (1 + rng.normal(0, 0.12, 3)), 0, 255)
    grain = rng.normal(0, 1, (height - edge, 1 if rng.random() < 0.5 else width))
    streaks = cv2.GaussianBlur(grain, (31, 1), 0) * tone * rng.uniform(0, 0.25)
    light = smooth_noise(rng, (height - edge, width), 2) * tone * rng.uniform(0, 0.9)
    top = colour + (streaks + light)[..., None]
    image[edge:] = np.clip(top, 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        _draw_rails(image, rng, horizon_px=horizon_px, camera_height_px=camera_height_px)


def _draw_rails(
    image: Image, rng: np.random.Generator, *, horizon_px: float, camera_height_px: float
) -> None:
    """Draw sleepers and two rails along a bend; depths are in sign widths of the camera."""
    width = image.shape[1]
    middle, bend = rng.uniform(0.1, 0.9) * width, rng.normal(0, 0.05)
    gauge = camera_height_px * rng.uniform(0.2, 0.6)
    slope = rng.normal(0, 0.25) * camera_height_px
    grey = rng.uniform(50, 200) * (1 + rng.normal(0, 0.06, 3))
    shade = tuple(float(v) for v in np.clip(grey, 0, 255))
    lit = tuple(float(v) for v in np.clip(grey * rng.uniform(1.05, 1.4), 0, 255))

    def ground(side: float, depth: float) -> tuple[int, int]:
        lateral = slope * depth * 0.2 + bend * camera_height_px * depth**2 * 0.2
        x = middle + (lateral + side * gauge) / depth
        return round(float(np.clip(x, -4000, 4000))), round(horizon_px + camera_height_px / depth)

    for depth in np.arange(20.0, 0.5, -0.28):
        quad = [
            ground(s, d)
            for s, d in ((-1.6, depth), (1.6, depth), (1.6, depth - 0.12), (-1.6, depth - 0.12))
        ]
        cv2.fillConvexPoly(image, np.array(quad, np.int32), shade, cv2.LINE_AA)
    for side in (-1.0, 1.0):
        depths = np.linspace(0.5, 22, 60)
        for near, far in itertools.pairwise(depths):
            thick = max(1, round(gauge * 0.18 / near))
            cv2.line(image, ground(side, near), ground(side, far), lit, thick, cv2.LINE_AA)
