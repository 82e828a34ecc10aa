"""What an annotated set is: photos, the signs in them, where they come from and what was broken."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from kit.events import LABELS

OTHER_NAME = "other"
"""Name of every sign that is of none of our classes."""

IGNORED_NAME = "ignored"
"""Name of what is neither to be found nor to be missed."""

KINDS: tuple[str, ...] = (*(label.value for label in LABELS), OTHER_NAME, IGNORED_NAME)
"""What a box can be, in the order of tables and files: our classes first."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sign:
    """A box around something in a photo.

    Attributes:
        class_id: Position in `kit.events.LABELS`; None for any other sign.
        box: x1, y1, x2, y2 in pixels of the upright photo, to a hundredth, inside the photo.
        ignored: Whether it is neither to be found nor to be missed.
    """

    class_id: int | None
    box: Box
    ignored: bool = False

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if self.ignored:
            return IGNORED_NAME
        return OTHER_NAME if self.class_id is None else LABELS[self.class_id].value


@dataclass(frozen=True)
class Photo:
    """A photo of a set.

    Attributes:
        name: Its path inside the set, with slashes; no other photo of the set has it.
        path: Where the file is.
        width: Of the upright photo, pixels.
        height: Of the upright photo, pixels.
        scene: Photos of one scene look alike and stay together when the set is split.
        sha256: Of the file's bytes, hexadecimal.
        signs: The boxes in it; empty for a photo without signs.
    """

    name: str
    path: Path
    width: int
    height: int
    scene: str
    sha256: str
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Something that was broken, and what became of it.

    Attributes:
        file: The photo, or the file of labels and the place in it.
        what: What is wrong.
        done: What was done about it.
    """

    file: str
    what: str
    done: str


@dataclass(frozen=True)
class AnnotatedSet:
    """Photos with the signs in them.

    Attributes:
        photos: In the order of their names.
        source: Where they come from, in words.
        licence: What one may do with them; an SPDX name or a sentence.
        problems: What was broken when they were read.
    """

    photos: tuple[Photo, ...]
    source: str
    licence: str
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def scenes(self) -> tuple[str, ...]:
        """The scenes, sorted."""
        return tuple(sorted({photo.scene for photo in self.photos}))

    @property
    def data_hash(self) -> str:
        """SHA-256 over the photos' bytes and their signs, hexadecimal.

        Neither the order of photos and boxes nor the files' names change it.
        """
        digests = sorted(_digest(photo) for photo in self.photos)
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def counts(self) -> dict[str, int]:
        """Count the boxes of each of `KINDS`."""
        counts = dict.fromkeys(KINDS, 0)
        for photo in self.photos:
            for sign in photo.signs:
                counts[sign.kind] += 1
        return counts

    def only(self, photos: Iterable[Photo]) -> AnnotatedSet:
        """Return a set of the same source and licence with some of the photos."""
        return replace(self, photos=tuple(photos))


def _digest(photo: Photo) -> str:
    lines = sorted(" ".join([s.kind, *(f"{v:.2f}" for v in s.box)]) for s in photo.signs)
    return hashlib.sha256("\n".join([photo.sha256, *lines]).encode()).hexdigest()
