"""What the older demo's services say: exact bytes, there and back, and what is none of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.bindings.kafka import KafkaMessage
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import EventError
from kit.interop.formats import (
    CaptureOrder,
    OlderCommand,
    OlderDetection,
    OlderImage,
    OlderResult,
    decode_command,
    decode_image,
    decode_monitoring,
    decode_order,
    decode_result,
    encode_command,
    encode_image,
    encode_monitoring,
    encode_order,
    encode_result,
)

IMAGE = OlderImage(1709280568014, b"RIFF\x00\x00WEBP")
RESULT = OlderResult(
    id=1709280568014,
    image=b"RIFF\x00\x00WEBP",
    detections=(
        OlderDetection(0, "SpeedLimit", 0.93, (12.0, 34.5, 56.25, 78.0)),
        OlderDetection(1, "DangerAhead", 0.5, (0.0, 0.004, 640.0, 1.0)),
    ),
    scale=0.9375,
    times_s=(0.01, 0.05, 0.0, 0.07),
)
RESULT_BYTES = (
    b'{"id": 1709280568014, "image": "UklGRgAAV0VCUA==", "detections": ['
    b'{"class_id": 0, "class_name": "SpeedLimit", "confidence": "0.93", '
    b'"box": ["12.00", "34.50", "56.25", "78.00"]}, '
    b'{"class_id": 1, "class_name": "DangerAhead", "confidence": "0.50", '
    b'"box": ["0.00", "0.00", "640.00", "1.00"]}], '
    b'"pre-process": "0.01s", "inference": "0.05s", "post-process": "0.00s", '
    b'"total": "0.07s", "scale": 0.9375}'
)


def test_a_picture_is_these_bytes() -> None:
    assert encode_image(IMAGE) == b'{"id": 1709280568014, "image": "UklGRgAAV0VCUA=="}'
    assert decode_image(encode_image(IMAGE)) == IMAGE


def test_a_result_is_these_bytes() -> None:
    assert encode_result(RESULT) == RESULT_BYTES


def test_a_result_without_image_and_detections_is_these_bytes() -> None:
    empty = OlderResult(id=7, image=b"", detections=(), scale=1.0)
    assert encode_result(empty) == (
        b'{"id": 7, "image": "", "detections": [], "pre-process": "0.00s", '
        b'"inference": "0.00s", "post-process": "0.00s", "total": "0.00s", "scale": 1.0}'
    )
    assert decode_result(encode_result(empty)) == empty


def test_a_result_is_read_with_its_numbers_as_text_and_its_order() -> None:
    read = decode_result(RESULT_BYTES)
    assert read.detections[0] == RESULT.detections[0]
    assert read.detections[1].box == (0.0, 0.0, 640.0, 1.0)
    assert (read.id, read.image, read.scale) == (RESULT.id, RESULT.image, RESULT.scale)
    assert read.times_s == RESULT.times_s


@pytest.mark.parametrize(
    ("command", "payload"),
    [(OlderCommand.NONE, b"-1"), (OlderCommand.SLOW, b"0"), (OlderCommand.STOP, b"1")],
)
def test_a_command_is_a_class_id_as_text(command: OlderCommand, payload: bytes) -> None:
    assert encode_command(command) == payload
    assert decode_command(payload) is command


@pytest.mark.parametrize("payload", [b"2", b"3", b"", b"stop", b"01", b"1.0", b"\xff", b"1" * 99])
def test_any_other_command_is_none(payload: bytes) -> None:
    with pytest.raises(EventError, match="older demo"):
        decode_command(payload)


def test_what_their_page_shows_is_these_bytes() -> None:
    small = OlderResult(id=7, image=b"RIFF", detections=(), scale=0.9375)
    noon = datetime(2026, 11, 25, 13, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
    assert encode_monitoring(small, event_id="01A", source="/train/t/bridge", time=noon) == (
        b'{"id":"01A","specversion":"1.0","source":"/train/t/bridge","type":"result",'
        b'"subject":"result-message","time":"2026-11-25T12:00:00.250Z",'
        b'"datacontenttype":"application/json","data":{"id":7,'
        b'"image":"data:image/webp;base64,UklGRg==","detections":[],"pre-process":"0.00s",'
        b'"inference":"0.00s","post-process":"0.00s","total":"0.00s","scale":0.9375}}'
    )


def test_what_their_page_shows_is_a_cloudevent_to_the_official_reader() -> None:
    value = encode_monitoring(RESULT, event_id="1", source="/x", time=datetime.now(UTC))
    headers = {"content-type": b"application/cloudevents+json"}
    read = kafka.from_structured(KafkaMessage(headers, None, value), JSONFormat(), CloudEvent)
    assert read.get_type() == "result"


def test_what_their_own_services_send_to_the_page_is_read_invalid_as_it_is() -> None:
    theirs = {
        "id": "5f0c",
        "specversion": "1.0",
        "source": "http://example.com",
        "type": "result",
        "subject": "result-message",
        "time": "Wed Nov 25 12:00:00 UTC 2026",
        "datacontenttype": "application/json",
        "data": json.loads(RESULT_BYTES) | {"image": "data:image/webp;base64,UklGRgAAV0VCUA=="},
    }
    read = decode_monitoring(json.dumps(theirs).encode())
    assert read == decode_result(RESULT_BYTES)


@pytest.mark.parametrize("order", CaptureOrder)
def test_an_order_of_their_page_is_read_as_it_is_written(order: CaptureOrder) -> None:
    assert encode_order(order) == f'{{"command": "{order}"}}'.encode()
    assert decode_order(f'{{"command":"{order}"}}'.encode()) is order


hundredths = st.integers(0, 640_00).map(lambda n: n / 100)
results = st.builds(
    OlderResult,
    id=st.integers(0, 2**53 - 1),
    image=st.binary(max_size=50),
    detections=st.lists(
        st.builds(
            OlderDetection,
            class_id=st.integers(0, 3),
            class_name=st.sampled_from(["SpeedLimit", "DangerAhead"]),
            confidence=st.integers(0, 100).map(lambda n: n / 100),
            box=st.tuples(hundredths, hundredths, hundredths, hundredths),
        ),
        max_size=5,
    ).map(tuple),
    scale=st.floats(0.001, 100),
    times_s=st.tuples(*[st.integers(0, 999).map(lambda n: n / 100)] * 4),
)


@given(results)
def test_a_result_goes_there_and_back(result: OlderResult) -> None:
    assert decode_result(encode_result(result)) == result
    value = encode_monitoring(result, event_id="1", source="/x", time=datetime.now(UTC))
    assert decode_monitoring(value) == result


@given(st.integers(0, 2**53 - 1), st.binary(min_size=1, max_size=200))
def test_a_picture_goes_there_and_back(older_id: int, image: bytes) -> None:
    assert decode_image(encode_image(OlderImage(older_id, image))) == OlderImage(older_id, image)


READERS: list[Callable[[bytes], object]] = [
    decode_image,
    decode_result,
    decode_command,
    decode_monitoring,
    decode_order,
]
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
nearly = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("id", "image", "detections", "scale", "data", "command", "total"), json_values
    ),
).map(lambda fields: json.dumps(fields).encode())


@given(st.sampled_from(READERS), st.binary(max_size=200) | nearly)
def test_whatever_comes_is_read_or_refused(read: Callable[[bytes], object], payload: bytes) -> None:
    try:
        read(payload)
    except EventError as error:
        assert "older demo" in str(error)  # noqa: PT017  # either is right
