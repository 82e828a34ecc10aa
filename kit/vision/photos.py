"""Photos from files: turned as their EXIF orientation says, and refused when broken."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from kit.errors import CameraError
from kit.vision.frames import Image

PHOTO_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Endings, in lower case, of the files that are taken for photos."""

MIN_SIDE_PX = 16
"""A picture must have this many pixels each way: no sign can be seen in fewer."""


def read_photo(path: Path) -> Image:
    """Read a photo, upright.

    Args:
        path: A JPEG, PNG, WebP, BMP or TIFF file.

    Returns:
        ``(H, W, 3)`` uint8, BGR.

    Raises:
        CameraError: If the file is missing, empty, cut off, no photo, too small to hold a
            sign, or so large (above 89 megapixels) that it may be an attack.
    """
    refuse_missing(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PillowImage.DecompressionBombWarning)
            with PillowImage.open(path) as photo:
                upright = ImageOps.exif_transpose(photo).convert("RGB")
    except (PillowImage.DecompressionBombWarning, PillowImage.DecompressionBombError) as error:
        raise CameraError(
            f"The photo '{path}' is huge",
            expected=f"{PillowImage.MAX_IMAGE_PIXELS or 0:,} pixels at most",
            got=str(error),
            fix="scale it down",
        ) from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow's readers raise
        raise CameraError(
            f"The photo '{path}' cannot be read",
            expected="a whole picture file",
            got=str(error) or type(error).__name__,
            fix="copy the file again, or remove it",
        ) from error
    if min(upright.size) < MIN_SIDE_PX:
        raise CameraError(
            f"The photo '{path}' is too small to hold a sign",
            expected=f"{MIN_SIDE_PX} x {MIN_SIDE_PX} pixels at least",
            got=f"{upright.width} x {upright.height}",
        )
    return np.ascontiguousarray(np.asarray(upright)[:, :, ::-1])


def find_photos(folder: Path) -> tuple[Path, ...]:
    """List the photos of a folder, ``2.jpg`` before ``10.jpg``.

    Args:
        folder: Where to look; folders inside are not searched.

    Raises:
        CameraError: If there is none.
    """
    found = [p for p in folder.iterdir() if p.suffix.lower() in PHOTO_SUFFIXES]
    if not found:
        raise CameraError(
            f"There is no photo in the folder '{folder}'",
            expected="files that end in " + ", ".join(sorted(PHOTO_SUFFIXES)),
        )
    return tuple(sorted(found, key=_natural))


def refuse_missing(path: Path) -> None:
    """Check that a file is there and has something in it.

    Raises:
        CameraError: If not.
    """
    if not path.is_file():
        what = "it is a folder" if path.is_dir() else "nothing of that name"
        raise CameraError(f"There is no photo '{path}'", expected="a file", got=what)
    if path.stat().st_size == 0:
        raise CameraError(
            f"The photo '{path}' is empty",
            expected="a whole picture file",
            got="0 bytes",
            fix="copy the file again, or remove it",
        )


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
