"""What a model server and its clients say to each other: tensors, their names and shapes.

The protocol is the Open Inference Protocol, version 2: https://github.com/kserve/open-inference-protocol.
One input, ``frame``: a picture as uint8 ``(H, W, 3)``, BGR, or as the bytes of a JPEG, PNG or BMP
file. Three outputs for the N signs in it, the surest first:

- ``boxes``: float32 ``(N, 4)``, left, top, width and height in pixels of that picture
- ``scores``: float32 ``(N,)``, 0..1
- ``class_ids``: int64 ``(N,)``, index into `kit.events.LABELS`
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from kit.errors import CameraError, EventError, ModelError
from kit.events import LABELS, Box, Detection
from kit.vision.frames import Image, decode_jpeg

MODEL_NAME = "signs"
"""What the model is called unless someone says otherwise."""

FRAME = "frame"
"""Name of the input."""

OUTPUTS = ("boxes", "scores", "class_ids")
"""Names of the outputs."""

CONFIDENCE = "confidence"
"""Parameter of a request: signs less sure than this, 0..1, are left out."""

DESCRIBE = "describe"
"""Parameter of a request: whether the answer is to carry `MODEL_INFO`."""

MODEL_INFO = "model_info"
"""Parameter of an answer: what the model says of itself, as JSON."""

FILE_FORMATS = ("JPEG", "PNG", "BMP")
"""Kinds of picture files that may stand for a frame."""


class Answer(NamedTuple):
    """The signs of a picture as tensors; see the module for their meaning.

    Attributes:
        boxes: ``(N, 4)`` float32.
        scores: ``(N,)`` float32.
        class_ids: ``(N,)`` int64.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int64]


def to_tensors(detections: Sequence[Detection]) -> Answer:
    """Turn detections into tensors."""
    return Answer(
        np.array([found.box for found in detections], np.float32).reshape(-1, 4),
        np.array([found.confidence for found in detections], np.float32),
        np.array([LABELS.index(found.label) for found in detections], np.int64),
    )


def to_detections(answer: Answer) -> tuple[Detection, ...]:
    """Turn tensors back into detections.

    Raises:
        ModelError: If the shapes do not belong together, a class is unknown, or a number is none
            or out of its range.
    """
    boxes, scores, class_ids = answer
    count = len(scores)
    if boxes.shape != (count, 4) or scores.shape != (count,) or class_ids.shape != (count,):
        raise _not_ours(f"{boxes.shape}, {scores.shape} and {class_ids.shape}")
    try:
        return tuple(
            Detection(label=LABELS[_class(number)], confidence=score, box=Box(*box))
            for box, score, number in zip(
                boxes.tolist(), scores.tolist(), class_ids.tolist(), strict=True
            )
        )
    except (ValueError, IndexError) as error:
        raise _not_ours(str(error).replace("\n", " ")) from error


def encode_picture(image: Image) -> bytes:
    """Encode a picture so that not one pixel changes, in a tenth of a millisecond.

    Args:
        image: ``(H, W, 3)`` uint8, BGR.

    Returns:
        A BMP file, as large as the array. PNG would take a third of the bytes, and a hundred
        times as long.
    """
    _, encoded = cv2.imencode(".bmp", image)
    return encoded.tobytes()


def decode_picture(data: bytes) -> Image:
    """Decode a picture file that somebody sent.

    Args:
        data: A whole JPEG, PNG or BMP file.

    Returns:
        ``(H, W, 3)`` uint8, BGR.

    Raises:
        CameraError: If it is none, was cut off, or is so large (above 89 megapixels) that it may
            be an attack.
    """
    try:
        kind = _kind(data)
        if kind == "JPEG":
            return decode_jpeg(data)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (PillowImage.DecompressionBombWarning, PillowImage.DecompressionBombError) as error:
        raise CameraError("The picture is huge", got=str(error), fix="scale it down") from error
    except (OSError, SyntaxError, ValueError, EventError, cv2.error) as error:
        raise _no_picture(data) from error
    if image is None:
        raise _no_picture(data)
    return np.asarray(image, np.uint8)


def from_numbers(data: Sequence[Any], shape: Sequence[int]) -> Image:
    """Build a picture from the numbers of a tensor.

    Args:
        data: Whole numbers, 0..255, in a row or nested as deep as the shape.
        shape: ``(H, W, 3)``.

    Returns:
        ``(H, W, 3)`` uint8, BGR.

    Raises:
        CameraError: If they are no such picture.
    """
    try:
        nested = bool(data) and not isinstance(data[0], int)
        flat = np.asarray(data).ravel().tolist() if nested else data
        # bytes() refuses what is no whole number or out of range, and is the fastest way.
        pixels = np.frombuffer(bytes(flat), np.uint8)
        return pixels.reshape(_picture_shape(shape))
    except (TypeError, ValueError) as error:
        raise CameraError(
            "The tensor is no picture",
            expected="whole numbers 0..255 of shape (H, W, 3)",
            got=f"{len(data)} values of shape {tuple(shape)}: {error}",
        ) from error


def _picture_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    if len(shape) != 3 or shape[2] != 3 or min(shape) < 1:
        message = "the shape is not (H, W, 3)"
        raise ValueError(message)
    return (shape[0], shape[1], 3)


def _kind(data: bytes) -> str | None:
    """Read the header only: it tells kind and size before anything is unpacked."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", PillowImage.DecompressionBombWarning)
        with PillowImage.open(io.BytesIO(data), formats=FILE_FORMATS) as picture:
            return picture.format


def _no_picture(data: bytes) -> CameraError:
    return CameraError(
        "This picture cannot be decoded",
        expected=f"a whole {', '.join(FILE_FORMATS)} file",
        got=f"{len(data)} bytes: {data[:4].hex(' ')} ...",
    )


def _class(number: int) -> int:
    if number < 0:
        message = f"class {number}"
        raise IndexError(message)
    return number


def _not_ours(got: str) -> ModelError:
    return ModelError(
        "The model server's answer is not of the kit's kind",
        expected="boxes (N, 4), scores (N,) 0..1, class_ids (N,) 0.." + str(len(LABELS) - 1),
        got=got,
        fix="ask a server that 'kit serve' started",
    )
