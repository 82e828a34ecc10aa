"""The events about the services themselves: that they are there, and what they shall use."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kit.events.base import Count, Event, FrozenModel, Text
from kit.events.vocabulary import ModelStatus


class PictureQuality(FrozenModel):
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
    reason: Text


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
    counters: dict[Annotated[str, Field(max_length=40)], Count] = Field(
        default_factory=dict, max_length=50
    )
    detail: Text = ""
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
    registry: Text = ""
    reason: Text = ""


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
    reason: Text
