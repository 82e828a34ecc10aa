"""Sets and photos that several tests of this room share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from kit.mlops.dataset import LABEL_FIELDS, MAX_SIGNS, DrawnSet
from kit.mlops.drawing import rooms, scene

REFERENCE = Path(
    os.environ.get("KIT_REFERENCE_PHOTOS")
    or Path(__file__).resolve().parents[3] / "shared" / "lego-photos"
)


@pytest.fixture
def no_photos(monkeypatch):
    """Draw without the photos that other packages may have installed."""
    monkeypatch.setattr(rooms, "find_photos", lambda **_: [])
    scene._photos.cache_clear()
    yield
    scene._photos.cache_clear()


@pytest.fixture(scope="session")
def reference_photos():
    """Folder of the real photos: ``annotations.json`` and ``images/``."""
    if not (REFERENCE / "annotations.json").exists():
        pytest.skip(f"the reference photos are not here: {REFERENCE}")
    return REFERENCE


@pytest.fixture
def tiny_set():
    """Eight dark pictures of 64 px, each with one bright square of class 0, 1 or 2."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 30, (8, 64, 64, 3)).astype(np.uint8)
    labels = np.full((8, MAX_SIGNS, len(LABEL_FIELDS)), -1, np.float32)
    for index in range(8):
        x, y = (int(v) for v in rng.integers(4, 36, 2))
        images[index, y : y + 22, x : x + 22, index % 3] = 250
        labels[index, 0] = (x, y, x + 22, y + 22, index % 3, 0)
    return DrawnSet(images, labels, "0" * 64)
