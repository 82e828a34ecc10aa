"""Sets on disk: photos, their signs as COCO, and the card.

::

    set/
      images/             copies of the photos, in their folders
      annotations.json    COCO, for `kit evaluate` and anything else
      train.json          the same for the parts, once the set is split
      test.json
      card.json  card.md
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import KINDS, AnnotatedSet, Photo
from kit.mlops.acquire.card import DatasetCard, make_card, verify
from kit.mlops.acquire.classes import KIT
from kit.mlops.acquire.coco import read_coco
from kit.mlops.acquire.listing import read_json
from kit.mlops.acquire.scenes import scene_of
from kit.mlops.acquire.splitting import Split
from kit.mlops.acquire.vetting import vet

ANNOTATIONS = "annotations.json"
"""The whole set, as COCO."""

PARTS = ("train", "test")
"""Names of the parts of a split; each has a COCO file of that name."""


def save_set(annotated: AnnotatedSet, folder: Path) -> AnnotatedSet:
    """Copy a set's photos into a folder and write its annotations and card there.

    Args:
        annotated: The set.
        folder: Made if need be.

    Returns:
        The set as it is now, with the paths of the copies.

    Raises:
        ConfigError: If the folder holds a set.
    """
    if (folder / ANNOTATIONS).exists():
        raise ConfigError(
            "The folder holds a set", got=str(folder), fix="remove it or name another folder"
        )
    copies = copy_photos(annotated, folder / "images")
    write_coco(copies, folder / ANNOTATIONS)
    write_card(make_card(copies), folder)
    return copies


def load_set(folder: Path, *, part: str | None = None) -> AnnotatedSet:
    """Read a set that `save_set` wrote.

    Args:
        folder: Where it is.
        part: One of `PARTS`; the whole set if None.

    Raises:
        ConfigError: If there is none, or it was not split and a part is asked for.
    """
    file = folder / (ANNOTATIONS if part is None else f"{part}.json")
    if not file.is_file():
        raise ConfigError(
            f"There is no {file.name} in this folder",
            expected="a set that was imported" + ("" if part is None else " and split"),
            got=str(folder),
            fix="run: kit dataset import" if part is None else "run: kit dataset split",
        )
    photos, problems = vet(
        read_coco(file, folder / "images"), classes=KIT, scene_of=partial(scene_of, pattern=None)
    )
    data = read_json(file)
    try:
        source, licence = data["info"]["description"], data["licenses"][0]["name"]
    except (KeyError, IndexError, TypeError) as error:
        raise ConfigError(
            "The set does not say where it comes from or what its licence is", got=str(file)
        ) from error
    return AnnotatedSet(photos, source, licence, problems)


def load_parts(folder: Path) -> dict[str, AnnotatedSet]:
    """Read the parts of a set that are there, by name; none if it was not split."""
    return {
        name: load_set(folder, part=name) for name in PARTS if (folder / f"{name}.json").is_file()
    }


def save_split(split: Split, folder: Path) -> DatasetCard:
    """Write the parts of a set beside it, and name them in its card.

    Args:
        split: Parts of the set in the folder.
        folder: Where the set is.

    Raises:
        ConfigError: If there is no card.
    """
    for name, part in split.parts.items():
        write_coco(part, folder / f"{name}.json")
    old = read_card(folder)
    parts = make_card(split.train, split.parts).splits
    card = old.model_copy(update={"splits": parts})
    write_card(card, folder)
    return card


def read_card(folder: Path) -> DatasetCard:
    """Read the card of a set.

    Raises:
        ConfigError: If there is none, or it is no card.
    """
    try:
        return DatasetCard.model_validate_json((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            "The dataset card cannot be read",
            expected="card.json of an imported set",
            got=f"{folder}: {error}",
            fix="import the set again",
        ) from error


def write_card(card: DatasetCard, folder: Path) -> None:
    """Write a card as JSON and as Markdown."""
    text = card.model_dump_json(indent=2) + "\n"
    (folder / "card.json").write_text(text, encoding="utf-8")
    (folder / "card.md").write_text(card.markdown(), encoding="utf-8")


def check_folder(folder: Path) -> tuple[str, ...]:
    """Check a set against its card; return what differs, in words."""
    return verify(read_card(folder), load_set(folder), load_parts(folder))


def copy_photos(annotated: AnnotatedSet, folder: Path) -> AnnotatedSet:
    """Copy the photos under their names, and return the set with the copies' paths."""
    copies = []
    for photo in annotated.photos:
        target = folder / photo.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo.path, target)
        copies.append(replace(photo, path=target))
    return annotated.only(copies)


def write_coco(annotated: AnnotatedSet, file: Path) -> None:
    """Write a set's signs as COCO; file names are the photos' names.

    supervision writes COCO too, but without folders, and it puts every set under CC BY 4.0.

    Args:
        annotated: The set.
        file: The JSON file; its folder must exist.
    """
    images = [_image(number, photo) for number, photo in enumerate(annotated.photos, start=1)]
    boxes = [
        (image["id"], sign)
        for image, photo in zip(images, annotated.photos, strict=True)
        for sign in photo.signs
    ]
    annotations = []
    for number, (image_id, sign) in enumerate(boxes, start=1):
        x1, y1, x2, y2 = sign.box
        box = [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)]
        annotations.append(
            {
                "id": number,
                "image_id": image_id,
                "category_id": KINDS.index(sign.kind) + 1,
                "bbox": box,
                "area": round(box[2] * box[3], 2),
                "iscrowd": int(sign.ignored),  # evaluations pass over crowds
            }
        )
    data = {
        "info": {"description": annotated.source},
        "licenses": [{"id": 1, "name": annotated.licence, "url": ""}],
        "categories": [{"id": n, "name": kind} for n, kind in enumerate(KINDS, start=1)],
        "images": images,
        "annotations": annotations,
    }
    file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _image(number: int, photo: Photo) -> dict[str, Any]:
    return {
        "id": number,
        "license": 1,
        "file_name": photo.name,
        "width": photo.width,
        "height": photo.height,
        "scene": photo.scene,
    }
