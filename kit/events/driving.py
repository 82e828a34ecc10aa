"""The events that drive the train: each follows from one picture, and carries its stamp on."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from kit.events.base import Detection, Event, FrameStamp, Nanoseconds, Text
from kit.events.vocabulary import Action, Label, Motion, Origin, Stage

FRAME_WIDTH = 600
"""Width of every frame in pixels."""

FRAME_HEIGHT = 400
"""Height of every frame in pixels."""

LEASE_MS = 500
"""How long the train may move on one decision, in milliseconds, unless a command says less."""


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
    encoded_ns: Nanoseconds
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
    marks: dict[Stage, Nanoseconds] = Field(default_factory=dict)


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
    reason: Text
    origin: Origin = Origin.DECISION
    frame: FrameStamp | None = None
    label: Label | None = None
    lease_ms: Annotated[int, Field(ge=50, le=5000)] = LEASE_MS
    proof: Annotated[str, Field(max_length=64)] | None = None
    marks: dict[Stage, Nanoseconds] = Field(default_factory=dict)

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
    reason: Text
    power_percent: Annotated[int, Field(ge=-100, le=100)] = 0
    latched: bool
    challenge: Annotated[str, Field(max_length=64)] | None = None
    battery_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    voltage_v: Annotated[float, Field(ge=0, le=20)] | None = None
    rssi_dbm: Annotated[int, Field(ge=-127, le=127)] | None = None
    frame: FrameStamp | None = None
    marks: dict[Stage, Nanoseconds] = Field(default_factory=dict)


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
