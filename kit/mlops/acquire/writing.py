"""Annotated sets in the formats of other tools, to label them further or to train elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import supervision as sv

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import KINDS, AnnotatedSet, Photo, Sign
from kit.mlops.acquire.keeping import copy_photos, write_coco


def write_set(kind: str, annotated: AnnotatedSet, folder: Path) -> None:
    """Write a set, photos included, so that `import_set` and other tools can read it.

    Args:
        kind: A key of `WRITERS`.
        annotated: The set. YOLO and VOC keep no folders and round boxes, VOC to whole pixels.
        folder: Made if need be.

    Raises:
        ConfigError: If there is no such format, or two photos would get the same name.
    """
    if kind not in WRITERS:
        raise ConfigError("There is no such format", expected=", ".join(WRITERS), got=kind)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        WRITERS[kind](annotated, folder)
    except ValueError as error:  # what supervision raises when names collide
        raise ConfigError("The set cannot be written", got=str(error)) from error


def _write_coco(annotated: AnnotatedSet, folder: Path) -> None:
    write_coco(copy_photos(annotated, folder / "images"), folder / "annotations.json")


def _write_yolo(annotated: AnnotatedSet, folder: Path) -> None:
    _supervised(annotated).as_yolo(
        images_directory_path=str(folder / "images"),
        annotations_directory_path=str(folder / "labels"),
        data_yaml_path=str(folder / "data.yaml"),
    )


def _write_voc(annotated: AnnotatedSet, folder: Path) -> None:
    _supervised(annotated).as_pascal_voc(
        images_directory_path=str(folder / "JPEGImages"),
        annotations_directory_path=str(folder / "Annotations"),
    )


def _write_label_studio(annotated: AnnotatedSet, folder: Path) -> None:
    copies = copy_photos(annotated, folder / "images")
    tasks = [_task(number, photo) for number, photo in enumerate(copies.photos, start=1)]
    text = json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"
    (folder / "tasks.json").write_text(text, encoding="utf-8")


WRITERS: Mapping[str, Callable[[AnnotatedSet, Path], None]] = {
    "coco": _write_coco,
    "yolo": _write_yolo,
    "voc": _write_voc,
    "label-studio": _write_label_studio,
}
"""Formats that can be written, by name."""


def _supervised(annotated: AnnotatedSet) -> sv.DetectionDataset:
    boxes = {
        str(photo.path): sv.Detections(
            xyxy=np.array([sign.box for sign in photo.signs], np.float32).reshape(-1, 4),
            class_id=np.array([KINDS.index(sign.kind) for sign in photo.signs], int),
        )
        for photo in annotated.photos
    }
    return sv.DetectionDataset(classes=list(KINDS), images=list(boxes), annotations=boxes)


def _task(number: int, photo: Photo) -> dict[str, Any]:
    return {
        "id": number,
        "data": {"image": f"/data/local-files/?d=images/{quote(photo.name)}"},
        "annotations": [{"result": [_region(photo, sign) for sign in photo.signs]}],
    }


def _region(photo: Photo, sign: Sign) -> dict[str, Any]:
    x1, y1, x2, y2 = sign.box
    return {
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": photo.width,
        "original_height": photo.height,
        "image_rotation": 0,
        "value": {
            "x": 100 * x1 / photo.width,
            "y": 100 * y1 / photo.height,
            "width": 100 * (x2 - x1) / photo.width,
            "height": 100 * (y2 - y1) / photo.height,
            "rotation": 0,
            "rectanglelabels": [sign.kind],
        },
    }
