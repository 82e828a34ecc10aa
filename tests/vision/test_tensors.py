"""Pictures and signs on their way to a model server and back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from kit.errors import CameraError, ModelError
from kit.events import LABELS, Box, Detection
from kit.vision.frames import encode_jpeg
from kit.vision.tensors import (
    Answer,
    decode_picture,
    encode_picture,
    from_numbers,
    to_detections,
    to_tensors,
)

PICTURE = np.random.default_rng(1).integers(0, 256, (40, 61, 3), np.uint8)

detections = st.lists(
    st.builds(
        Detection,
        label=st.sampled_from(LABELS),
        confidence=st.floats(0, 1, width=32),
        box=st.builds(
            Box,
            st.floats(0, 5000, width=32),
            st.floats(0, 5000, width=32),
            st.floats(0.5, 5000, width=32),
            st.floats(0.5, 5000, width=32),
        ),
    ),
    max_size=8,
)


@given(detections)
def test_signs_come_back_as_they_went(signs: list[Detection]) -> None:
    sent = to_tensors(signs)
    assert [array.dtype for array in sent] == [np.float32, np.float32, np.int64]
    assert [array.shape for array in sent] == [(len(signs), 4), (len(signs),), (len(signs),)]
    assert to_detections(sent) == tuple(signs)


def answer(**changes: object) -> Answer:
    right = Answer(
        np.array([[1, 2, 3, 4]], np.float32), np.array([0.5], np.float32), np.array([0], np.int64)
    )
    return right._replace(**{name: np.array(value) for name, value in changes.items()})


@pytest.mark.parametrize(
    "changes",
    [
        {"boxes": [[1.0, 2, 3]]},
        {"boxes": [[1.0, 2, 3, 4], [1, 2, 3, 4]]},
        {"boxes": [[1.0, 2, float("nan"), 4]]},
        {"boxes": [[1.0, 2, 0, 4]]},
        {"scores": [1.5]},
        {"scores": [float("nan")]},
        {"class_ids": [len(LABELS)]},
        {"class_ids": [-1]},
        {"class_ids": [[0]]},
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="not of the kit's kind"):
        to_detections(answer(**changes))


def test_a_picture_travels_without_the_loss_of_a_pixel() -> None:
    assert np.array_equal(decode_picture(encode_picture(PICTURE)), PICTURE)


def test_png_and_jpeg_are_read_too() -> None:
    png = cv2.imencode(".png", PICTURE)[1].tobytes()
    assert np.array_equal(decode_picture(png), PICTURE)
    assert decode_picture(encode_jpeg(PICTURE)).shape == PICTURE.shape


def test_a_grey_picture_gets_three_channels() -> None:
    grey = cv2.imencode(".png", PICTURE[:, :, 0])[1].tobytes()
    assert np.array_equal(decode_picture(grey), np.dstack([PICTURE[:, :, 0]] * 3))


@pytest.mark.parametrize("suffix", [".bmp", ".png", ".jpg"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.98])
def test_a_picture_that_was_cut_off_is_refused(suffix: str, share: float) -> None:
    data = cv2.imencode(suffix, PICTURE)[1].tobytes()
    with pytest.raises(CameraError, match="cannot be decoded"):
        decode_picture(data[: int(share * len(data))])


@pytest.mark.parametrize("suffix", [".webp", ".tiff"])
def test_other_kinds_of_files_are_refused(suffix: str) -> None:
    with pytest.raises(CameraError, match="cannot be decoded"):
        decode_picture(cv2.imencode(suffix, PICTURE)[1].tobytes())


def test_a_huge_picture_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(CameraError, match="huge"):
        decode_picture(encode_picture(PICTURE))


def test_numbers_make_a_picture_in_a_row_and_nested() -> None:
    assert np.array_equal(from_numbers(PICTURE.ravel().tolist(), PICTURE.shape), PICTURE)
    assert np.array_equal(from_numbers(PICTURE.tolist(), list(PICTURE.shape)), PICTURE)


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ([0] * 11, (2, 2, 3)),
        ([0] * 12, (2, 2, 4)),
        ([0] * 12, (12,)),
        ([0] * 12, (-1, 2, 3)),
        ([], (0, 2, 3)),
        ([256] * 12, (2, 2, 3)),
        ([-1] * 12, (2, 2, 3)),
        ([0.5] * 12, (2, 2, 3)),
        (["a"] * 12, (2, 2, 3)),
        ([None] * 12, (2, 2, 3)),
        ([[0, 0], [0]], (1, 1, 3)),
    ],
)
def test_numbers_that_are_no_picture_are_refused(data: list[object], shape: tuple) -> None:
    with pytest.raises(CameraError, match="no picture"):
        from_numbers(data, shape)
