"""A small annotated set to practise on: drawn by the kit, saved like photos of a camera."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet, Photo, Sign
from kit.mlops.acquire.vetting import fit_box
from kit.mlops.drawing.example import EDGE_PX, Example
from kit.mlops.drawing.scene import World, draw_example
from kit.mlops.drawing.signs import OTHER
from kit.vision.frames import Image

WIDTH = 288
"""Width of the photos, pixels."""

HEIGHT = 216
"""Height of the photos, pixels."""

MAX_FRAMES = 7
"""Frames of a scene, at most: then the camera has seen all of it."""

LICENCE = "Apache-2.0"
"""Of what the kit draws."""

_STEP_PX = 5  # the camera moves this far from one frame to the next
_ORIENTATION_TAG = 0x0112
_LIES_ON_ITS_SIDE = 6  # the viewer must turn it clockwise


def practice_set(
    folder: Path, *, scenes: int = 6, frames: int = 3, seed: int = 1, world: World = "lego"
) -> AnnotatedSet:
    """Draw scenes and save them as the frames of a camera that moves a little.

    Every second scene is stored lying on its side, with the EXIF tag that says so, as telephones
    do. The boxes are those of the upright photo.

    Args:
        folder: Where the JPEG files go; made if need be.
        scenes: How many scenes.
        frames: How many neighbouring frames of each, 1 to `MAX_FRAMES`.
        seed: The same seed draws the same scenes.
        world: Which signs, and where they stand.

    Returns:
        The set; photos are called ``scene-01_0001.jpg`` and so on.

    Raises:
        ConfigError: If there would be no photo, or the camera would leave the scene.
    """
    if scenes < 1 or not 1 <= frames <= MAX_FRAMES:
        raise ConfigError(
            "This set cannot be drawn",
            expected=f"1 scene or more, of 1 to {MAX_FRAMES} frames",
            got=f"{scenes} scenes of {frames} frames",
        )
    folder.mkdir(parents=True, exist_ok=True)
    photos = []
    for scene in range(scenes):
        example = draw_example(seed, scene, world=world)
        for frame in range(frames):
            name = f"scene-{scene + 1:02}_{frame + 1:04}.jpg"
            corner = (_STEP_PX * frame, (EDGE_PX - HEIGHT) // 2)
            view = example.image[corner[1] :, corner[0] :][:HEIGHT, :WIDTH]
            _save(folder / name, view, lying=scene % 2 == 1)
            photos.append(_photo(folder / name, example, corner))
    return AnnotatedSet(tuple(photos), "drawn by the kit, to practise on", LICENCE)


def _save(path: Path, image: Image, *, lying: bool) -> None:
    exif = PillowImage.Exif()
    if lying:
        image = np.rot90(image, 1)
        exif[_ORIENTATION_TAG] = _LIES_ON_ITS_SIDE
    rgb = np.ascontiguousarray(image[..., ::-1])
    PillowImage.fromarray(rgb).save(path, quality=92, exif=exif)


def _photo(path: Path, example: Example, corner: tuple[int, int]) -> Photo:
    signs = []
    columns = (example.boxes, example.classes, example.ignored)
    for box, class_id, ignored in zip(*columns, strict=True):
        x1, y1, x2, y2 = (float(v) for v in box - np.array(corner * 2))
        if min(x2, y2) < 1 or x1 > WIDTH - 1 or y1 > HEIGHT - 1:
            continue
        inside, overhang = fit_box((x1, y1, x2, y2), (WIDTH, HEIGHT))
        hidden = bool(ignored) or overhang > (x2 - x1) / 3
        known = None if hidden or class_id == OTHER else int(class_id)
        signs.append(Sign(known, inside, ignored=hidden))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    scene = path.stem.rpartition("_")[0]
    return Photo(path.name, path, WIDTH, HEIGHT, scene, digest, tuple(signs))
