"""What a reader of a format finds, before anything is checked: photos and entries of labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import supervision as sv

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import Box
from kit.vision.photos import PHOTO_SUFFIXES

SUFFIXES = PHOTO_SUFFIXES | {".ppm"}
"""Endings, in lower case, of the files that are taken for photos; GTSDB's are PPM."""

Size = tuple[int, int]


class Found(NamedTuple):
    """An entry, understood.

    Attributes:
        name: Its class, as the source calls it.
        box: x1, y1, x2, y2 in pixels; not yet checked.
        ignored: Whether the source says that it counts neither way.
    """

    name: str
    box: Box
    ignored: bool = False


@dataclass(frozen=True)
class Entry:
    """One entry of a file of labels.

    Attributes:
        where: The file and the place in it.
        read: Understands the entry, given the upright photo's width and height in pixels. Raises
            ValueError, OverflowError, KeyError, TypeError, IndexError or AttributeError when it is
            damaged.
    """

    where: str
    read: Callable[[Size], Found]


@dataclass(frozen=True)
class Listed:
    """A photo that a source names.

    Attributes:
        name: Its path inside the source, with slashes.
        path: The file.
        entries: Its labels.
        size: Width and height that the source claims, pixels; None if it claims none.
        scene: Its scene, if the source says.
    """

    name: str
    path: Path
    entries: tuple[Entry, ...]
    size: Size | None = None
    scene: str | None = None


class PhotoIndex:
    """The photos below a folder, to be found by what a file of labels calls them.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._by_name: dict[str, list[Path]] = {}
        for path in sorted(root.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                self._by_name.setdefault(path.name, []).append(path)

    def all(self) -> Iterable[Path]:
        """Return every photo."""
        return (path for paths in self._by_name.values() for path in paths)

    def name_of(self, path: Path) -> str:
        """Return a photo's path below the folder, with slashes."""
        return path.relative_to(self.root).as_posix()

    def find(self, hint: str) -> Path:
        """Find a photo; never one outside the folder.

        Args:
            hint: Its path, or the end of it, or its name; backslashes are taken for slashes.

        Raises:
            LookupError: If there is none, or several.
        """
        wanted = PurePosixPath(hint.replace("\\", "/"))
        parts = [part for part in wanted.parts if part not in {"..", "/", "."}]
        named = self._by_name.get(wanted.name, [])
        exact = self.root.joinpath(*parts)
        if exact in named:
            return exact
        ending = [p for p in named if p.parts[-len(parts) :] == tuple(parts)] or named
        if len(ending) == 1:
            return ending[0]
        if not ending:
            msg = "the photo is missing"
        else:
            msg = "several photos have this name: " + ", ".join(self.name_of(p) for p in ending)
        raise LookupError(msg)


def as_found(detections: sv.Detections, *, name: str, ignored: bool = False) -> Found:
    """Take the one box that supervision has read of one entry.

    Args:
        detections: One detection.
        name: Its class, as the source calls it.
        ignored: Whether the source says that it counts neither way.
    """
    x1, y1, x2, y2 = (float(v) for v in detections.xyxy[0])
    return Found(name, (x1, y1, x2, y2), ignored)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ConfigError: If it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            "The annotations cannot be read", expected="a JSON file", got=f"{path}: {error}"
        ) from error


def one_json(path: Path) -> Path:
    """Return the file itself, or the only JSON file of a folder.

    Raises:
        ConfigError: If there is none, or several.
    """
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.json")) or sorted(path.glob("annotations/*.json"))
    if len(found) != 1:
        raise ConfigError(
            "It is not clear which file holds the annotations",
            expected=f"one JSON file in {path}",
            got=", ".join(p.name for p in found) or "none",
            fix="name the file itself",
        )
    return found[0]


def photo_folder(labels: Path, images: Path | None) -> Path:
    """Return where the photos of a file of labels are.

    Args:
        labels: The file.
        images: The folder if it was named; else ``images`` beside the file, or its folder.

    Raises:
        ConfigError: If the folder was named and is none.
    """
    if images is None:
        beside = labels.parent / "images"
        return beside if beside.is_dir() else labels.parent
    if not images.is_dir():
        raise ConfigError("There is no such folder of photos", got=str(images))
    return images
