"""What all events share, and the values in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar, NamedTuple

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
)
from ulid import ULID

from kit.events.vocabulary import Label

MAX_TEXT = 500
"""Most characters of a text for people."""

REPLAY_PREFIX = "replay"
"""What the ids of trains begin with that exist in recordings only; no controller takes one."""

_MAX_PIXELS = 1e6

TrainId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
"""Letters, digits, ``_``, ``.`` and ``-``, 1 to 40."""

Ulid = Annotated[str, Field(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
"""26 characters; unique, and sortable by time."""

Count = Annotated[int, Field(ge=0, lt=2**63)]
"""0 or more, in 63 bits."""

Nanoseconds = Count
"""Of the monotonic clock."""

Text = Annotated[str, Field(max_length=MAX_TEXT)]
"""For people."""


def _in_our_time(moment: datetime) -> datetime:
    """Keep out years in which arithmetic with time zones overflows."""
    if not 2000 <= moment.year <= 2200:
        msg = f"the year must be 2000 to 2200, got {moment.year}"
        raise ValueError(msg)
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(_in_our_time)]
"""A moment of the wall clock, with its zone."""


class Box(NamedTuple):
    """A rectangle in pixels: left edge, top edge, width and height."""

    x: float
    y: float
    width: float
    height: float


class FrozenModel(BaseModel):
    """Frozen, and closed to fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Detection(FrozenModel):
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


class FrameStamp(FrozenModel):
    """Which frame, and when it was captured; carried on by every later event.

    Attributes:
        frame_id: A ULID: unique, and sortable by time of capture.
        sequence: Counts the frames of one capture service from 0.
        captured_ns: Monotonic time of capture, nanoseconds.
        captured_at: The same moment on the wall clock, with its zone.
    """

    frame_id: Ulid
    sequence: Count
    captured_ns: Nanoseconds
    captured_at: Instant

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


class Event(FrozenModel):
    """What all events share.

    Attributes:
        train_id: Which train; letters, digits, ``_``, ``.`` and ``-``, 40 at most.
        event_id: A ULID, unique and sortable.
        made_at: Wall-clock time at which the event was made.
    """

    kind: ClassVar[str]
    """Last level of the MQTT topic, and part of the CloudEvents type."""
    version: ClassVar[int] = 1

    train_id: TrainId
    event_id: Ulid = Field(default_factory=_new_id)
    made_at: Instant = Field(default_factory=_now)

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
