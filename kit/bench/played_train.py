"""A train that is played to Kafka at the rate of a real one, for who measures its viewers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from kit.events import (
    Action,
    Alive,
    Box,
    Command,
    Detection,
    Frame,
    FrameStamp,
    Label,
    Motion,
    Prediction,
    Stage,
    TrainState,
)
from kit.messaging.kafka import KafkaSink
from kit.vision.frames import encode_jpeg

TRAIN_ID = "bench"
"""Which train is played."""

_SERVICES = ("capture", "inference", "decision", "control", "streaming")


@dataclass
class Played:
    """When each frame of the played train was captured, by its number.

    Attributes:
        captured_ns: Monotonic time, nanoseconds.
        captured_s: Wall clock, seconds since 1970.
    """

    captured_ns: dict[int, int] = field(default_factory=dict)
    captured_s: dict[int, float] = field(default_factory=dict)


@contextmanager
def playing(sink: KafkaSink, played: Played, fps: float) -> Iterator[None]:
    """Play a train to Kafka, in a thread of its own.

    Args:
        sink: The way to Kafka.
        played: Gets when each frame was captured.
        fps: Frames a second.
    """
    ended = threading.Event()

    def play() -> None:
        image = _picture()
        begin_s = time.monotonic()
        number = 0
        while not ended.wait(max(0.0, begin_s + number / fps - time.monotonic())):
            _play_frame(sink, played, number, image)
            if number % max(1, round(fps)) == 0:
                for name in _SERVICES:
                    sink.send(Alive(train_id=TRAIN_ID, service=name))
            number += 1

    thread = threading.Thread(target=play, name="train", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _play_frame(sink: KafkaSink, played: Played, number: int, image: bytes) -> None:
    now_ns, now_s = time.monotonic_ns(), time.time()
    played.captured_ns[number], played.captured_s[number] = now_ns, now_s
    stamp = FrameStamp.new(
        sequence=number, captured_ns=now_ns, captured_at=datetime.fromtimestamp(now_s, UTC)
    )
    marks = dict.fromkeys(Stage, now_ns)
    sign = Detection(label=Label.SPEED_LIMIT, confidence=0.9, box=Box(60, 120, 90, 100))
    sink.send(Frame(train_id=TRAIN_ID, frame=stamp, encoded_ns=now_ns, image=image))
    sink.send(
        Prediction(
            train_id=TRAIN_ID, frame=stamp, detections=(sign,), model="bench", provider="none"
        )
    )
    sink.send(
        Command(train_id=TRAIN_ID, action=Action.SLOW, reason="a speed limit ahead", frame=stamp)
    )
    sink.send(
        TrainState(
            train_id=TRAIN_ID,
            motion=Motion.SLOWED,
            reason="a speed limit ahead",
            latched=False,
            frame=stamp,
            marks=marks,
        )
    )


def _picture() -> bytes:
    """Return a JPEG as large as a real frame's, some 40 kB."""
    noise = np.random.default_rng(1).normal(110, 12, (400, 600, 3))
    return encode_jpeg(np.clip(noise, 0, 255).astype(np.uint8), quality=75)
