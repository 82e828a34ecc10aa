"""Events as a train would send them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from kit.events import (
    Action,
    Command,
    Detection,
    Frame,
    FrameStamp,
    Motion,
    Prediction,
    TrainState,
)


def stamp(sequence: int, *, captured_ns: int | None = None) -> FrameStamp:
    now_ns = time.monotonic_ns()
    captured_ns = now_ns if captured_ns is None else captured_ns
    at = datetime.now(UTC) - timedelta(microseconds=(now_ns - captured_ns) / 1e3)
    return FrameStamp.new(sequence=sequence, captured_ns=captured_ns, captured_at=at)


def jpeg(colour_bgr: tuple[int, int, int] = (40, 40, 40)) -> bytes:
    image = np.full((400, 600, 3), colour_bgr, np.uint8)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def frame(train_id: str, of: FrameStamp, *, image: bytes | None = None) -> Frame:
    return Frame(train_id=train_id, frame=of, encoded_ns=of.captured_ns + 1, image=image or jpeg())


def prediction(train_id: str, of: FrameStamp, *detections: Detection) -> Prediction:
    return Prediction(train_id=train_id, frame=of, detections=detections, model="m", provider="CPU")


def command(train_id: str, action: Action, *, reason: str = "because") -> Command:
    return Command(train_id=train_id, action=action, reason=reason, frame=stamp(0))


def state(train_id: str, motion: Motion, *, latched: bool = False, **more: object) -> TrainState:
    return TrainState(
        train_id=train_id, motion=motion, latched=latched, **{"reason": "because", **more}
    )
