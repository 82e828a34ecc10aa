"""The files of two public sets of road signs: GTSDB and Mapillary's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import Problem
from kit.mlops.acquire.listing import Entry, Found, Listed, PhotoIndex, Size, read_json

_GTSDB_FIELDS = 6
_UNCLEAR = ("ambiguous", "dummy")  # nobody can tell what it is; no sign of the road's


def read_gtsdb(path: Path, images: Path | None = None) -> Iterator[Listed | Problem]:
    """Read the German Traffic Sign Detection Benchmark.

    ``gt.txt`` has a line ``00000.ppm;x1;y1;x2;y2;class`` for each sign; class names are the ids.
    A photo that it does not name shows none of the 43 signs.

    Args:
        path: ``gt.txt``, or its folder.
        images: Folder of the photos; that of ``gt.txt`` if None.

    Raises:
        ConfigError: If ``gt.txt`` cannot be read.
    """
    file = path / "gt.txt" if path.is_dir() else path
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError("GTSDB's annotations cannot be read", got=f"{file}: {error}") from error
    # Not in the folders inside: they hold cut-out signs whose names look like those of photos.
    folder = images or file.parent
    entries: dict[str, list[Entry]] = {photo.name: [] for photo in sorted(folder.glob("*.ppm"))}
    for number, line in enumerate(lines, start=1):
        where = f"{file.name}, line {number}"
        fields = [field.strip() for field in line.split(";")]
        if len(fields) == _GTSDB_FIELDS:
            entries.setdefault(fields[0], []).append(Entry(where, _gtsdb_reader(fields)))
        elif line.strip():
            yield Problem(where, f"{_GTSDB_FIELDS} values are wanted: {line!r}", "left out")
    for name, mine in entries.items():
        if Path(name).name == name:
            yield Listed(name, folder / name, tuple(mine))
        else:
            yield Problem(name, "this is no name of a photo", f"left out, with {len(mine)} boxes")


def _gtsdb_reader(fields: list[str]) -> Callable[[Size], Found]:
    def read(_: Size) -> Found:
        x1, y1, x2, y2 = (float(field) for field in fields[1:5])
        return Found(fields[5], (x1, y1, x2, y2))

    return read


def read_mapillary(path: Path, images: Path | None = None) -> Iterator[Listed | Problem]:
    """Read the Mapillary Traffic Sign Dataset.

    It has a JSON file for each photo. Signs marked as ambiguous or as dummies count neither way.

    Args:
        path: The folder with ``annotations``.
        images: Folder of the photos; the first one if None.

    Raises:
        ConfigError: If there are no annotations.
    """
    folder = path / "annotations" if (path / "annotations").is_dir() else path
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ConfigError("There are no annotations", expected="JSON files", got=str(folder))
    index = PhotoIndex(images or path)
    photos = {photo.stem: photo for photo in index.all()}
    for file in files:
        photo = photos.pop(file.stem, None)
        if photo is None:
            yield Problem(file.name, "the photo is missing", "left out")
            continue
        try:
            data = read_json(file)
            objects, size = list(data["objects"]), (int(data["width"]), int(data["height"]))
        except (ConfigError, KeyError, TypeError, ValueError, OverflowError) as error:
            yield Problem(file.name, f"it cannot be read: {error}", "left out")
            continue
        entries = tuple(
            Entry(f"{file.name}, object {number}", _mapillary_reader(item))
            for number, item in enumerate(objects, start=1)
        )
        yield Listed(index.name_of(photo), photo, entries, size=size)
    for photo in photos.values():
        yield Problem(index.name_of(photo), "there is no JSON file for it", "left out")


def _mapillary_reader(item: Any) -> Callable[[Size], Found]:
    def read(_: Size) -> Found:
        box = item["bbox"]
        x1, y1, x2, y2 = (float(box[side]) for side in ("xmin", "ymin", "xmax", "ymax"))
        marks = item.get("properties") or {}
        unclear = any(marks.get(mark) for mark in _UNCLEAR)
        return Found(str(item["label"]), (x1, y1, x2, y2), ignored=unclear)

    return read
