"""What is packed inside of messages: versions, properties, facts and values of modes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.errors import HubError
from kit.train.lwp3.codec import OpaqueMessage, decode, encode
from kit.train.lwp3.combined_messages import PortInputFormatSetupCombined
from kit.train.lwp3.enums import (
    AlertOperation,
    AlertStatus,
    AlertType,
    BatteryType,
    CombinedSetup,
    DataFormat,
    Feedback,
    HubProperty,
    IoEvent,
    IoType,
    Mapping,
    MessageType,
    ModeInformationType,
    PropertyOperation,
    SystemType,
)
from kit.train.lwp3.hub_messages import AttachedIoMessage, HubAlertMessage, HubPropertyMessage
from kit.train.lwp3.output_messages import PortOutputFeedback, VirtualPortSetup
from kit.train.lwp3.port_messages import (
    ModeInformation,
    PortModeCombinations,
    PortValue,
)
from kit.train.lwp3.values import ValueFormat, property_content, version_text


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("0800010106496365", "Ice"),
        ("060001020601", True),
        ("060001020600", False),
        ("09000103060400 0011".replace(" ", ""), "1.1.00.0004"),
        ("0900010406000000 10".replace(" ", ""), "1.0.00.0000"),
        ("0600010506c8", -56),
        ("060001060657", 87),
        ("060001070601", BatteryType.RECHARGEABLE),
        ("0900010806 4c45474f".replace(" ", ""), "LEGO"),
        ("0700010a060003", "3.00"),
        ("0600010b0641", SystemType.CITY),
        ("0600010c0607", 7),
        ("0b00010d06e0ffd84a2b01", "E0:FF:D8:4A:2B:01"),
        ("0500010605", None),
    ],
)
def test_a_property_is_read_as_what_it_is(text: str, content: object) -> None:
    message = decode(bytes.fromhex(text))
    assert isinstance(message, HubPropertyMessage)
    assert property_content(message) == content
    assert type(property_content(message)) is type(content)


@pytest.mark.parametrize("text", ["060001020602", "060001070609"])
def test_a_property_with_a_number_that_means_nothing_is_refused(text: str) -> None:
    message = decode(bytes.fromhex(text))
    assert isinstance(message, HubPropertyMessage)
    with pytest.raises(HubError, match="The protocol has no"):
        property_content(message)


def test_a_version_is_read_digit_by_digit() -> None:
    assert version_text(0x21990042) == "2.1.99.0042"


def fact(information: ModeInformationType, value: str) -> ModeInformation:
    return ModeInformation(0, 0, information, bytes.fromhex(value))


def test_a_modes_facts_are_read_as_what_they_are() -> None:
    packed = fact(ModeInformationType.VALUE_FORMAT, "01000400").value_format
    assert packed == ValueFormat(1, DataFormat.INT8, 4, 0)
    mapping = fact(ModeInformationType.MAPPING, "0018").mapping
    assert mapping.outputs == Mapping.RELATIVE | Mapping.ABSOLUTE
    assert fact(ModeInformationType.MOTOR_BIAS, "32").motor_bias == 50
    assert fact(ModeInformationType.SYMBOL, "6d56000000").text == "mV"


@pytest.mark.parametrize(
    "read",
    [
        lambda m: m.limits,
        lambda m: m.text,
        lambda m: m.mapping,
        lambda m: m.motor_bias,
        lambda m: m.value_format,
    ],
)
def test_a_fact_is_not_read_as_another_one(read: Callable[[ModeInformation], object]) -> None:
    with pytest.raises(HubError, match="tells another fact"):
        read(fact(ModeInformationType.CAPABILITY_BITS, "000000000000"))


def test_a_value_is_read_in_its_modes_format() -> None:
    assert PortValue(0, b"\xb8\x0b").read(ValueFormat(1, DataFormat.INT16)) == (3000,)
    assert PortValue(0, b"\xff\x01\x02").read(ValueFormat(3, DataFormat.INT8)) == (-1, 1, 2)
    with pytest.raises(HubError, match="wrong length"):
        PortValue(0, b"\xb8").read(ValueFormat(1, DataFormat.INT16))


@pytest.mark.parametrize("numbers", [(1, 2), (), (40_000,)])
def test_numbers_that_do_not_fit_a_format_are_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(HubError, match="1 of INT16"):
        ValueFormat(1, DataFormat.INT16).pack(*numbers)


def test_a_format_with_an_unknown_type_is_refused() -> None:
    with pytest.raises(HubError, match="no DataFormat 0x09"):
        ValueFormat.parse(b"\x01\x09\x00\x00")


@pytest.mark.parametrize(
    "build",
    [
        lambda: HubPropertyMessage(HubProperty.RSSI, PropertyOperation.SET, b"\0"),
        lambda: HubPropertyMessage(HubProperty.BUTTON, PropertyOperation.RESET),
        lambda: HubPropertyMessage(HubProperty.BUTTON, PropertyOperation.UPDATE, b"\0\0"),
        lambda: HubAlertMessage(AlertType.LOW_VOLTAGE, AlertOperation.UPDATE),
        lambda: HubAlertMessage(
            AlertType.LOW_VOLTAGE, AlertOperation.REQUEST_UPDATE, AlertStatus.OK
        ),
        lambda: AttachedIoMessage(0, IoEvent.ATTACHED),
        lambda: AttachedIoMessage(0, IoEvent.DETACHED, IoType.LIGHT),
        lambda: AttachedIoMessage(0, IoEvent.ATTACHED_VIRTUAL, IoType.LIGHT),
        lambda: AttachedIoMessage(0, IoEvent.ATTACHED, IoType.LIGHT, joined=(0, 1)),
        lambda: AttachedIoMessage(0, IoEvent.DETACHED, hardware=1),
        lambda: PortOutputFeedback(()),
        lambda: PortOutputFeedback(((0, Feedback.IDLE),) * 4),
        lambda: VirtualPortSetup((0, 1, 2)),
        lambda: PortValue(0, b""),
        lambda: PortModeCombinations(0, (1,) * 9),
        lambda: PortInputFormatSetupCombined(0, CombinedSetup.SET),
        lambda: PortInputFormatSetupCombined(0, CombinedSetup.LOCK, datasets=((0, 0),)),
        lambda: PortInputFormatSetupCombined(0, CombinedSetup.SET, 0, ((16, 0),)),
    ],
)
def test_a_message_that_cannot_be_cannot_be_made(build: Callable[[], object]) -> None:
    with pytest.raises(HubError):
        build()


@pytest.mark.parametrize(
    "message",
    [
        PortValue(300, b"\0"),
        AttachedIoMessage(0, IoEvent.ATTACHED, IoType.LIGHT, 1 << 40),
        PortModeCombinations(0, (1 << 20,)),
        VirtualPortSetup((999,)),
    ],
)
def test_a_number_that_does_not_fit_its_place_is_refused(message: object) -> None:
    with pytest.raises(HubError, match="does not fit its place"):
        encode(message)


def test_a_message_that_is_too_long_for_its_length_is_refused() -> None:
    longest = OpaqueMessage(MessageType.FIRMWARE_LOCK, bytes((1 << 15) - 1 - 4))
    assert decode(encode(longest)) == longest
    with pytest.raises(HubError, match="too long"):
        encode(OpaqueMessage(MessageType.FIRMWARE_LOCK, bytes(1 << 15)))
