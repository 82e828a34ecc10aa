"""The check of everything that was found; what does not pass is reported by name."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from kit.errors import CameraError
from kit.events import LABELS, Label
from kit.mlops.acquire.annotated import Box, Photo, Problem, Sign
from kit.mlops.acquire.classes import IGNORE, OTHER, ClassMap
from kit.mlops.acquire.listing import Entry, Listed, Size
from kit.vision.photos import read_photo

MIN_BOX_PX = 1.0
"""A box must be this wide and high."""

OVERHANG_PX = 1.0
"""A box may reach this far out of the photo before it is worth a report."""

LEFT_OUT = "left out"
_DAMAGE = (ValueError, OverflowError, KeyError, TypeError, IndexError, AttributeError)


def vet(
    found: Iterable[Listed | Problem], *, classes: ClassMap, scene_of: Callable[[str], str]
) -> tuple[tuple[Photo, ...], tuple[Problem, ...]]:
    """Check photos and boxes.

    A photo is left out when it is missing, cannot be decoded, was labelled in another size, or
    is a copy of one before it. A box is left out when it is damaged, empty, or lies outside;
    it is cut when it reaches out. A box of unknown class is kept and counts neither way.

    Args:
        found: What a reader yields.
        classes: Meanings of the source's class names.
        scene_of: Tells a photo's scene from its name.

    Returns:
        The photos that passed, by name, and a report on everything else.
    """
    photos: dict[str, Photo] = {}
    names_by_content: dict[str, str] = {}
    problems: list[Problem] = []
    for item in found:
        if isinstance(item, Problem):
            problems.append(item)
            continue
        try:
            size, digest = _open(item, photos, names_by_content)
        except _RefusedError as refused:
            done = f"{LEFT_OUT}, with its boxes" if item.entries else LEFT_OUT
            problems.append(Problem(item.name, str(refused), done))
            continue
        names_by_content[digest] = item.name
        signs = _keep_signs(item.entries, size, classes, problems)
        scene = item.scene or scene_of(item.name)
        photos[item.name] = Photo(item.name, item.path, *size, scene, digest, signs)
    return tuple(photos[name] for name in sorted(photos)), tuple(problems)


class _RefusedError(Exception):
    """A photo that is left out."""


def _open(
    item: Listed, photos: dict[str, Photo], names_by_content: dict[str, str]
) -> tuple[Size, str]:
    """Return a photo's upright size and the hash of its bytes."""
    if item.name in photos:
        msg = "the photo is listed twice"
        raise _RefusedError(msg)
    try:
        height, width = read_photo(item.path).shape[:2]
    except CameraError as error:
        raise _RefusedError(f"the photo cannot be read: {error.got or error.problem}") from error
    if item.size not in {None, (width, height)}:
        msg = f"its labels are for {item.size}, the upright photo has {(width, height)} pixels"
        raise _RefusedError(msg)
    digest = hashlib.sha256(item.path.read_bytes()).hexdigest()
    if digest in names_by_content:
        msg = f"the photo is a copy of {names_by_content[digest]}"
        raise _RefusedError(msg)
    return (width, height), digest


def _keep_signs(
    entries: Iterable[Entry], size: Size, classes: ClassMap, problems: list[Problem]
) -> tuple[Sign, ...]:
    kept: dict[Sign, None] = {}
    for entry in entries:
        for result in _read_sign(entry, size, classes):
            if isinstance(result, Problem):
                problems.append(result)
            elif result in kept:
                problems.append(Problem(entry.where, "the same box comes twice", LEFT_OUT))
            else:
                kept[result] = None
    return tuple(kept)


def _read_sign(entry: Entry, size: Size, classes: ClassMap) -> Iterator[Sign | Problem]:
    try:
        with np.errstate(all="ignore"):  # a number beyond float32 becomes infinite, found below
            found = entry.read(size)
        box, overhang = fit_box(found.box, size)
    except _DAMAGE as error:
        yield Problem(entry.where, _in_words(error), LEFT_OUT)
        return
    if overhang > OVERHANG_PX:
        yield Problem(entry.where, f"the box reaches {overhang:.0f} px out of the photo", "cut")
    meaning = classes.meaning(found.name)
    if meaning is None:
        unknown = f"no class is known for '{found.name}'"
        yield Problem(entry.where, unknown, "kept, but it counts neither way")
    if found.ignored or meaning in {None, IGNORE}:
        yield Sign(None, box, ignored=True)
    else:
        yield Sign(None if meaning == OTHER else LABELS.index(Label(meaning)), box)


def fit_box(box: Box, size: Size) -> tuple[Box, float]:
    """Check a box and cut it at the edges of its photo.

    Args:
        box: x1, y1, x2, y2 in pixels.
        size: Width and height of the photo, pixels.

    Returns:
        The box, to a hundredth of a pixel, and how far it reached out, in pixels.

    Raises:
        ValueError: If nothing is left of it, in words for a report.
    """
    if not all(math.isfinite(v) for v in box):
        msg = "a value of the box is not a finite number"
        raise ValueError(msg)
    x1, y1, x2, y2 = box
    if x2 - x1 < MIN_BOX_PX or y2 - y1 < MIN_BOX_PX:
        msg = f"the box has no area: {x2 - x1:g} x {y2 - y1:g} px"
        raise ValueError(msg)
    width, height = size
    cut = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    if cut[2] - cut[0] < MIN_BOX_PX or cut[3] - cut[1] < MIN_BOX_PX:
        msg = f"the box lies outside the photo: {x1:g}, {y1:g}, {x2:g}, {y2:g}"
        raise ValueError(msg)
    overhang = max(-x1, -y1, x2 - width, y2 - height, 0.0)
    return (round(cut[0], 2), round(cut[1], 2), round(cut[2], 2), round(cut[3], 2)), overhang


def _in_words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"'{error.args[0]}' is missing"
    return str(error).rstrip(".") or type(error).__name__
