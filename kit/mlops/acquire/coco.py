"""COCO: one JSON file with photos, categories and boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from supervision.dataset.formats.coco import coco_annotations_to_detections

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import Problem
from kit.mlops.acquire.listing import (
    Entry,
    Found,
    Listed,
    PhotoIndex,
    Size,
    as_found,
    one_json,
    photo_folder,
    read_json,
)


def read_coco(path: Path, images: Path | None = None) -> Iterator[Listed | Problem]:
    """Read a COCO set.

    Args:
        path: The JSON file, or the folder that holds it.
        images: Folder of the photos; ``images`` beside the file, or its own folder, if None.

    Raises:
        ConfigError: If the file cannot be read or is no COCO file.
    """
    path = one_json(path)
    data = read_json(path)
    try:
        names = {category["id"]: str(category["name"]) for category in data["categories"]}
        records, annotations = list(data["images"]), list(data["annotations"])
    except (KeyError, TypeError) as error:
        raise ConfigError(
            "This is no COCO file",
            expected="images, annotations and categories",
            got=f"{path}: {error!r}",
        ) from error
    index = PhotoIndex(photo_folder(path, images))
    entries: dict[Any, list[Entry]] = {}
    for position, annotation in enumerate(annotations):
        entry, image_id = _entry(path.name, position, annotation, names)
        entries.setdefault(image_id, []).append(entry)
    for position, record in enumerate(records):
        yield _list_photo(path.name, position, record, index, entries)
    for image_id, orphans in entries.items():
        for orphan in orphans:
            yield Problem(orphan.where, f"there is no image with the id {image_id!r}", "left out")


def _entry(
    file: str, position: int, annotation: Any, names: Mapping[Any, str]
) -> tuple[Entry, object]:
    known = annotation if isinstance(annotation, dict) else {}
    where = f"{file}, annotation {known.get('id', f'at position {position}')}"
    image_id = known.get("image_id")
    hashable = image_id if isinstance(image_id, int | str) else repr(image_id)
    return Entry(where, _reader(annotation, names)), hashable


def _reader(annotation: Any, names: Mapping[Any, str]) -> Callable[[Size], Found]:
    def read(size: Size) -> Found:
        category = annotation["category_id"]
        if category not in names:
            msg = f"there is no category with the id {category!r}"
            raise ValueError(msg)
        alone = {"category_id": 0, "bbox": annotation["bbox"]}
        found = coco_annotations_to_detections([alone], size, with_masks=False)
        crowd = annotation.get("iscrowd") == 1
        return as_found(found, name=names[category], ignored=crowd)

    return read


def _list_photo(
    file: str, position: int, record: Any, index: PhotoIndex, entries: dict[Any, list[Entry]]
) -> Listed | Problem:
    """Take a photo's entries out of all of them."""
    try:
        hint = str(record["file_name"])
        mine = entries.pop(record["id"], [])
    except (KeyError, TypeError) as error:
        where = f"{file}, image at position {position}"
        return Problem(where, f"it has no file name or id: {error!r}", "left out")
    try:
        path = index.find(hint)
    except LookupError as error:
        return Problem(hint, str(error), f"left out, with {len(mine)} boxes")
    scene = record.get("scene")
    return Listed(
        index.name_of(path),
        path,
        tuple(mine),
        size=_size(record),
        scene=scene if isinstance(scene, str) else None,
    )


def _size(record: dict[str, Any]) -> Size | None:
    """Return the size that the file claims, or None if that is no size."""
    width, height = record.get("width"), record.get("height")
    if not isinstance(width, int) or not isinstance(height, int) or not width or not height:
        return None
    return width, height
