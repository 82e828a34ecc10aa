"""Frames, detections and harvested frames for the tests of this room and its users."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from kit.events import Box, Detection, Frame, FrameStamp, Label
from kit.vision.frames import encode_jpeg
from kit.watching.doubt import Doubt, Reason, Sighting
from kit.watching.harvest import HarvestedFrame
from kit.watching.likeness import fingerprint

BEGAN = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PERIOD_NS = 100_000_000


def sign(x=100.0, y=50.0, side=40.0, *, label=Label.STOP, confidence=0.95):
    return Detection(label=label, confidence=confidence, box=Box(x, y, side, side))


def sighting(index, *detections, model="m", threshold=0.5):
    return Sighting(index * PERIOD_NS, model, threshold, tuple(detections))


def picture(seed):
    """A picture of its own: large soft blots, so that each seed's fingerprint is another."""
    rng = np.random.default_rng(seed)
    blots = rng.integers(0, 255, (8, 9, 3)).astype(np.uint8)
    return cv2.resize(blots, (600, 400), interpolation=cv2.INTER_CUBIC)


def stamp(index, *, captured_ns=None):
    return FrameStamp.new(
        sequence=index,
        captured_ns=index * PERIOD_NS if captured_ns is None else captured_ns,
        captured_at=BEGAN + timedelta(milliseconds=100 * index),
    )


def frame(index, image=None, *, train_id="train-1"):
    image = picture(index) if image is None else image
    return Frame(train_id=train_id, frame=stamp(index), encoded_ns=0, image=encode_jpeg(image))


def harvested(index, *, score=0.5, reason=Reason.NEAR_THRESHOLD, image=None, detections=()):
    """An entry and its JPEG."""
    image = picture(index) if image is None else image
    entry = HarvestedFrame(
        frame=stamp(index),
        train_id="train-1",
        width=image.shape[1],
        height=image.shape[0],
        model="m",
        threshold=0.5,
        detections=tuple(detections),
        doubts=(Doubt(reason=reason, score=0 if reason is Reason.SAMPLE else score),),
        fingerprint=f"{fingerprint(image):016x}",
    )
    return entry, encode_jpeg(image)
