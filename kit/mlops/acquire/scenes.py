"""Which photos show the same scene, told from their names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from kit.errors import ConfigError

_NO_SCENES = frozenset(
    ("images", "jpegimages", "photos", "labels", "annotations", "train", "training")
) | {"val", "valid", "validation", "test", "testing"}
# Labelling services rename what they hand out: Label Studio puts eight digits before the name,
# Roboflow a hash behind it. Left there, every frame would be a scene of its own.
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")
_EXPORT_SUFFIX = re.compile(r"(_(jpe?g|png|webp|bmp))?\.rf\.[0-9A-Za-z]+$", re.IGNORECASE)
_COUNTER = re.compile(r"[ _.\-]*(\(\d+\)|\d+)$")


def scene_of(name: str, *, pattern: str | None = None) -> str:
    """Tell the scene of a photo.

    Without a pattern that is its folder and its name without the number at the end, so that
    ``kitchen/run1_0007.jpg`` is of the scene ``kitchen/run1``. Folders that only say what a set
    consists of (``images``, ``train``, ``val`` ...) do not count. Of a name that is a number the
    folder remains.

    Args:
        name: Path of the photo inside its set, with slashes.
        pattern: A regular expression that is searched in the name; its first group, or all that
            it matches, is the scene.

    Raises:
        ConfigError: If the pattern is none, or does not occur in the name.
    """
    if pattern is not None:
        return _by_pattern(name, pattern)
    path = PurePosixPath(name)
    folders = [part for part in path.parent.parts if part.lower() not in _NO_SCENES]
    stem = _EXPORT_SUFFIX.sub("", _UPLOAD_PREFIX.sub("", path.stem))
    return "/".join([*folders, _COUNTER.sub("", stem)]).strip("/") or "."


def _by_pattern(name: str, pattern: str) -> str:
    try:
        found = re.search(pattern, name)
    except re.error as error:
        raise ConfigError(
            "The pattern of scenes is no regular expression", got=f"{pattern}: {error}"
        ) from error
    if found is None:
        raise ConfigError(
            "The pattern of scenes does not fit a photo",
            expected=f"'{pattern}' somewhere in the name",
            got=name,
            fix="widen the pattern; '.*' at its end makes the rest optional",
        )
    return found.group(1) if found.re.groups and found.group(1) is not None else found.group(0)
