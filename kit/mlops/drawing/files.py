"""Read picture files of other packages, quietly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_PNG = b"\x89PNG\r\n\x1a\n"
_PROFILES = (b"sRGB", b"iCCP")
"""OpenCV ignores colour profiles, but libpng warns on the terminal of those that it dislikes."""

_FRAME_BYTES = 12  # of a chunk around its data: length, name, checksum


def read_picture(path: Path, flags: int) -> NDArray[np.uint8 | np.uint16] | None:
    """Read a picture as ``cv2.imread`` does, without libpng's warnings of its colour profile.

    Args:
        path: Of a JPEG or PNG file.
        flags: Of ``cv2.imread``.

    Returns:
        The picture, or None if OpenCV cannot read it.
    """
    content = path.read_bytes()
    if content.startswith(_PNG):
        content = _PNG + b"".join(_chunks(content))
    if not content:
        return None
    return cv2.imdecode(np.frombuffer(content, np.uint8), flags)  # type: ignore[return-value]


def _chunks(png: bytes) -> Iterator[bytes]:
    """Yield the chunks of a PNG file, but none that describes its colours."""
    start = len(_PNG)
    while start < len(png):
        end = start + _FRAME_BYTES + int.from_bytes(png[start : start + 4], "big")
        if png[start + 4 : start + 8] not in _PROFILES:
            yield png[start:end]
        start = end
