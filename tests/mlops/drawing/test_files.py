"""Reading picture files of other packages."""

import zlib

import cv2
import numpy as np
import pytest

from kit.mlops.drawing.files import read_picture


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 4)).astype(np.uint8)


def test_a_profile_that_libpng_dislikes_is_passed_over_in_silence(tmp_path, picture, capfd):
    content = cv2.imencode(".png", picture)[1].tobytes()
    begin = content.index(b"IDAT") - 4
    bad = _chunk(b"sRGB", b"\0") * 2
    path = tmp_path / "thing.png"
    path.write_bytes(content[:begin] + bad + content[begin:])
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), picture)
    assert "libpng" in capfd.readouterr().err
    assert np.array_equal(read_picture(path, cv2.IMREAD_UNCHANGED), picture)
    assert capfd.readouterr().err == ""


def test_other_formats_are_read_as_they_are(tmp_path, picture):
    path = tmp_path / "photo.jpg"
    cv2.imwrite(str(path), picture[..., :3])
    assert np.array_equal(
        read_picture(path, cv2.IMREAD_COLOR), cv2.imread(str(path), cv2.IMREAD_COLOR)
    )


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\0"]
)
def test_what_is_no_picture_is_none(tmp_path, content):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    assert read_picture(path, cv2.IMREAD_COLOR) is None
