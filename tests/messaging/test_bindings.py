"""Events as MQTT and Kafka messages, and what happens to messages that are none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.bindings.kafka import KafkaMessage
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import EventError
from kit.events import Action, Alive, Event, Frame, ModelChange
from kit.messaging.bindings import (
    MAX_IMAGE_BYTES,
    MAX_JSON_BYTES,
    QOS,
    ContentMode,
    MqttMessage,
    from_kafka,
    from_mqtt,
    kafka_topic,
    to_kafka,
    to_mqtt,
)
from tests.event_strategies import a_command, a_frame, events, one_of_each


def read(message: MqttMessage) -> Event:
    return from_mqtt(
        message.payload,
        topic=message.topic,
        content_type=message.content_type,
        user_properties=message.user_properties,
    )


def with_json(event: Event, text: str | bytes) -> MqttMessage:
    payload = text if isinstance(text, bytes) else text.encode()
    return replace(to_mqtt(event, source="test"), payload=payload)


def fields_of(event: Event) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(to_mqtt(event, source="test").payload)
    return fields


@given(events)
def test_an_event_survives_mqtt(event: Event) -> None:
    assert read(to_mqtt(event, source="test")) == event


@given(events)
def test_an_event_survives_kafka(event: Event) -> None:
    message = to_kafka(event, source="test")
    assert from_kafka(message.value, headers=list(message.headers.items())) == event


def structured(event: Event) -> KafkaMessage:
    return to_kafka(event, source="test", mode=ContentMode.STRUCTURED)


def from_structured(value: bytes) -> Event:
    return from_kafka(value, headers=[("content-type", b"application/cloudevents+json")])


@given(events)
def test_an_event_survives_kafka_in_structured_mode(event: Event) -> None:
    message = structured(event)
    assert from_kafka(message.value, headers=list(message.headers.items())) == event


@pytest.mark.parametrize("event", one_of_each("t"), ids=lambda event: event.kind)
def test_a_structured_event_is_one_json_document_to_the_official_reader(event: Event) -> None:
    message = structured(event)
    assert message.headers == {"content-type": b"application/cloudevents+json"}
    assert message.key == b"t"
    read = kafka.from_structured(message, JSONFormat(), CloudEvent)
    assert (read.get_id(), read.get_type()) == (event.event_id, event.type_name())
    image = event.image if isinstance(event, Frame) else None
    assert image is None or read.get_data() == image


def test_the_content_type_may_have_parameters() -> None:
    event = a_command("t")
    headers = [("Content-Type", b"application/cloudevents+json; charset=UTF-8")]
    assert from_kafka(structured(event).value, headers=headers) == event


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{}",
        b"no json",
        b"[" * 100_000,
        structured(a_command("t")).value.replace(b'"data"', b'"data_base64"'),
        structured(a_frame("t")).value.replace(b'"data_base64": "/9j', b'"data_base64": "!/9j'),
        structured(a_frame("t")).value.replace(b'"data_base64"', b'"data"'),
        structured(a_frame("t")).value.replace(b'"sequence": "0"', b'"sequence": NaN'),
        structured(a_command("t")).value.replace(b'"specversion": "1.0"', b'"specversion": 1'),
        structured(a_command("t")).value.replace(b'"time": "', b'"time": "x'),
    ],
)
def test_a_structured_message_that_is_no_event_is_refused(value: bytes) -> None:
    with pytest.raises(EventError):
        from_structured(value)


def test_a_structured_image_beyond_the_limit_is_neither_written_nor_read() -> None:
    with pytest.raises(EventError, match="too long"):
        structured(a_frame("t", size=MAX_IMAGE_BYTES + 1))
    with pytest.raises(EventError, match="too long"):
        from_structured(b" " * (4 * MAX_IMAGE_BYTES))


@given(event=events, cut=st.integers(0, 400))
def test_a_truncated_structured_message_is_refused(event: Event, cut: int) -> None:
    value = structured(event).value
    with pytest.raises(EventError):
        from_structured(value[: len(value) - 1 - cut])


@pytest.mark.parametrize("event", one_of_each("t"), ids=lambda event: event.kind)
def test_a_message_has_the_topic_and_quality_of_its_kind(event: Event) -> None:
    message = to_mqtt(event, source="test")
    assert message.topic == event.topic
    assert message.qos == QOS[event.kind]
    assert message.retain is isinstance(event, Alive | ModelChange)


def test_commands_and_states_are_acknowledged_and_frames_are_not() -> None:
    assert (QOS["command"], QOS["state"], QOS["alive"]) == (1, 1, 1)
    assert QOS["frame"] == 0


def test_an_image_travels_as_it_is() -> None:
    frame = a_frame("t", size=40_000)
    assert to_mqtt(frame, source="test").payload == frame.image
    assert to_kafka(frame, source="test").value == frame.image


def test_mqtt_carries_attributes_by_their_own_names() -> None:
    message = to_mqtt(a_frame("t"), source="capture")
    properties = dict(message.user_properties)
    assert message.content_type == "image/jpeg"
    assert properties["specversion"] == "1.0"
    assert properties["source"] == "/train/t/capture"
    assert "datacontenttype" not in properties


def test_kafka_carries_attributes_behind_a_prefix_and_the_train_as_key() -> None:
    message = to_kafka(a_command("t"), source="decision")
    assert message.key == b"t"
    assert message.headers["ce_type"] == b"kit.train.command.v1"
    assert message.headers["content-type"] == b"application/json"


def test_frames_have_a_kafka_topic_of_their_own() -> None:
    topics = {event.kind: kafka_topic(event) for event in one_of_each("t")}
    assert topics.pop("frame") == "kit.frames"
    assert set(topics.values()) == {"kit.events"}


def test_an_event_on_the_topic_of_another_train_is_refused() -> None:
    message = replace(to_mqtt(a_command("mine"), source="test"), topic="train/yours/command")
    with pytest.raises(EventError, match="not its own"):
        read(message)


def test_a_command_on_the_topic_of_the_frames_is_refused() -> None:
    message = replace(to_mqtt(a_command("t"), source="test"), topic="train/t/frame")
    with pytest.raises(EventError, match="not its own"):
        read(message)


def test_an_attribute_that_comes_twice_is_refused() -> None:
    message = to_mqtt(a_command("t"), source="test")
    twice = replace(message, user_properties=(*message.user_properties, ("type", "other")))
    with pytest.raises(EventError, match="twice"):
        read(twice)


def test_a_kafka_header_that_comes_twice_in_another_case_is_refused() -> None:
    message = to_kafka(a_command("t"), source="test")
    with pytest.raises(EventError, match="twice"):
        from_kafka(message.value, headers=[*message.headers.items(), ("CE_ID", b"x")])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        "NaN",
        "1" * 5000,
        "[" * 100_000,
        '{"a":' * 50_000,
        b"\xff\xfe",
        b"\xed\xa0\x80",
        r'"\ud800"',
    ],
)
def test_data_that_is_no_json_object_is_refused(text: str | bytes) -> None:
    with pytest.raises(EventError):
        read(with_json(a_command("t"), text))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("action", "jump"),
        ("action", None),
        ("lease_ms", 10**30),
        ("lease_ms", -1),
        ("lease_ms", "soon"),
        ("reason", "x" * 501),
        ("reason", 5),
        ("marks", {"arrived": 1}),
        ("marks", {"acted": -1}),
        ("marks", [1, 2]),
        ("frame", {}),
        ("frame", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ("label", "Cow"),
        ("train_id", "a/b"),
        ("train_id", None),
        ("__class__", "x"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_its_name(name: str, value: object) -> None:
    event = a_command("t", Action.CRUISE)
    with pytest.raises(EventError, match=name):
        read(with_json(event, json.dumps(fields_of(event) | {name: value})))


def test_a_lone_surrogate_never_gets_in() -> None:
    text = json.dumps(fields_of(a_command("t"))).replace("a sign", r"\ud800")
    with pytest.raises(EventError):
        read(with_json(a_command("t"), text))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    state = one_of_each("t")[3]
    text = json.dumps(fields_of(state) | {"voltage_v": "?"}).replace('"?"', number)
    with pytest.raises(EventError):
        read(with_json(state, text))


def test_json_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(EventError, match="too long"):
        read(with_json(a_command("t"), " " * (MAX_JSON_BYTES + 1)))


def test_an_image_beyond_the_limit_is_not_even_encoded() -> None:
    with pytest.raises(EventError, match="too long"):
        to_mqtt(a_frame("t", size=MAX_IMAGE_BYTES + 1), source="test")


def test_an_image_of_text_is_refused() -> None:
    message = replace(to_mqtt(a_frame("t"), source="test"), payload=b"hello")
    with pytest.raises(EventError, match="JPEG"):
        read(message)


def test_a_frame_that_claims_to_be_json_is_refused() -> None:
    message = replace(to_mqtt(a_frame("t"), source="test"), content_type="application/json")
    with pytest.raises(EventError):
        read(message)


def test_a_message_without_content_type_is_refused() -> None:
    message = to_mqtt(a_command("t"), source="test")
    with pytest.raises(EventError):
        from_mqtt(
            message.payload,
            topic=message.topic,
            content_type=None,
            user_properties=message.user_properties,
        )


def test_a_kafka_message_without_anything_is_refused() -> None:
    with pytest.raises(EventError):
        from_kafka(None, headers=None)


names = st.sampled_from(
    ["id", "source", "type", "specversion", "time", "subject", "dataschema", "trainid", "sequence"]
)
hostile_text = (
    st.text(max_size=30)
    | st.just("x" * 5000)
    | st.sampled_from(
        ["1.0", "0.3", "kit.train.frame.v1", "kit.train.command.v1", "2026-11-23T10:00:00Z", "\0"]
    )
)
hostile_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=10) | names, inner, max_size=3)
    ),
    max_leaves=10,
)
content_types = st.sampled_from([None, "application/json", "image/jpeg", "text/plain", ""])


def refused_or_event(call: Any, *args: Any, **kwargs: Any) -> None:
    """Let anything but an EventError or an event fail the test."""
    try:
        found = call(*args, **kwargs)
    except EventError as error:
        found = error
    assert isinstance(found, Event) or len(str(found)) < 3000


@given(
    payload=st.binary(max_size=200) | hostile_json.map(lambda data: json.dumps(data).encode()),
    content_type=content_types,
    properties=st.lists(st.tuples(names | st.text(max_size=10), hostile_text), max_size=12),
)
def test_hostile_mqtt_messages_are_refused(
    payload: bytes, content_type: str | None, properties: list[tuple[str, str]]
) -> None:
    refused_or_event(
        from_mqtt,
        payload,
        topic="train/t/frame",
        content_type=content_type,
        user_properties=properties,
    )


@given(
    value=st.none() | st.binary(max_size=200),
    headers=st.none()
    | st.lists(
        st.tuples(
            names.map(lambda name: f"ce_{name}") | st.just("content-type") | st.text(max_size=10),
            st.none()
            | st.binary(max_size=30)
            | hostile_text.map(lambda t: t.encode("utf-8", "replace")),
        ),
        max_size=12,
    ),
)
def test_hostile_kafka_messages_are_refused(
    value: bytes | None, headers: list[tuple[str, bytes | None]] | None
) -> None:
    refused_or_event(from_kafka, value, headers=headers)


@given(event=events, name=st.data(), value=hostile_text)
def test_a_message_with_one_changed_attribute_is_refused_or_still_valid(
    event: Event, name: st.DataObject, value: str
) -> None:
    message = to_mqtt(event, source="test")
    chosen = name.draw(st.sampled_from([key for key, _ in message.user_properties]))
    changed = tuple((k, value if k == chosen else v) for k, v in message.user_properties)
    refused_or_event(read, replace(message, user_properties=changed))


@given(event=events, data=st.data(), value=hostile_json)
def test_a_message_with_one_changed_field_is_refused_or_still_valid(
    event: Event, data: st.DataObject, value: object
) -> None:
    if isinstance(event, Frame):
        refused_or_event(read, replace(to_mqtt(event, source="test"), payload=str(value).encode()))
        return
    fields = fields_of(event)
    chosen = data.draw(st.sampled_from(sorted(fields)))
    refused_or_event(read, with_json(event, json.dumps(fields | {chosen: value})))


@given(event=events, cut=st.integers(0, 400))
def test_a_truncated_message_is_refused_or_still_valid(event: Event, cut: int) -> None:
    message = to_mqtt(event, source="test")
    refused_or_event(read, replace(message, payload=message.payload[:cut]))
