"""Small annotated sets for tests: coloured rectangles on grey, so that a box can be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from kit.events import LABELS
from kit.mlops.acquire.annotated import AnnotatedSet, Photo, Problem, Sign
from kit.mlops.acquire.importing import import_set
from kit.mlops.acquire.writing import write_set

LICENCE = "CC0-1.0"
COLOURS = ((250, 40, 40), (250, 220, 30), (40, 60, 250), (30, 220, 60))  # RGB; the last: other
FORMATS = ("coco", "yolo", "voc", "label-studio")
WHERE = {"coco": "", "yolo": "", "voc": "", "label-studio": "tasks.json"}


def paint(path: Path, size, signs, *, seed=0):
    """Save a grey photo (width, height) with a rectangle a sign; noise makes each file its own."""
    width, height = size
    pixels = np.random.default_rng(seed).integers(90, 110, (height, width, 3)).astype(np.uint8)
    for sign in signs:
        x1, y1, x2, y2 = (round(v) for v in sign.box)
        pixels[y1:y2, x1:x2] = COLOURS[len(LABELS) if sign.class_id is None else sign.class_id]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def photo(root: Path, name, signs=(), *, size=(64, 48), seed=0, scene="a"):
    """Paint a photo and say what is in it."""
    paint(root / name, size, signs, seed=seed)
    return Photo(name, root / name, *size, scene, "", tuple(signs))


def a_set(root: Path, photos=None):
    """Return three photos of two scenes, with every kind of sign, one photo without any."""
    photos = photos or [
        photo(root, "kitchen_1.png", [Sign(0, (4, 5, 24, 25)), Sign(1, (30, 10, 50, 30))], seed=1),
        photo(root, "kitchen_2.png", [], seed=2),
        photo(root, "hall_1.png", [Sign(2, (8, 8, 40, 40)), Sign(None, (45, 2, 60, 20))], seed=3),
    ]
    return AnnotatedSet(tuple(photos), "painted", LICENCE)


def written(kind, annotated, folder: Path):
    """Write a set in a format and return what to import."""
    write_set(kind, annotated, folder)
    return folder / WHERE[kind]


def reread(kind, annotated, folder: Path, **options):
    """Write a set in a format and import it."""
    return import_set(kind, written(kind, annotated, folder), licence=LICENCE, **options)


def by_name(annotated):
    """Return the signs of each photo by the photo's file name, in a fixed order."""
    return {
        Path(p.name).name: sorted(p.signs, key=lambda s: (s.kind, s.box)) for p in annotated.photos
    }


def told(annotated) -> list[Problem]:
    """Return the problems, sorted."""
    return sorted(annotated.problems, key=lambda problem: (problem.file, problem.what))
