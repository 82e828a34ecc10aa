"""Keys, registries and models whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest

from kit.mlops.registry.store import Registry
from kit.mlops.registry.trust import SigningKey, load_trusted, make_keys
from tests.vision.onnx_models import red_rectangle


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def key(keys_dir: Path) -> SigningKey:
    return make_keys(keys_dir)


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place for a registry: in memory, and on disk."""
    if request.param == "memory":
        return f"memory://{uuid4().hex}"
    return f"file://{tmp_path / 'registry'}"


@pytest.fixture
def registry(url: str, key: SigningKey, keys_dir: Path) -> Registry:
    return Registry(url, trusted=load_trusted(keys_dir))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Version 1.0.0 of a model that calls red rectangles danger."""
    return red_rectangle(tmp_path / "one.onnx", version="1.0.0")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six dark photos with a red rectangle each, labelled as danger."""
    images, annotations = [], []
    for number in range(6):
        x, y, width, height = 40 + 60 * number, 30 + 20 * number, 70, 50
        picture = np.zeros((400, 600, 3), np.uint8)
        picture[y : y + height, x : x + width] = (0, 0, 255)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
        images.append({"id": number, "file_name": f"{number}.png", "width": 600, "height": 400})
        box = {"image_id": number, "category_id": 7, "bbox": [x, y, width, height]}
        annotations.append({"id": number, **box, "area": width * height})
    categories = [{"id": 7, "name": "DangerAhead"}]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    return tmp_path
