"""Photos are read upright, and broken ones are refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from kit.errors import CameraError
from kit.vision.frames import encode_jpeg
from kit.vision.photos import find_photos, read_photo
from tests.vision.pictures import plain


def _scene() -> PillowImage.Image:
    """Red at the top left, on white."""
    pixels = np.full((40, 60, 3), 255, np.uint8)
    pixels[:20, :20] = (255, 0, 0)
    return PillowImage.fromarray(pixels)


# What a camera stores for each orientation when it looks at the scene.
_STORED = {
    1: None,
    2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
    3: PillowImage.Transpose.ROTATE_180,
    4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
    5: PillowImage.Transpose.TRANSPOSE,
    6: PillowImage.Transpose.ROTATE_90,
    7: PillowImage.Transpose.TRANSVERSE,
    8: PillowImage.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", _STORED)
def test_exif_orientation_is_honoured(tmp_path: Path, orientation: int) -> None:
    stored = _scene()
    if (turn := _STORED[orientation]) is not None:
        stored = stored.transpose(turn)
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = read_photo(tmp_path / "a.jpg")
    assert image.shape == (40, 60, 3)
    assert image[10, 10].tolist() == pytest.approx([0, 0, 254], abs=12)
    assert image[30, 50].min() > 240


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff", ".bmp", ".jpg"])
def test_every_kind_of_photo_becomes_bgr(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f"photo{suffix}"
    photo = _scene().convert(mode)
    try:
        photo.save(path)
    except (OSError, ValueError):
        photo.convert("RGB").save(path)
    assert read_photo(path).shape == (40, 60, 3)


def test_missing_photo_is_told(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="There is no photo"):
        read_photo(tmp_path / "none.jpg")


def test_folder_is_no_photo(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="it is a folder"):
        read_photo(tmp_path)


def test_empty_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(CameraError, match="0 bytes"):
        read_photo(tmp_path / "a.jpg")


def test_truncated_jpeg_is_told(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)
    data = encode_jpeg(noise)
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(CameraError, match="truncated"):
        read_photo(tmp_path / "a.jpg")


def test_file_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("This is no photo.")
    with pytest.raises(CameraError, match="cannot be read"):
        read_photo(tmp_path / "a.jpg")


def test_picture_of_one_pixel_is_told(tmp_path: Path) -> None:
    PillowImage.new("RGB", (1, 1)).save(tmp_path / "a.png")
    with pytest.raises(CameraError, match=r"too small to hold a sign.*Got: 1 x 1"):
        read_photo(tmp_path / "a.png")


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_huge_picture_is_refused_before_it_takes_memory(tmp_path: Path, side: int) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(_png_header(side, side))
    with pytest.raises(CameraError, match="is huge"):
        read_photo(path)


def test_photos_of_a_folder_are_in_natural_order(tmp_path: Path) -> None:
    for name in ("b10.jpg", "b2.JPG", "a.png", "notes.txt", "b1.jpeg"):
        (tmp_path / name).write_bytes(encode_jpeg(plain(1)))
    assert [path.name for path in find_photos(tmp_path)] == [
        "a.png",
        "b1.jpeg",
        "b2.JPG",
        "b10.jpg",
    ]


def test_folder_without_photos_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CameraError, match="no photo in the folder"):
        find_photos(tmp_path)


def _png_header(width: int, height: int) -> bytes:
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", size) + _png_chunk(b"IDAT", b"")


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
