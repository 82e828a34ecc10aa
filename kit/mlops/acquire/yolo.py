"""YOLO: a text file beside each photo, a line a box, and a list of class names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from supervision.dataset.formats.yolo import yolo_annotations_to_detections

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import Problem
from kit.mlops.acquire.listing import Entry, Found, Listed, PhotoIndex, Size, as_found

NAME_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt")
"""Files that may tell the class names, in the order in which they are looked for."""


def read_yolo(path: Path, images: Path | None = None) -> Iterator[Listed | Problem]:
    """Read a YOLO set.

    The labels of ``images/a.jpg`` are in ``labels/a.txt``, or else beside the photo. Rows with
    the corners of a polygon or of a turned box give the upright box round them.

    Args:
        path: The folder, or its file of class names (one of `NAME_FILES`).
        images: Folder of the photos; ``images`` in the first, or all of it, if None.

    Raises:
        ConfigError: If the class names cannot be read, or it is a set of key points.
    """
    root, names = _class_names(path)
    index = PhotoIndex(images or (root / "images" if (root / "images").is_dir() else root))
    labelled: set[Path] = set()
    for photo in index.all():
        labels = _labels_of(photo)
        if labels is None:
            fix = "left out; if it shows no sign, put an empty file there"
            yield Problem(index.name_of(photo), f"there is no label file {photo.stem}.txt", fix)
            continue
        labelled.add(labels)
        yield _list_photo(photo, labels, index, root, names)
    for labels in sorted(root.rglob("*.txt")):
        if labels.parent.name == "labels" and labels not in labelled:
            yield Problem(_below(labels, root), "its photo is missing", "left out")


def _list_photo(
    photo: Path, labels: Path, index: PhotoIndex, root: Path, names: Mapping[int, str]
) -> Listed | Problem:
    try:
        lines = labels.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        done = f"left out, with {index.name_of(photo)}"
        return Problem(_below(labels, root), f"it cannot be read: {error}", done)
    entries = tuple(
        Entry(f"{_below(labels, root)}, line {number}", _reader(line, names))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )
    return Listed(index.name_of(photo), photo, entries)


def _reader(line: str, names: Mapping[int, str]) -> Callable[[Size], Found]:
    def read(size: Size) -> Found:
        found = yolo_annotations_to_detections([line], size, with_masks=False)
        assert found.class_id is not None
        number = int(found.class_id[0])
        if number not in names:
            msg = f"there is no class with the number {number}"
            raise ValueError(msg)
        return as_found(found, name=names[number])

    return read


def _labels_of(photo: Path) -> Path | None:
    parts = list(photo.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    for candidate in (Path(*parts).with_suffix(".txt"), photo.with_suffix(".txt")):
        if candidate.is_file():
            return candidate
    return None


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _class_names(path: Path) -> tuple[Path, Mapping[int, str]]:
    root = path.parent if path.is_file() else path
    files = [path] if path.is_file() else [path / name for name in NAME_FILES]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise ConfigError(
            "The YOLO set does not tell its class names",
            expected=f"one of {', '.join(NAME_FILES)} in {path}",
        )
    try:
        text = file.read_text(encoding="utf-8")
        names = text.split("\n") if file.suffix == ".txt" else _names_in(yaml.safe_load(text))
        rows = names.items() if isinstance(names, dict) else enumerate(names)
        return root, {int(number): str(name).strip() for number, name in rows if str(name).strip()}
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ConfigError(
            "The class names cannot be read",
            expected="names: a list, or numbers with names",
            got=f"{file}: {error}",
        ) from error


def _names_in(data: Any) -> Any:
    if "kpt_shape" in data:
        raise ConfigError(
            "This is a set of key points", expected="boxes", fix="export it again as boxes"
        )
    return data["names"]
