"""What holds for every message, and for bytes that are none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import HubError
from kit.train.lwp3.codec import _CLASSES, OpaqueMessage, decode, encode
from kit.train.lwp3.enums import IoType, MessageType, SystemType
from tests.train.lwp3.strategies import EVERY_KIND

many = settings(max_examples=80, deadline=None)
EVERY_MESSAGE = st.one_of(*EVERY_KIND.values())


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_of_message_comes_back_from_its_bytes(kind: str) -> None:
    @many
    @given(message=EVERY_KIND[kind])
    def holds(message: Any) -> None:
        data = encode(message)
        assert decode(data) == message
        assert data[0] == len(data)
        assert data[1] == 0
        assert data[2] == message.type

    holds()


@many
@given(message=EVERY_MESSAGE)
def test_no_message_is_read_from_a_part_of_it_or_with_more_behind_it(message: Any) -> None:
    data = encode(message)
    for wrong in (data[:-1], data[1:], data + b"\0"):
        with pytest.raises(HubError):
            decode(wrong)


def test_there_is_a_class_for_every_type_that_a_train_can_meet() -> None:
    opaque = {
        MessageType.HW_NETWORK,
        MessageType.FIRMWARE_UPDATE_MODE,
        MessageType.FIRMWARE_LOCK,
        MessageType.FIRMWARE_LOCK_STATUS_REQUEST,
        MessageType.FIRMWARE_LOCK_STATUS,
    }
    assert set(_CLASSES) == set(MessageType) - opaque


@many
@given(kind=st.sampled_from(MessageType), body=st.binary(max_size=200))
def test_a_message_of_no_use_is_kept_as_it_is(kind: MessageType, body: bytes) -> None:
    message = OpaqueMessage(kind, body)
    data = encode(message)
    if kind not in _CLASSES:
        assert decode(data) == message


@many
@given(data=st.binary(max_size=40))
def test_any_bytes_are_a_message_or_a_hub_error(data: bytes) -> None:
    try:
        message = decode(data)
    except HubError:
        return
    assert encode(message) == data


@many
@given(kind=st.integers(0, 255), body=st.binary(max_size=24))
def test_a_right_header_around_nonsense_is_a_message_or_a_hub_error(kind: int, body: bytes) -> None:
    data = bytes([len(body) + 3, 0, kind]) + body
    try:
        message = decode(data)
    except HubError:
        return
    assert encode(message) == data


@many
@given(message=EVERY_MESSAGE, where=st.integers(0, 200), value=st.integers(0, 255))
def test_a_message_with_one_wrong_byte_is_another_message_or_a_hub_error(
    message: Any, where: int, value: int
) -> None:
    data = bytearray(encode(message))
    data[where % len(data)] = value
    try:
        other = decode(bytes(data))
    except HubError:
        return
    assert encode(other) == data


@pytest.mark.parametrize("kind", [IoType, SystemType])
def test_a_device_or_hub_that_is_not_known_keeps_its_number(kind: type[IoType]) -> None:
    unknown = kind(0xEE)
    assert unknown == 0xEE
    assert unknown is kind(0xEE)
    assert unknown.name == "UNKNOWN_EE"
    assert unknown not in set(kind)
    with pytest.raises(ValueError, match="-1"):
        kind(-1)
