"""Hypothesis strategies for the kit's events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st
from ulid import ULID

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
    PictureQuality,
    Prediction,
    Stage,
    TrainState,
)

nanoseconds = st.integers(0, 2**63 - 1)
ulids = st.binary(min_size=16, max_size=16).map(lambda raw: str(ULID(raw)))
train_ids = st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(datetime(2000, 1, 2), datetime(2200, 12, 30), timezones=zones)  # noqa: DTZ001
stamps = st.builds(
    FrameStamp, frame_id=ulids, sequence=nanoseconds, captured_ns=nanoseconds, captured_at=instants
)
marks = st.dictionaries(st.sampled_from(Stage), nanoseconds)
pixels = st.floats(-1000, 1000)
sizes = st.floats(0.01, 1000)
detections = st.builds(
    Detection,
    label=st.sampled_from(Label),
    confidence=st.floats(0, 1),
    box=st.builds(Box, pixels, pixels, sizes, sizes),
)
common = {"train_id": train_ids, "event_id": ulids, "made_at": instants}

frames = st.builds(
    Frame,
    **common,
    frame=stamps,
    width=st.integers(1, 8192),
    height=st.integers(1, 8192),
    encoded_ns=nanoseconds,
    image=st.binary(max_size=200).map(lambda tail: b"\xff\xd8\xff" + tail),
)
predictions = st.builds(
    Prediction,
    **common,
    frame=stamps,
    detections=st.lists(detections, max_size=5).map(tuple),
    model=texts,
    provider=texts,
    marks=marks,
)
_following = {
    **common,
    "reason": texts,
    "origin": st.sampled_from(Origin),
    "label": st.none() | st.sampled_from(Label),
    "lease_ms": st.integers(50, 5000),
    "marks": marks,
}
commands = st.one_of(
    st.builds(
        Command, **_following, action=st.sampled_from(Action), frame=stamps, proof=st.just("p")
    ),
    st.builds(Command, **_following, action=st.sampled_from([Action.STOP, Action.EMERGENCY_STOP])),
)
states = st.builds(
    TrainState,
    **common,
    motion=st.sampled_from(Motion),
    reason=texts,
    power_percent=st.integers(-100, 100),
    latched=st.booleans(),
    challenge=st.none() | texts,
    battery_percent=st.none() | st.integers(0, 100),
    voltage_v=st.none() | st.floats(0, 20),
    rssi_dbm=st.none() | st.integers(-127, 127),
    frame=st.none() | stamps,
    marks=marks,
)
picture_qualities = st.builds(
    PictureQuality,
    step=st.integers(0, 20),
    steps=st.integers(1, 21),
    width=st.integers(1, 8192),
    height=st.integers(1, 8192),
    jpeg_quality=st.none() | st.integers(1, 100),
    fps=st.floats(0, 1000),
    kbit_per_s=st.floats(0, 1e9),
    delay_ms=st.none() | st.floats(0, 1e9),
    reason=texts,
)
alives = st.builds(
    Alive,
    **common,
    service=st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True),
    status=st.sampled_from(["online", "offline"]),
    pid=st.none() | st.integers(1, 2**22),
    counters=st.dictionaries(texts.filter(lambda t: len(t) <= 40), nanoseconds, max_size=5),
    detail=texts,
    metrics_port=st.none() | st.integers(1, 65_535),
    pictures=st.none() | picture_qualities,
    paused=st.booleans(),
)
versions = texts.filter(lambda t: 0 < len(t) <= 80)
model_changes = st.builds(
    ModelChange,
    **common,
    status=st.sampled_from(ModelStatus),
    model=versions,
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    previous=st.none() | versions,
    registry=texts,
    reason=texts,
)
switches = st.builds(CaptureSwitch, **common, on=st.booleans(), reason=texts)
events: st.SearchStrategy[Event] = st.one_of(
    frames, predictions, commands, states, alives, model_changes, switches
)


def a_stamp(sequence: int = 0) -> FrameStamp:
    """Return a stamp with plain values."""
    return FrameStamp.new(
        sequence=sequence, captured_ns=sequence + 1, captured_at=datetime(2026, 11, 23, tzinfo=UTC)
    )


def a_frame(train_id: str, *, sequence: int = 0, size: int = 1000) -> Frame:
    """Return a frame whose image has ``size`` bytes that are no text."""
    image = b"\xff\xd8\xff" + bytes(n % 256 for n in range(size - 3))
    return Frame(train_id=train_id, frame=a_stamp(sequence), encoded_ns=7, image=image)


def a_command(train_id: str, action: Action = Action.STOP, reason: str = "a sign") -> Command:
    """Return a command that follows from a frame."""
    return Command(train_id=train_id, action=action, reason=reason, frame=a_stamp())


def one_of_each(train_id: str) -> list[Event]:
    """Return an event of each type."""
    seen = Detection(label=Label.DANGER_AHEAD, confidence=0.9, box=Box(1, 2, 30.5, 40))
    return [
        a_frame(train_id),
        Prediction(
            train_id=train_id, frame=a_stamp(), detections=(seen,), model="1", provider="CPU"
        ),
        a_command(train_id, reason="Arrêt: danger à 40 cm"),
        TrainState(train_id=train_id, motion=Motion.STOPPED, reason="new", latched=True),
        Alive(train_id=train_id, service="other", counters={"frames": 3}),
        ModelChange(train_id=train_id, status=ModelStatus.PROMOTED, model="1.2.0", sha256="0" * 64),
        CaptureSwitch(train_id=train_id, on=False, reason="the booth closes"),
    ]
