"""Importers: an annotated set from what other tools and other people wrote to disk.

supervision's loaders take a whole set and stop at the first damaged line; a missing file of
labels they take for a photo without signs. So we find the files ourselves and give supervision
one entry at a time: it knows each format's boxes, and we know which entry was broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet, Problem
from kit.mlops.acquire.classes import GTSDB, KIT, MAPILLARY, ClassMap
from kit.mlops.acquire.coco import read_coco
from kit.mlops.acquire.label_studio import read_label_studio
from kit.mlops.acquire.listing import Listed
from kit.mlops.acquire.road_sets import read_gtsdb, read_mapillary
from kit.mlops.acquire.scenes import scene_of
from kit.mlops.acquire.vetting import vet
from kit.mlops.acquire.voc import read_voc
from kit.mlops.acquire.yolo import read_yolo


@dataclass(frozen=True)
class Format:
    """A format that can be read.

    Attributes:
        read: Yields what a source names, given its path and the folder of its photos.
        classes: The table for its class names, unless another is given.
    """

    read: Callable[[Path, Path | None], Iterator[Listed | Problem]]
    classes: ClassMap = KIT + MAPILLARY


FORMATS: Mapping[str, Format] = {
    "coco": Format(read_coco),
    "yolo": Format(read_yolo),
    "voc": Format(read_voc),
    "label-studio": Format(read_label_studio),
    "gtsdb": Format(read_gtsdb, GTSDB),
    "mapillary": Format(read_mapillary),
}
"""The formats that can be read, by name."""


def import_set(
    kind: str,
    path: Path,
    *,
    licence: str,
    classes: ClassMap | None = None,
    images: Path | None = None,
    scene: str | None = None,
    source: str = "",
) -> AnnotatedSet:
    """Read an annotated set from disk, check it, and report what was broken.

    EXIF orientation is honoured: boxes are those of the upright photo.

    Args:
        kind: A key of `FORMATS`.
        path: The file of annotations, or the folder of the set.
        licence: What one may do with the photos; an SPDX name or a sentence.
        classes: Meanings of the class names; the format's own table if None.
        images: Folder of the photos, if they are not where the format puts them.
        scene: Regular expression that finds a photo's scene in its name; see `scene_of`.
        source: Where the set comes from, in words; its path's last part if empty.

    Returns:
        The photos that passed; `AnnotatedSet.problems` tells about the others.

    Raises:
        ConfigError: If there is no licence, the annotations cannot be read at all, no photo is
            left, or the pattern of scenes does not fit.
    """
    if kind not in FORMATS:
        raise ConfigError("There is no such format", expected=", ".join(FORMATS), got=kind)
    if not licence.strip():
        raise ConfigError(
            "A set needs a licence",
            expected="what one may do with the photos, such as CC-BY-4.0",
            fix="ask whoever took them; without a licence do not use them",
        )
    if not path.exists():
        raise ConfigError("There is no such file or folder", got=str(path))
    form = FORMATS[kind]
    found = form.read(path, images)
    photos, problems = vet(
        found, classes=classes or form.classes, scene_of=partial(scene_of, pattern=scene)
    )
    if not photos:
        first = f"; the first: {problems[0].file}: {problems[0].what}" if problems else ""
        raise ConfigError("No photo of the set can be used", got=f"{len(problems)} problems{first}")
    return AnnotatedSet(photos, source or path.resolve().name, licence.strip(), problems)
