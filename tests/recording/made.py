"""A recording with round numbers, and the rules by which Foxglove reads schemas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from kit.events import (
    Action,
    Alive,
    Box,
    CaptureSwitch,
    Command,
    Detection,
    Event,
    Frame,
    FrameStamp,
    Label,
    ModelChange,
    ModelStatus,
    Motion,
    Origin,
    Prediction,
    Stage,
    TrainState,
)
from kit.recording.writer import RecordingWriter

SECOND_NS = 1_000_000_000
BEGAN_NS = 100 * SECOND_NS
BEGAN_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEP_NS = 2_000_000
FRAME_NS = SECOND_NS // 10


def jpeg(grey: int = 90) -> bytes:
    """A small picture of 600 x 400."""
    return cv2.imencode(".jpg", np.full((400, 600, 3), grey, np.uint8))[1].tobytes()


def frame_events(sequence: int) -> list[tuple[Event, int]]:
    """One frame's way through all services, with the times of reception."""
    captured_ns = BEGAN_NS + sequence * FRAME_NS
    stamp = FrameStamp.new(
        sequence=sequence,
        captured_ns=captured_ns,
        captured_at=BEGAN_AT + timedelta(seconds=sequence / 10),
    )
    marks = {stage: captured_ns + (i + 1) * STEP_NS for i, stage in enumerate(Stage)}
    sign = Detection(label=Label.STOP, confidence=0.9, box=Box(200.5, 100, 60, 80))
    events: list[Event] = [
        Frame(
            train_id="train-1",
            frame=stamp,
            encoded_ns=marks[Stage.ENCODED],
            image=jpeg(sequence % 200),
        ),
        Prediction(
            train_id="train-1",
            frame=stamp,
            detections=(sign,),
            model="m",
            provider="CPU",
            marks={stage: marks[stage] for stage in list(Stage)[:4]},
        ),
        Command(train_id="train-1", action=Action.CRUISE, reason="free", frame=stamp),
        TrainState(
            train_id="train-1",
            motion=Motion.CRUISING,
            reason="as decided",
            latched=False,
            battery_percent=80,
            frame=stamp,
            marks=marks,
        ),
    ]
    return [(event, captured_ns + (i + 1) * STEP_NS) for i, event in enumerate(events)]


def arming() -> list[tuple[Event, int]]:
    """A latched train's challenge, the answer to it, and a promotion."""
    return [
        (Alive(train_id="train-1", service="capture", pid=7, metrics_port=9101), BEGAN_NS),
        (
            TrainState(
                train_id="train-1",
                motion=Motion.STOPPED,
                reason="new",
                latched=True,
                challenge="what?",
            ),
            BEGAN_NS,
        ),
        (
            Command(
                train_id="train-1",
                action=Action.ARM,
                reason="go",
                origin=Origin.OPERATOR,
                proof="5ec4e7",
            ),
            BEGAN_NS,
        ),
        (
            ModelChange(
                train_id="train-1", status=ModelStatus.PROMOTED, model="2", sha256="0" * 64
            ),
            BEGAN_NS,
        ),
        (CaptureSwitch(train_id="train-1", on=True, reason="go on"), BEGAN_NS),
    ]


def all_events(frames: int) -> list[tuple[Event, int]]:
    """Arming, then some frames on their way."""
    return arming() + [item for n in range(frames) for item in frame_events(n)]


def write(path: Path, events: list[tuple[Event, int]]) -> Path:
    """Write a recording of some events, between two notes."""
    writer = RecordingWriter(path)
    writer.add_note("planned", {"fps": 10.0}, BEGAN_NS - SECOND_NS)
    for number, (event, received_ns) in enumerate(events):
        writer.add_event(event, received_ns)
        if number % 10 == 9:
            writer.flush()
    writer.add_note("ended", {"error": None}, BEGAN_NS + 60 * SECOND_NS)
    writer.close()
    return path


def foxglove_reads(schema: dict[str, Any], value: Any) -> None:
    """Read a message by the rules of Foxglove's reader of JSON Schemas; fail where it would.

    Every field needs one type that it knows; lists need a type of items, objects their fields.
    """
    assert schema["type"] == "object", schema
    for name, field in schema["properties"].items():
        inner = value.get(name) if isinstance(value, dict) else None
        if "oneOf" in field:
            assert all(isinstance(choice["const"], int) for choice in field["oneOf"])
            continue
        kind = field["type"]
        assert kind in {"boolean", "string", "number", "integer", "object", "array"}, name
        if kind == "object":
            foxglove_reads(field, inner or {})
        elif kind == "array":
            items = field["items"]
            assert items["type"] in {"boolean", "string", "number", "integer", "object"}, name
            if items["type"] == "object":
                for item in inner or [{}]:
                    foxglove_reads(items, item)
        expected = {"string": str, "boolean": bool, "array": list, "object": dict}.get(kind)
        if inner is not None and expected:
            assert isinstance(inner, expected), name
    assert set(value) - {"metadata"} <= set(schema["properties"]) or not schema["properties"]
