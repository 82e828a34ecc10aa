"""Pictures become frames and JPEGs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import EventError
from kit.vision.frames import PADDING, decode_jpeg, encode_jpeg, fit_frame
from tests.vision.pictures import plain


def test_picture_of_the_right_size_is_left_as_it_is() -> None:
    image = plain(7, width=600, height=400)
    assert fit_frame(image) is image


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 2500), height=st.integers(1, 2500))
def test_every_size_becomes_a_frame(width: int, height: int) -> None:
    frame = fit_frame(plain(200, width=width, height=height))
    assert frame.shape == (400, 600, 3)
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (1920, 1080), (900, 640)])
def test_pictures_of_cameras_fill_the_frame(width: int, height: int) -> None:
    assert (fit_frame(plain(200, width=width, height=height)) == 200).all()


@pytest.mark.parametrize(("width", "height"), [(480, 640), (1000, 1000), (2560, 1080)])
def test_narrow_and_wide_pictures_are_shown_whole(width: int, height: int) -> None:
    image = plain(200, width=width, height=height)
    image[:4] = image[-4:] = image[:, :4] = image[:, -4:] = 255
    frame = fit_frame(image)
    shown = np.argwhere((frame != PADDING).all(axis=2))
    (top, left), (bottom, right) = shown.min(axis=0), shown.max(axis=0)
    assert frame[top, left, 0] > 220
    assert frame[bottom, right, 0] > 220
    assert (right - left + 1) / (bottom - top + 1) == pytest.approx(width / height, rel=0.01)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (480, 640), (300, 200)])
def test_a_circle_stays_a_circle_in_the_middle(width: int, height: int) -> None:
    image = plain(0, width=width, height=height)
    cv2.circle(image, (width // 2, height // 2), 80, (255, 255, 255), -1, cv2.LINE_AA)
    rows, columns = np.nonzero(fit_frame(image)[:, :, 0] > 200)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=2)
    assert (rows.mean(), columns.mean()) == pytest.approx((200, 300), abs=2)


def test_jpeg_keeps_colours_in_bgr() -> None:
    image = plain(0)
    image[:, :, 2] = 200
    decoded = decode_jpeg(encode_jpeg(image))
    assert np.abs(decoded.astype(int) - image).max() <= 4


def test_quality_changes_the_size() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    assert len(encode_jpeg(image, quality=40)) < len(encode_jpeg(image, quality=95))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xd8\xff\xd9", id="only markers"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="other kind"),
        pytest.param(encode_jpeg(plain(9))[:-40], id="cut off"),
    ],
)
def test_broken_jpeg_is_refused(data: bytes) -> None:
    with pytest.raises(EventError, match="cannot be decoded"):
        decode_jpeg(data)
