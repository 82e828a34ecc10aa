"""A set that grows photo by photo, and is whole on disk after each.

It is a folder as ``kit dataset`` and ``kit evaluate`` read it; see `kit.mlops.acquire.keeping`.
Beside it, ``skipped.json`` names the frames that somebody looked at and did not want.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet, Photo, Sign
from kit.mlops.acquire.card import make_card
from kit.mlops.acquire.keeping import ANNOTATIONS, load_set, write_card, write_coco

SKIPPED = "skipped.json"
"""Name of the file with the frames that were passed over."""

LICENCE = "own photos; nobody else may use them unless you say so"
"""Licence of labelled frames until somebody names another."""


class GrowingSet:
    """An annotated set in a folder, saved after each change.

    Args:
        folder: Where it is, or where it begins; a set that is there is gone on with.
        source: Where the photos come from, for a new set.
        licence: What one may do with them, for a new set.

    Raises:
        ConfigError: If the folder holds a set that is damaged: labels must not get lost.
    """

    def __init__(
        self, folder: Path, *, source: str = "harvested frames", licence: str = LICENCE
    ) -> None:
        self.folder = folder
        self._skipped = _read_skipped(folder)
        self._set = AnnotatedSet((), source, licence)
        if (folder / ANNOTATIONS).is_file():
            self._set = load_set(folder)
        if self._set.problems:
            first = self._set.problems[0]
            raise ConfigError(
                "The labels in this folder are damaged",
                got=f"{folder}: {first.file}: {first.what}",
                fix="mend it, or name another folder",
            )

    @property
    def annotated(self) -> AnnotatedSet:
        """The set as it is on disk."""
        return self._set

    @property
    def skipped(self) -> frozenset[str]:
        """Names of the frames that were passed over."""
        return frozenset(self._skipped)

    def signs_of(self, name: str) -> tuple[Sign, ...] | None:
        """Return the signs of a photo, by its name; None if it has no labels yet."""
        return next((p.signs for p in self._set.photos if p.name == _file(name)), None)

    def picture_of(self, name: str) -> bytes:
        """Return the JPEG of a photo that has labels, by its name.

        Raises:
            OSError: If it cannot be read.
        """
        return (self.folder / "images" / _file(name)).read_bytes()

    def put(
        self, name: str, jpeg: bytes, signs: Sequence[Sign], *, size: tuple[int, int], scene: str
    ) -> None:
        """Add a photo with its signs, or give it others.

        Args:
            name: Name of the photo, without ending.
            jpeg: The photo.
            signs: What is in it; none is an answer too.
            size: Width and height, pixels.
            scene: Photos of one scene look alike.

        Raises:
            OSError: If the folder cannot be written.
        """
        photos = self.folder / "images"
        photos.mkdir(parents=True, exist_ok=True)
        path = photos / _file(name)
        path.write_bytes(jpeg)
        digest = hashlib.sha256(jpeg).hexdigest()
        photo = Photo(path.name, path, *size, scene, digest, tuple(dict.fromkeys(signs)))
        # One picture has one set of labels, by whichever name it came.
        others = [other for other in self._others(name) if other.sha256 != digest]
        self._save([*others, photo])
        self._note_skipped(self._skipped - {name})

    def skip(self, name: str) -> None:
        """Pass a frame over: it is not asked for again.

        Raises:
            OSError: If the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._note_skipped(self._skipped | {name})

    def forget(self, name: str) -> None:
        """Take back a photo's labels, or that it was passed over.

        Raises:
            OSError: If the folder cannot be written.
        """
        if self.signs_of(name) is not None:
            self._save(self._others(name))
            (self.folder / "images" / _file(name)).unlink(missing_ok=True)
        self._note_skipped(self._skipped - {name})

    def _others(self, name: str) -> list[Photo]:
        return [photo for photo in self._set.photos if photo.name != _file(name)]

    def _save(self, photos: Iterable[Photo]) -> None:
        grown = replace(self._set, photos=tuple(sorted(photos, key=lambda photo: photo.name)))
        # Another file first: whoever reads, or pulls the plug, finds the old labels or the new.
        unfinished = self.folder / f".{ANNOTATIONS}.part"
        write_coco(grown, unfinished)
        unfinished.replace(self.folder / ANNOTATIONS)
        write_card(make_card(grown), self.folder)
        self._set = grown

    def _note_skipped(self, names: set[str]) -> None:
        if names != self._skipped:
            unfinished = self.folder / f".{SKIPPED}.part"
            unfinished.write_text(json.dumps(sorted(names), indent=1) + "\n", encoding="utf-8")
            unfinished.replace(self.folder / SKIPPED)
            self._skipped = names


def _file(name: str) -> str:
    return f"{name}.jpg"


def _read_skipped(folder: Path) -> set[str]:
    path = folder / SKIPPED
    if not path.is_file():
        return set()
    try:
        return {str(name) for name in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            "The list of skipped frames cannot be read", got=f"{path}: {error}", fix="remove it"
        ) from error
