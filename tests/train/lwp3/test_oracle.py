"""The codec against pybricksdev's, which is used against real hubs; and against nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import HubError
from kit.train.lwp3 import commands
from kit.train.lwp3.codec import decode, encode
from kit.train.lwp3.enums import AlertType, Colour, HubProperty, ModeInformationType, Port

oracle = pytest.importorskip("pybricksdev.ble.lwp3.messages", reason="pybricksdev is not installed")

COMMANDS = [
    commands.motor_power(0, 60),
    commands.motor_brake(1),
    commands.light(1, 40, feedback=False),
    commands.status_colour(Colour.RED),
    commands.property_updates(HubProperty.RSSI),
    commands.property_request(HubProperty.SYSTEM_TYPE),
    commands.alert_updates(AlertType.HIGH_CURRENT),
    commands.sensor_updates(Port.VOLTAGE, delta=20),
    commands.mode_request(Port.VOLTAGE, ModeInformationType.SI),
]


@pytest.mark.parametrize("data", COMMANDS, ids=bytes.hex)
def test_the_oracle_reads_the_same_bytes_back(data: bytes) -> None:
    assert bytes(oracle.parse_message(data)) == data


@given(percent=st.integers(-100, 100), port=st.integers(0, 1))
def test_the_oracle_reads_every_power(percent: int, port: int) -> None:
    message = oracle.parse_message(commands.motor_power(port, percent))
    assert message.unpack("<b") == (percent,)
    assert message.port == port
    assert message.mode == 0


@given(data=st.binary(max_size=40))
def test_any_bytes_are_a_message_or_a_hub_error(data: bytes) -> None:
    try:
        message = decode(data)
    except HubError:
        return
    assert encode(message) == data


@given(kind=st.sampled_from(range(256)), body=st.binary(max_size=24))
def test_a_right_header_around_nonsense_is_a_message_or_a_hub_error(kind: int, body: bytes) -> None:
    data = bytes([len(body) + 3, 0, kind]) + body
    try:
        message = decode(data)
    except HubError:
        return
    assert encode(message) == data
