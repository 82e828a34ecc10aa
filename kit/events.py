"""The events of the kit, as frozen models; ``kit.envelope`` makes them CloudEvents.

A ``Frame`` is made by capture; a ``Prediction``, a ``Command`` and a ``TrainState`` follow
from it and carry its ``FrameStamp`` on, so that every stage can be traced back to the moment
of capture. ``Alive`` says that a service is there, ``ModelChange`` which model a train runs;
``CaptureSwitch`` asks for pictures, or for none.

Times named ``_ns`` are nanoseconds of the system-wide monotonic clock (``time.monotonic_ns``):
they compare across the processes of one machine, and no step of the wall clock moves them.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from ulid import ULID

FRAME_WIDTH = 600
"""Width of every frame in pixels."""

FRAME_HEIGHT = 400
"""Height of every frame in pixels."""

LEASE_MS = 500
"""How long the train may move on one decision, in milliseconds, unless a command says less."""

MAX_TEXT = 500
"""Most characters of a text for people."""

REPLAY_PREFIX = "replay"
"""What the ids of trains begin with that exist in recordings only; no controller takes one."""

_MAX_PIXELS = 1e6
_TrainId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
_Ulid = Annotated[str, Field(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
_Count = Annotated[int, Field(ge=0, lt=2**63)]
_Nanoseconds = _Count
_Text = Annotated[str, Field(max_length=MAX_TEXT)]


def _in_our_time(moment: datetime) -> datetime:
    """Keep out years in which arithmetic with time zones overflows."""
    if not 2000 <= moment.year <= 2200:
        msg = f"the year must be 2000 to 2200, got {moment.year}"
        raise ValueError(msg)
    return moment


_Instant = Annotated[AwareDatetime, AfterValidator(_in_our_time)]


class Label(StrEnum):
    """What the model can tell apart; the order of the members is the class id."""

    SPEED_LIMIT = "SpeedLimit"
    DANGER_AHEAD = "DangerAhead"
    STOP = "Stop"


LABELS: tuple[Label, ...] = tuple(Label)
"""Labels by class id: 0 SpeedLimit, 1 DangerAhead, 2 Stop."""


class Action(StrEnum):
    """What a command asks of the train."""

    STOP = "stop"
    SLOW = "slow"
    CRUISE = "cruise"
    EMERGENCY_STOP = "emergency_stop"
    ARM = "arm"


class Origin(StrEnum):
    """Who asks."""

    DECISION = "decision"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"


class Motion(StrEnum):
    """States of the controller."""

    DISCONNECTED = "disconnected"
    STOPPED = "stopped"
    CRUISING = "cruising"
    SLOWED = "slowed"
    STOPPING = "stopping"
    FAULT = "fault"


class ModelStatus(StrEnum):
    """What happened to a model."""

    PROMOTED = "promoted"
    RUNNING = "running"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"


class Stage(StrEnum):
    """Moments in a frame's life after its capture, in order."""

    ENCODED = "encoded"
    FRAME_RECEIVED = "frame_received"
    DECODED = "decoded"
    INFERRED = "inferred"
    PREDICTION_RECEIVED = "prediction_received"
    DECIDED = "decided"
    COMMAND_RECEIVED = "command_received"
    ACTED = "acted"


class Box(NamedTuple):
    """A rectangle in pixels: left edge, top edge, width and height."""

    x: float
    y: float
    width: float
    height: float


class _Model(BaseModel):
    """Frozen, and closed to fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Detection(_Model):
    """One sign in a picture.

    Attributes:
        label: The class.
        confidence: 0 to 1.
        box: ``(x, y, width, height)`` in pixels of the picture it was found in.
    """

    label: Label
    confidence: Annotated[float, Field(ge=0, le=1)]
    box: Box

    @field_validator("box")
    @classmethod
    def _positive_size(cls, box: Box) -> Box:
        if box.width <= 0 or box.height <= 0:
            msg = f"width and height must be above 0, got {box.width} x {box.height}"
            raise ValueError(msg)
        if not all(abs(number) <= _MAX_PIXELS for number in box):
            msg = f"numbers must lie within {_MAX_PIXELS:g} pixels of 0, got {tuple(box)}"
            raise ValueError(msg)
        return box


class FrameStamp(_Model):
    """Which frame, and when it was captured; carried on by every later event.

    Attributes:
        frame_id: A ULID: unique, and sortable by time of capture.
        sequence: Counts the frames of one capture service from 0.
        captured_ns: Monotonic time of capture, nanoseconds.
        captured_at: The same moment on the wall clock, with its zone.
    """

    frame_id: _Ulid
    sequence: _Count
    captured_ns: _Nanoseconds
    captured_at: _Instant

    @classmethod
    def new(cls, *, sequence: int, captured_ns: int, captured_at: datetime) -> FrameStamp:
        """Stamp a frame that was just captured.

        Args:
            sequence: Position in the stream of this capture service, from 0.
            captured_ns: Monotonic time of capture, nanoseconds.
            captured_at: Wall-clock time of capture, with its zone.
        """
        return cls(
            frame_id=str(ULID.from_datetime(captured_at)),
            sequence=sequence,
            captured_ns=captured_ns,
            captured_at=captured_at,
        )


def _new_id() -> str:
    return str(ULID())


def _now() -> datetime:
    return datetime.now(UTC)


class Event(_Model):
    """What all events share.

    Attributes:
        train_id: Which train; letters, digits, ``_``, ``.`` and ``-``, 40 at most.
        event_id: A ULID, unique and sortable.
        made_at: Wall-clock time at which the event was made.
    """

    kind: ClassVar[str]
    """Last level of the MQTT topic, and part of the CloudEvents type."""
    version: ClassVar[int] = 1

    train_id: _TrainId
    event_id: _Ulid = Field(default_factory=_new_id)
    made_at: _Instant = Field(default_factory=_now)

    @classmethod
    def type_name(cls) -> str:
        """Return the CloudEvents ``type``, such as ``kit.train.frame.v1``."""
        return f"kit.train.{cls.kind}.v{cls.version}"

    @classmethod
    def schema_uri(cls) -> str:
        """Return the CloudEvents ``dataschema``; the file of that name is in ``kit/schemas``."""
        return f"urn:runaway-train-kit:schema:{cls.kind}.v{cls.version}"

    @property
    def topic(self) -> str:
        """The MQTT topic on which this event travels."""
        return f"train/{self.train_id}/{self.kind}"

    @property
    def stamp(self) -> FrameStamp | None:
        """The frame that this event follows from, if any."""
        return getattr(self, "frame", None)


class Frame(Event):
    """One picture.

    On a bad link the streaming service sends a smaller JPEG of it; see :class:`PictureQuality`.

    Attributes:
        frame: Which frame it is.
        width: Of the frame as it was captured, pixels; boxes are told in these.
        height: Of the frame as it was captured, pixels.
        encoded_ns: Monotonic time at which the JPEG was ready, nanoseconds.
        image: JPEG bytes, colour, 8 bits a channel.
    """

    kind: ClassVar[str] = "frame"

    frame: FrameStamp
    width: Annotated[int, Field(ge=1, le=8192)] = FRAME_WIDTH
    height: Annotated[int, Field(ge=1, le=8192)] = FRAME_HEIGHT
    encoded_ns: _Nanoseconds
    image: bytes = Field(json_schema_extra={"contentMediaType": "image/jpeg"})

    @field_validator("image")
    @classmethod
    def _is_jpeg(cls, image: bytes) -> bytes:
        if not image.startswith(b"\xff\xd8\xff"):
            msg = f"image must be a JPEG (ff d8 ff ...), starts with {image[:3].hex(' ')!r}"
            raise ValueError(msg)
        return image


class Prediction(Event):
    """What the model saw in one frame.

    Attributes:
        frame: The frame it looked at.
        detections: Signs found, in any order; boxes in pixels of the frame.
        model: Version of the model.
        provider: Execution provider that ran it, such as ``CPUExecutionProvider``.
        marks: Monotonic nanoseconds of the stages passed so far.
    """

    kind: ClassVar[str] = "prediction"

    frame: FrameStamp
    detections: tuple[Detection, ...] = Field(default=(), max_length=200)
    model: Annotated[str, Field(max_length=80)]
    provider: Annotated[str, Field(max_length=80)]
    marks: dict[Stage, _Nanoseconds] = Field(default_factory=dict)


class Command(Event):
    """What the train is to do.

    ``stop``, ``slow`` and ``cruise`` follow from a frame and hold for ``lease_ms``.
    ``emergency_stop`` needs nothing: anyone who can speak may say it. ``arm`` releases a
    latched train and must carry the proof of :func:`arm_proof`.

    Attributes:
        action: What to do.
        reason: Why, in words for people.
        origin: Who asks.
        frame: The frame that was decided on; none for an operator's command.
        label: The sign that led to it, if one did.
        lease_ms: How long the train may move on this command, milliseconds.
        proof: For ``arm``: the answer to the challenge in the train's latest state.
        marks: Monotonic nanoseconds of the stages passed so far.
    """

    kind: ClassVar[str] = "command"

    action: Action
    reason: _Text
    origin: Origin = Origin.DECISION
    frame: FrameStamp | None = None
    label: Label | None = None
    lease_ms: Annotated[int, Field(ge=50, le=5000)] = LEASE_MS
    proof: Annotated[str, Field(max_length=64)] | None = None
    marks: dict[Stage, _Nanoseconds] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _moves_only_on_a_frame(self) -> Self:
        moves = self.action in {Action.SLOW, Action.CRUISE}
        if moves and self.frame is None:
            msg = f"'{self.action}' must name the frame it was decided on"
            raise ValueError(msg)
        if self.action is Action.ARM and not self.proof:
            msg = "'arm' must carry the proof that answers the train's challenge"
            raise ValueError(msg)
        return self


class TrainState(Event):
    """What the train does and why, as the controller knows it.

    Attributes:
        motion: State of the controller.
        reason: Why it is in that state, in words for people.
        power_percent: Motor power set, -100 to 100.
        latched: Whether the train stands until it is armed.
        challenge: A random text to be answered by an ``arm`` command; none unless latched.
        battery_percent: 0 to 100, if the hub has told.
        voltage_v: Battery voltage in volts, if the hub has told.
        rssi_dbm: Strength of the Bluetooth signal, if known.
        frame: The frame whose command was acted on last.
        marks: Monotonic nanoseconds of that frame's stages.
    """

    kind: ClassVar[str] = "state"

    motion: Motion
    reason: _Text
    power_percent: Annotated[int, Field(ge=-100, le=100)] = 0
    latched: bool
    challenge: Annotated[str, Field(max_length=64)] | None = None
    battery_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    voltage_v: Annotated[float, Field(ge=0, le=20)] | None = None
    rssi_dbm: Annotated[int, Field(ge=-127, le=127)] | None = None
    frame: FrameStamp | None = None
    marks: dict[Stage, _Nanoseconds] = Field(default_factory=dict)


class PictureQuality(_Model):
    """How a train's pictures go to Kafka now, on the link that there is.

    The link is measured by what Kafka acknowledges. Events are never thinned, and neither is
    what the train itself looks at.

    Attributes:
        step: 0 for every picture as it was taken; each higher one asks less of the link.
        steps: How many steps there are; the last one is ``steps - 1``.
        width: Width of the JPEGs that are sent, pixels. ``Frame.width`` and ``Frame.height``
            stay those of the frame, in whose pixels the boxes are told.
        height: Height of the JPEGs, pixels.
        jpeg_quality: Their quality, 1 to 100; None for as they were taken.
        fps: Pictures a second that are sent live, as measured lately.
        kbit_per_s: What Kafka acknowledged of them lately, kilobits a second.
        delay_ms: Median time lately from a picture's hand-over until Kafka's answer,
            milliseconds; None if there was none.
        reason: Why this step, in words for people.
    """

    step: Annotated[int, Field(ge=0, le=20)]
    steps: Annotated[int, Field(ge=1, le=21)]
    width: Annotated[int, Field(ge=1, le=8192)]
    height: Annotated[int, Field(ge=1, le=8192)]
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] | None = None
    fps: Annotated[float, Field(ge=0, le=1000)]
    kbit_per_s: Annotated[float, Field(ge=0, le=1e9)]
    delay_ms: Annotated[float, Field(ge=0, le=1e9)] | None = None
    reason: _Text


class Alive(Event):
    """Says that a service is there; retained, and the broker says ``offline`` when it dies.

    Attributes:
        service: Name of the service, such as ``capture``.
        status: ``online`` or ``offline``.
        pid: Its process, if it runs on this machine.
        counters: What it counted so far: events in and out, dropped, rejected.
        detail: A sentence for people, such as why it cannot work.
        metrics_port: Port of that machine's own address 127.0.0.1 on which a monitor reads how
            the service does, if one may.
        pictures: From the streaming service: how pictures go to Kafka now.
        paused: From the capture service: whether it was asked to publish no pictures.
    """

    kind: ClassVar[str] = "alive"

    service: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    status: Literal["online", "offline"] = "online"
    pid: Annotated[int, Field(ge=1)] | None = None
    counters: dict[Annotated[str, Field(max_length=40)], _Count] = Field(
        default_factory=dict, max_length=50
    )
    detail: _Text = ""
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    pictures: PictureQuality | None = None
    paused: bool = False

    @property
    def topic(self) -> str:
        """The MQTT topic: one level deeper, since each service keeps a message of its own."""
        return f"train/{self.train_id}/{self.kind}/{self.service}"


class ModelChange(Event):
    """Tells which model a train shall run, and what the train made of it; retained.

    ``promoted`` comes from the registry and only says that there is something to fetch: the
    train asks its own registry and believes signatures, not messages. The train answers
    ``running``, ``refused`` or ``rolled_back``.

    Attributes:
        status: What happened.
        model: Version of the model that it happened to.
        sha256: Of that model's file, 64 hexadecimal digits.
        previous: The version that was in use before; after a roll-back, the one in use again.
        registry: Where the model is, with no secret in it.
        reason: Why, in words for people.
    """

    kind: ClassVar[str] = "model"

    status: ModelStatus
    model: Annotated[str, Field(min_length=1, max_length=80)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    previous: Annotated[str, Field(max_length=80)] | None = None
    registry: _Text = ""
    reason: _Text = ""


class CaptureSwitch(Event):
    """Asks capture to publish no pictures, or to publish them again.

    A train without pictures brakes and latches when its lease ends; that they come again does
    not release it. So anyone who can speak may say it, as with an emergency stop.

    Attributes:
        on: Whether pictures are wanted.
        reason: Why, in words for people.
    """

    kind: ClassVar[str] = "capture"

    on: bool
    reason: _Text


EVENT_TYPES: dict[str, type[Event]] = {
    model.type_name(): model
    for model in (Frame, Prediction, Command, TrainState, Alive, ModelChange, CaptureSwitch)
}
"""Event classes by their CloudEvents type."""


def arm_proof(key: str, *, train_id: str, challenge: str) -> str:
    """Answer a train's challenge, to prove the right to release it.

    Args:
        key: The secret that the controller and its operators share.
        train_id: Which train.
        challenge: ``TrainState.challenge`` of its latest state; it changes at every latch, so
            that an old answer is worth nothing.

    Returns:
        HMAC-SHA256 as 64 hexadecimal digits.
    """
    return hmac.new(key.encode(), f"{train_id}\n{challenge}".encode(), hashlib.sha256).hexdigest()
