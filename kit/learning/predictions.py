"""Predictions made by hand, to see what the decision makes of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from kit.events import FRAME_HEIGHT, FRAME_WIDTH, Box, Detection, FrameStamp, Label, Prediction

_START = datetime(2026, 1, 1, tzinfo=UTC)
_FAR_M, _NEAR_M = 1.6, 0.3
_FOCAL_PX = 500
_SIGN_M = 0.045


def approach(
    label: Label,
    *,
    frames: int,
    fps: float,
    confidence: float = 0.9,
    flicker: Collection[int] = (),
    beside: Label | None = None,
    train_id: str = "train-1",
) -> list[Prediction]:
    """Make the predictions of a train that drives towards a sign.

    Args:
        label: The sign.
        frames: How many predictions.
        fps: Frames a second; sets the distance of the frames in time.
        confidence: Of every detection of the sign, 0 to 1.
        flicker: Indices of frames in which the model overlooks the sign.
        beside: A second sign that stands beside the first, seen with a confidence of 0.99.
        train_id: Which train.

    Returns:
        Predictions in order; the sign grows from about 14 to 75 pixels.
    """
    made = []
    for index in range(frames):
        distance_m = _FAR_M + (_NEAR_M - _FAR_M) * index / max(1, frames - 1)
        size = _FOCAL_PX * _SIGN_M / distance_m
        signs = [] if index in flicker else [(label, confidence, 0.7)]
        if beside is not None:
            signs.append((beside, 0.99, 0.3))
        elapsed_s = index / fps
        made.append(
            Prediction(
                train_id=train_id,
                frame=FrameStamp.new(
                    sequence=index,
                    captured_ns=int((1 + elapsed_s) * 1e9),
                    captured_at=_START + timedelta(seconds=elapsed_s),
                ),
                detections=tuple(_detection(*sign, size) for sign in signs),
                model="by hand",
                provider="none",
            )
        )
    return made


def _detection(label: Label, confidence: float, across: float, size: float) -> Detection:
    left, top = FRAME_WIDTH * across - size / 2, FRAME_HEIGHT * 0.4 - size / 2
    return Detection(label=label, confidence=confidence, box=Box(left, top, size, size))
