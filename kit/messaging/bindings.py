"""Events as MQTT 5 and Kafka messages, in the binary mode of CloudEvents.

The attributes travel beside the data, as user properties or headers, and the data stays what
it is: JPEG bytes for a frame, JSON for everything else. Kafka messages may also be written in
structured mode, all in one JSON document, an image as base64; both are read. Specifications:
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/mqtt-protocol-binding.md
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md

Decoding trusts nothing: whatever the bytes are, it returns a validated event or raises
:class:`~kit.errors.EventError`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import pydantic_core
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import kafka
from cloudevents.core.bindings.kafka import KafkaMessage
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from kit.envelope import cloudevent, from_cloudevent, to_cloudevent
from kit.errors import EventError
from kit.events import Alive, CaptureSwitch, Command, Event, Frame, ModelChange, TrainState

QOS: Mapping[str, int] = {
    Frame.kind: 0,
    "prediction": 0,
    Command.kind: 1,
    TrainState.kind: 1,
    Alive.kind: 1,
    ModelChange.kind: 1,
    CaptureSwitch.kind: 1,
}
"""MQTT quality of service by kind of event: what the next frame replaces may get lost."""

MAX_IMAGE_BYTES = 2_000_000
"""Longest image that is accepted, bytes; a 600 x 400 JPEG has about 40,000."""

MAX_JSON_BYTES = 256_000
"""Longest JSON that is accepted, bytes; 200 detections have about 40,000."""

MAX_STRUCTURED_BYTES = 4 * MAX_IMAGE_BYTES // 3 + 4096
"""Longest document in structured mode that is accepted, bytes: an image in base64."""

FRAMES_TOPIC = "kit.frames"
"""Kafka topic of the frames that get through at once: of a train, each newer than the last."""

EVENTS_TOPIC = "kit.events"
"""Kafka topic of all other events: of a train, every one, in the order in which they happened."""

LATE_FRAMES_TOPIC = "kit.frames.late"
"""Kafka topic of frames that could not be sent at once, in order."""

LIVE_TOPIC = "kit.live"
"""Kafka topic of copies: of what happens now, while ``kit.events`` is still catching up."""

_JSON = "application/json"
_STRUCTURED = "application/cloudevents+json"


class ContentMode(StrEnum):
    """How a CloudEvent is written to Kafka."""

    BINARY = "binary"
    STRUCTURED = "structured"


@dataclass(frozen=True)
class MqttMessage:
    """An event as MQTT 5 carries it.

    Attributes:
        topic: Such as ``train/train-1/frame``.
        payload: The CloudEvent's data.
        qos: 0 or 1.
        retain: Whether the broker keeps it for those who come later.
        content_type: The CloudEvent's ``datacontenttype``.
        user_properties: Its other attributes, by name.
    """

    topic: str
    payload: bytes
    qos: int
    retain: bool
    content_type: str
    user_properties: tuple[tuple[str, str], ...]


class _StrictFormat(JSONFormat):
    """The SDK's JSON, except that broken JSON is an error and an image is never text."""

    def read_data(
        self, body: bytes, datacontenttype: str | None
    ) -> dict[str, Any] | str | bytes | None:
        _check_length(body, datacontenttype)
        if datacontenttype != _JSON:
            return body
        # Unlike json.loads it bounds the depth, and knows no NaN.
        parsed: dict[str, Any] = pydantic_core.from_json(body, allow_inf_nan=False)
        return parsed

    def write_data(
        self, data: dict[str, Any] | str | bytes | None, datacontenttype: str | None
    ) -> bytes:
        body = super().write_data(data, datacontenttype)
        _check_length(body, datacontenttype)
        return body

    def write(self, event: BaseCloudEvent) -> bytes:
        data, content_type = event.get_data(), event.get_attributes()["datacontenttype"]
        _check_length(super().write_data(data, content_type), content_type)
        return super().write(event)


def _check_length(body: bytes, content_type: str | None) -> None:
    limit = MAX_JSON_BYTES if content_type == _JSON else MAX_IMAGE_BYTES
    if len(body) > limit:
        raise _too_long(limit, len(body))


def _too_long(limit: int, length: int) -> EventError:
    return EventError(
        "The data of an event is too long",
        expected=f"at most {limit} bytes",
        got=f"{length} bytes",
    )


_FORMAT = _StrictFormat()


def to_mqtt(event: Event, *, source: str) -> MqttMessage:
    """Encode an event for MQTT 5.

    Args:
        event: The event.
        source: Name of the service that made it.

    Returns:
        The message, with topic and quality of service by the kind of event.

    Raises:
        EventError: If its data is longer than a receiver would take.
    """
    wrapped = to_cloudevent(event, source=source)
    attributes = dict(wrapped.get_attributes())
    content_type = attributes.pop("datacontenttype")
    return MqttMessage(
        topic=event.topic,
        payload=_FORMAT.write_data(wrapped.get_data(), content_type),
        qos=QOS[event.kind],
        retain=isinstance(event, Alive | ModelChange),
        content_type=content_type,
        user_properties=tuple((name, _text(value)) for name, value in attributes.items()),
    )


def from_mqtt(
    payload: bytes,
    *,
    topic: str,
    content_type: str | None,
    user_properties: Iterable[tuple[str, str]],
) -> Event:
    """Decode an MQTT 5 message.

    Args:
        payload: What it carries.
        topic: Where it was published; an event belongs on the topic of its own train and
            kind, since that is what a broker's access rules can guard.
        content_type: Its ``Content Type`` property.
        user_properties: Its ``User Property`` pairs.

    Returns:
        The event, validated.

    Raises:
        EventError: If it is anything but one of the kit's events.
    """
    attributes = _unique(user_properties)
    if content_type is not None:
        attributes["datacontenttype"] = content_type
    try:
        data = _FORMAT.read_data(payload, content_type)
    except ValueError as error:
        raise _not_json(error) from error
    event = from_cloudevent(cloudevent(attributes, data))
    if event.topic != topic:
        raise EventError(
            "An event came on a topic that is not its own", expected=event.topic, got=topic
        )
    return event


def to_kafka(event: Event, *, source: str, mode: ContentMode = ContentMode.BINARY) -> KafkaMessage:
    """Encode an event for Kafka, keyed by its train so that a train's events stay in order.

    Args:
        event: The event.
        source: Name of the service that made it.
        mode: Attributes in ``ce_`` headers and data as it is, or all in one JSON document.

    Returns:
        The SDK's message: headers, key and value.

    Raises:
        EventError: If its data is longer than a receiver would take.
    """
    wrapped = to_cloudevent(event, source=source)
    encode = kafka.to_structured if mode is ContentMode.STRUCTURED else kafka.to_binary
    return encode(wrapped, _FORMAT, lambda _: event.train_id.encode())


def kafka_topic(event: Event) -> str:
    """Return the Kafka topic on which an event travels."""
    return FRAMES_TOPIC if isinstance(event, Frame) else EVENTS_TOPIC


def from_kafka(
    value: bytes | None, *, headers: Sequence[tuple[str, str | bytes | None]] | None
) -> Event:
    """Decode a Kafka message.

    Args:
        value: Its value.
        headers: Its headers, as confluent-kafka gives them.

    Returns:
        The event, validated.

    Raises:
        EventError: If it is anything but one of the kit's events.
    """
    known = _unique(
        (name.lower(), content if isinstance(content, bytes) else (content or "").encode())
        for name, content in headers or ()
    )
    try:
        if _media_type(known.get("content-type")) == _STRUCTURED:
            return from_cloudevent(_from_structured(value or b""))
        wrapped = kafka.from_binary(KafkaMessage(known, None, value or b""), _FORMAT, cloudevent)
    except ValueError as error:
        raise _not_json(error) from error
    assert isinstance(wrapped, CloudEvent)
    return from_cloudevent(wrapped)


def _media_type(content_type: bytes | None) -> str:
    """Return a content type without its parameters, such as ``charset``."""
    return (content_type or b"").decode(errors="replace").split(";")[0].strip().lower()


def _from_structured(value: bytes) -> CloudEvent:
    # Not by the SDK: its JSON knows no bound of depth, and takes NaN and base64 with rubbish in it.
    if len(value) > MAX_STRUCTURED_BYTES:
        raise _too_long(MAX_STRUCTURED_BYTES, len(value))
    attributes = pydantic_core.from_json(value, allow_inf_nan=False)
    if not isinstance(attributes, dict):
        msg = f"a JSON object, got {type(attributes).__name__}"
        raise ValueError(msg)  # noqa: TRY004  # a message that is wrong, as the others
    data = attributes.pop("data", None)
    encoded = attributes.pop("data_base64", None)
    if encoded is not None:
        if data is not None or not isinstance(encoded, str):
            msg = "either 'data' or 'data_base64', and that as text"
            raise ValueError(msg)
        data = base64.b64decode(encoded, validate=True)
    content_type = attributes.get("datacontenttype")
    _check_length(data if isinstance(data, bytes) else value, content_type)
    return cloudevent(attributes, data)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise EventError(f"The attribute '{name[:40]}' is there twice")
        found[name] = value
    return found


def _not_json(error: ValueError) -> EventError:
    return EventError(
        "This message is no CloudEvent 1.0 in binary mode",
        expected="attributes beside the data, and JSON or an image as data",
        got=str(error)[:200],
    )


def _text(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
