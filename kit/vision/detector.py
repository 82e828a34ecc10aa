"""The detector: a picture goes in, signs come out, with boxes in the picture's own pixels.

The model is an ONNX file that says in its metadata how it wants to be used. Its one input is
``images``, float32 ``(1, 3, H, W)``, RGB, 0..1, H and W multiples of 16. Its outputs, on a grid
of h x w cells, are ``scores`` ``(1, 3, h, w)``, 0..1 and 0 wherever a neighbour is higher, and
``boxes`` ``(1, 4, h, w)``, as x1, y1, x2, y2 in pixels of the input.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from kit.config import share_path
from kit.errors import CameraError, ConfigError, ModelError
from kit.events import LABELS, Box, Detection
from kit.vision.frames import PADDING, Image, resize
from kit.vision.model import ModelInfo, load_model
from kit.vision.photos import MIN_SIDE_PX
from kit.vision.providers import Provider

LONGER_SIDE_PX = 640
"""Pictures with a longer side are scaled down to it; smaller ones are seen as they are."""

GRID_PX = 16
"""The input's sides are multiples of this."""

MAX_DETECTIONS = 100
"""The strongest are kept if a picture has more."""

_SCALE = np.float32(1 / 255)
_Floats = npt.NDArray[np.float32]


class Candidates(NamedTuple):
    """Detections as arrays, strongest first.

    Attributes:
        class_ids: ``(N,)`` integers, index into `kit.events.LABELS`.
        scores: ``(N,)`` float32, 0..1.
        corners: ``(N, 4)`` float32, x1, y1, x2, y2 in pixels of the network's input.
    """

    class_ids: npt.NDArray[np.intp]
    scores: _Floats
    corners: _Floats


class Detector:
    """Finds signs in pictures; one thread at a time may use it.

    Args:
        model: An ONNX file; the one that comes with the kit if None.
        provider: Where it runs: ``auto`` takes TensorRT, CUDA or CPU, the first that works;
            a name is an order, never a wish.
        confidence: Detections below are left out, above 0 to 1; the model's own threshold if None.
        threads: Threads of the CPU provider, from 1.

    Raises:
        ModelError: If the file is missing, no model, not of this kind or of other classes; or
            if the provider asked for did not really run it.
        ConfigError: If ``confidence`` is not above 0, or above 1.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        *,
        provider: Provider = "auto",
        confidence: float | None = None,
        threads: int = 2,
    ) -> None:
        check_confidence(confidence)
        path = share_path("datasets/model/signs.onnx") if model is None else Path(model)
        self._session, self._info = load_model(path, provider=provider, threads=threads)
        self._confidence = self._info.threshold if confidence is None else confidence
        self._input: _Floats = np.empty((1, 3, 0, 0), np.float32)
        self._filled = (0, 0)

    @property
    def info(self) -> ModelInfo:
        """What the model says of itself, and the provider that runs it."""
        return self._info

    @property
    def confidence(self) -> float:
        """Detections below are left out, 0..1."""
        return self._confidence

    def detect(self, image_bgr: Image) -> tuple[Detection, ...]:
        """Find the signs of a picture.

        Args:
            image_bgr: ``(H, W, 3)`` uint8, BGR, 16 pixels or more each way.

        Returns:
            The signs, the surest first, boxes in pixels of this picture and inside it.

        Raises:
            CameraError: If this is no such picture.
            ModelError: If the network answers with something that is no number.
        """
        check_picture(image_bgr)
        height, width = image_bgr.shape[:2]
        seen = self._shrink(image_bgr)
        scores, boxes = self._session.run(["scores", "boxes"], {"images": self._fill(seen)})
        found = decode(scores, boxes, confidence=self._confidence, nms_iou=self._info.nms_iou)
        scale_x, scale_y = width / seen.shape[1], height / seen.shape[0]
        corners = found.corners * np.array([scale_x, scale_y, scale_x, scale_y], np.float32)
        return _detections(found._replace(corners=corners), width=width, height=height)

    def close(self) -> None:
        """Do nothing: detectors that somebody else runs have a connection to let go."""

    def _shrink(self, image: Image) -> Image:
        height, width = image.shape[:2]
        scale = LONGER_SIDE_PX / max(height, width)
        if scale >= 1:
            return image
        return resize(image, max(1, round(width * scale)), max(1, round(height * scale)))

    def _fill(self, image: Image) -> _Floats:
        """Write a picture into the input, which is kept: fresh memory costs as much again."""
        height, width = image.shape[:2]
        if self._filled != (height, width):
            shape = (1, 3, _whole_cells(height), _whole_cells(width))
            self._input = np.full(shape, PADDING * _SCALE, np.float32)
            self._filled = (height, width)
        for channel, plane in enumerate(self._input[0]):
            np.multiply(image[:, :, 2 - channel], _SCALE, out=plane[:height, :width])
        return self._input


def check_confidence(confidence: float | None) -> None:
    """Check that a confidence can be asked for; None asks for the model's own threshold.

    Raises:
        ConfigError: If it is not above 0, or above 1.
    """
    if confidence is not None and not 0 < confidence <= 1:
        raise ConfigError("The confidence is wrong", expected="above 0, to 1", got=confidence)


def check_picture(image: Image) -> None:
    """Check that this is a picture in which a sign could be seen.

    Raises:
        CameraError: If it is not ``(H, W, 3)`` uint8 with H and W of 16 or more.
    """
    fits = image.ndim == 3 and image.shape[2] == 3 and min(image.shape[:2]) >= MIN_SIDE_PX
    if not fits or image.dtype != np.uint8:
        raise CameraError(
            "The detector cannot look at this picture",
            expected=f"(H, W, 3) uint8, H and W {MIN_SIDE_PX} or more",
            got=f"{image.shape} {image.dtype}",
        )


def decode(scores: _Floats, boxes: _Floats, *, confidence: float, nms_iou: float) -> Candidates:
    """Read the network's answer.

    One sign gives one detection: of two that overlap the surer one stays, whatever their
    classes.

    Args:
        scores: ``(1, C, h, w)`` float32, 0..1.
        boxes: ``(1, 4, h, w)`` float32, x1, y1, x2, y2.
        confidence: Scores below are left out.
        nms_iou: Overlap (intersection over union, 0..1) from which the weaker box goes.

    Returns:
        At most `MAX_DETECTIONS`, strongest first.

    Raises:
        ModelError: If an answer is not a finite number: a network that sees nothing because
            it is broken must not look like a track without signs.
    """
    if not np.isfinite(scores.sum()):
        raise ModelError(
            "The network's answer is not a number",
            fix="run it with another provider, or replace the model",
        )
    class_ids, rows, columns = np.nonzero(scores[0] >= confidence)
    found = scores[0, class_ids, rows, columns]
    order = np.argsort(-found, kind="stable")[:MAX_DETECTIONS]
    corners = boxes[0][:, rows[order], columns[order]].T
    kept = _suppress(corners, found[order], nms_iou)
    return Candidates(class_ids[order][kept], found[order][kept], corners[kept])


def _suppress(corners: _Floats, scores: _Floats, iou: float) -> npt.NDArray[np.intp]:
    if len(scores) < 2:
        return np.arange(len(scores))
    rectangles = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept = cv2.dnn.NMSBoxes(rectangles.tolist(), scores.tolist(), 0.0, iou)
    return np.asarray(kept, np.intp).ravel()


def _detections(found: Candidates, *, width: int, height: int) -> tuple[Detection, ...]:
    corners = found.corners.clip(0, np.array([width, height] * 2)).astype(float)
    sizes = corners[:, 2:] - corners[:, :2]
    inside = (sizes > 0).all(axis=1)
    return tuple(
        Detection(
            label=LABELS[class_id],
            confidence=min(1.0, float(score)),
            box=Box(*map(float, corner), *map(float, size)),
        )
        for class_id, score, corner, size, keep in zip(
            found.class_ids, found.scores, corners[:, :2], sizes, inside, strict=True
        )
        if keep
    )


def _whole_cells(pixels: int) -> int:
    return -(-pixels // GRID_PX) * GRID_PX
