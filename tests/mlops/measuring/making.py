"""Observations and detectors whose figures can be told by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kit.events import LABELS, Box, Detection
from kit.mlops.measuring.labelled import LabelledPhoto, OtherSign
from kit.mlops.measuring.observing import Observation

SPEED, DANGER, STOP = range(3)


def box(x, y, size=40.0):
    """Corners of a square."""
    return (x, y, x + size, y + size)


def photo(*signs, others=(), ignored=(), name="a", image=None):
    """A black 600 x 400 photo; each sign is a class id and four corners."""
    pixels = np.zeros((400, 600, 3), np.uint8) if image is None else image
    return LabelledPhoto(
        Path(name),
        np.array([(c, *corners) for c, corners in signs], float).reshape(-1, 5),
        others=tuple(OtherSign(n, corners) for n, corners in others),
        ignored=np.array(ignored, float).reshape(-1, 4),
        load=lambda: pixels,
    )


def seen(signs, found, **more):
    """What was seen in such a photo; each detection is a class id, corners and a confidence."""
    rows = np.array([(c, *corners, s) for c, corners, s in found], float).reshape(-1, 6)
    order = np.argsort(-rows[:, 5], kind="stable")
    return Observation(photo(*signs, **more), 600, 400, rows[order])


class Scripted:
    """Reports the same signs in every picture, or those that a function of the picture gives."""

    def __init__(self, *found, look=None):
        self._found, self._look = found, look
        self.calls = 0

    def detect(self, image_bgr):
        self.calls += 1
        found = self._found if self._look is None else self._look(image_bgr)
        return tuple(
            Detection(label=LABELS[c], confidence=s, box=Box(x, y, x2 - x, y2 - y))
            for c, (x, y, x2, y2), s in found
        )


def random_set(seed, photos=12, shift=9.0):
    """Photos with signs of two classes, found more or less well, and stray detections."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(photos):
        signs, found = [], []
        for place in range(int(rng.integers(1, 5))):
            corners = np.array(box(20.0 + 100 * place, float(rng.uniform(0, 300))))
            class_id = int(rng.integers(2))
            signs.append((class_id, tuple(corners)))
            guess = class_id if rng.random() < 0.9 else 1 - class_id
            near = corners + rng.normal(0, shift, 4)
            found.append((guess, tuple(near), float(rng.uniform(0.1, 1))))
        for _ in range(3):
            x, y = rng.uniform(0, 350, 2)
            found.append((int(rng.integers(2)), box(x, y), float(rng.uniform(0.02, 0.6))))
        made.append(seen(signs, found))
    return made
