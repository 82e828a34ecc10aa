"""Every message of a City hub, byte by byte."""

from __future__ import annotations

import pytest

from kit.errors import HubError
from kit.train.lwp3 import commands
from kit.train.lwp3.codec import OpaqueMessage, decode, encode
from kit.train.lwp3.combined_messages import (
    PortInputFormatCombined,
    PortInputFormatSetupCombined,
    PortValueCombined,
)
from kit.train.lwp3.enums import (
    AlertOperation,
    AlertStatus,
    AlertType,
    Colour,
    CombinedSetup,
    Completion,
    ErrorCode,
    Feedback,
    HubAction,
    HubProperty,
    IoEvent,
    IoType,
    MessageType,
    ModeInformationType,
    OutputSubcommand,
    Port,
    PortCapabilities,
    PortInformationType,
    PropertyOperation,
    Startup,
)
from kit.train.lwp3.hub_messages import (
    AttachedIoMessage,
    GenericErrorMessage,
    HubActionMessage,
    HubAlertMessage,
    HubPropertyMessage,
)
from kit.train.lwp3.output_messages import PortOutputCommand, PortOutputFeedback, VirtualPortSetup
from kit.train.lwp3.port_messages import (
    ModeInformation,
    ModeInformationRequest,
    PortInformation,
    PortInformationRequest,
    PortInputFormat,
    PortInputFormatSetup,
    PortModeCombinations,
    PortValue,
)

_Op = PropertyOperation
_DIRECT = OutputSubcommand.WRITE_DIRECT_MODE_DATA


def _write(port: int, value: str, completion: Completion = Completion.FEEDBACK) -> object:
    return PortOutputCommand(
        port, _DIRECT, b"\0" + bytes.fromhex(value), Startup.IMMEDIATE, completion
    )


def _mode(kind: ModeInformationType) -> ModeInformationRequest:
    return ModeInformationRequest(0, 0, kind)


# At first what a City hub with a train's motor and light needs, one line a message.
MESSAGES = [
    ("0800810011510064", _write(0, "64")),  # +100
    ("0800810011510046", _write(0, "46")),  # +70
    ("08008100115100ba", _write(0, "ba")),  # -70
    ("080081001151007f", _write(0, "7f")),  # brake
    ("0800810011510000", _write(0, "00")),  # float
    ("0800810010510046", _write(0, "46", Completion.NO_ACTION)),
    ("0800810111510064", _write(1, "64")),  # the light
    ("0800810111510032", _write(1, "32")),
    ("0800810111510000", _write(1, "00")),
    ("0800813211510006", _write(Port.RGB_LIGHT, "06")),
    ("0500820001", PortOutputFeedback(((0, Feedback.IN_PROGRESS),))),
    ("050082000e", PortOutputFeedback(((0, Feedback(0x0E)),))),
    ("060022000000", _mode(ModeInformationType.NAME)),
    ("060022000001", _mode(ModeInformationType.RAW)),
    ("060022000002", _mode(ModeInformationType.PERCENT)),
    ("060022000003", _mode(ModeInformationType.SI)),
    ("060022000004", _mode(ModeInformationType.SYMBOL)),
    ("060022000005", _mode(ModeInformationType.MAPPING)),
    ("060022000080", _mode(ModeInformationType.VALUE_FORMAT)),
    ("0500030102", HubAlertMessage(AlertType.LOW_VOLTAGE, AlertOperation.DISABLE_UPDATES)),
    ("0500010104", HubPropertyMessage(HubProperty.ADVERTISING_NAME, _Op.RESET)),
    ("0500210000", PortInformationRequest(0, PortInformationType.PORT_VALUE)),
    ("0500210002", PortInformationRequest(0, PortInformationType.MODE_COMBINATIONS)),
    ("0500420002", PortInputFormatSetupCombined(0, CombinedSetup.LOCK)),
    (
        "0800420001000010",
        PortInputFormatSetupCombined(0, CombinedSetup.SET, 0, ((0, 0), (1, 0))),
    ),
    ("0500420003", PortInputFormatSetupCombined(0, CombinedSetup.UNLOCK_ENABLED)),
    ("0700480081 0300".replace(" ", ""), PortInputFormatCombined(0, 1, True, 3)),
    ("0900460003000a1400", PortValueCombined(0, 3, b"\x0a\x14\x00")),
    ("080081001051007f", PortOutputCommand(0, _DIRECT, b"\0\x7f", completion=Completion(0))),
    (
        "0800810001510046",
        PortOutputCommand(0, _DIRECT, b"\0\x46", Startup.BUFFER, Completion.FEEDBACK),
    ),
    ("070081001101 32", PortOutputCommand(0, OutputSubcommand.START_POWER, b"\x32")),
    ("0500820 00a", PortOutputFeedback(((0, Feedback.IDLE | Feedback.COMPLETED),))),
    ("070082000a0101", PortOutputFeedback(((0, Feedback(0x0A)), (1, Feedback.IN_PROGRESS)))),
    (
        "0f0004000102000000001000000010",
        AttachedIoMessage(0, IoEvent.ATTACHED, IoType.TRAIN_MOTOR, 0x10000000, 0x10000000),
    ),
    (
        "0f0004010108000000001000000010",
        AttachedIoMessage(1, IoEvent.ATTACHED, IoType.LIGHT, 0x10000000, 0x10000000),
    ),
    (
        "090004100202000001",
        AttachedIoMessage(16, IoEvent.ATTACHED_VIRTUAL, IoType.TRAIN_MOTOR, joined=(0, 1)),
    ),
    ("0500040000", AttachedIoMessage(0, IoEvent.DETACHED)),
    ("0500010605", HubPropertyMessage(HubProperty.BATTERY_VOLTAGE, _Op.REQUEST_UPDATE)),
    ("0500010602", HubPropertyMessage(HubProperty.BATTERY_VOLTAGE, _Op.ENABLE_UPDATES)),
    ("0500010603", HubPropertyMessage(HubProperty.BATTERY_VOLTAGE, _Op.DISABLE_UPDATES)),
    ("060001060657", HubPropertyMessage(HubProperty.BATTERY_VOLTAGE, _Op.UPDATE, b"\x57")),
    ("0500010202", HubPropertyMessage(HubProperty.BUTTON, _Op.ENABLE_UPDATES)),
    ("060001020601", HubPropertyMessage(HubProperty.BUTTON, _Op.UPDATE, b"\x01")),
    ("0500010105", HubPropertyMessage(HubProperty.ADVERTISING_NAME, _Op.REQUEST_UPDATE)),
    ("080001010161 6263", HubPropertyMessage(HubProperty.ADVERTISING_NAME, _Op.SET, b"abc")),
    ("0600010b0641", HubPropertyMessage(HubProperty.SYSTEM_TYPE, _Op.UPDATE, b"\x41")),
    ("0600010506c8", HubPropertyMessage(HubProperty.RSSI, _Op.UPDATE, b"\xc8")),
    ("0a00413c000100000001", PortInputFormatSetup(0x3C, 0, 1, notify=True)),
    ("0a00473c000100000001", PortInputFormat(0x3C, 0, 1, notify=True)),
    ("0600453cb80b", PortValue(0x3C, b"\xb8\x0b")),
    ("04000201", HubActionMessage(HubAction.SWITCH_OFF)),
    ("04000202", HubActionMessage(HubAction.DISCONNECT)),
    ("0400022f", HubActionMessage(HubAction.SWITCH_OFF_AT_ONCE)),
    ("04000230", HubActionMessage(HubAction.WILL_SWITCH_OFF)),
    ("04000231", HubActionMessage(HubAction.WILL_DISCONNECT)),
    ("0500030101", HubAlertMessage(AlertType.LOW_VOLTAGE, AlertOperation.ENABLE_UPDATES)),
    ("0500030103", HubAlertMessage(AlertType.LOW_VOLTAGE, AlertOperation.REQUEST_UPDATE)),
    (
        "060003010400",
        HubAlertMessage(AlertType.LOW_VOLTAGE, AlertOperation.UPDATE, AlertStatus.OK),
    ),
    (
        "0600030204ff",
        HubAlertMessage(AlertType.HIGH_CURRENT, AlertOperation.UPDATE, AlertStatus.ALERT),
    ),
    ("0500058105", GenericErrorMessage(0x81, ErrorCode.COMMAND_NOT_RECOGNISED)),
    ("0500058106", GenericErrorMessage(0x81, ErrorCode.INVALID_USE)),
    ("0500058107", GenericErrorMessage(0x81, ErrorCode.OVERCURRENT)),
    ("0500058103", GenericErrorMessage(0x81, ErrorCode.BUFFER_OVERFLOW)),
    ("0500210001", PortInformationRequest(0, PortInformationType.MODE_INFO)),
    ("0b004300010101000001 00", PortInformation(0, PortCapabilities.OUTPUT, 1, 0, 1)),
    ("0900430002030005 00", PortModeCombinations(0, (3, 5))),
    (
        "0e00443c000100000000 00501f47",
        ModeInformation(0x3C, 0, ModeInformationType.RAW, bytes.fromhex("0000000000501f47")),
    ),
    ("0600610 10001", VirtualPortSetup((0, 1))),
    ("0500610010", VirtualPortSetup((16,))),
    ("050010abcd", OpaqueMessage(MessageType.FIRMWARE_UPDATE_MODE, b"\xab\xcd")),
]
MESSAGES = [(text.replace(" ", ""), message) for text, message in MESSAGES]
_NAMES = [f"{text[4:6]}-{text}" for text, _ in MESSAGES]


@pytest.mark.parametrize(("text", "message"), MESSAGES, ids=_NAMES)
def test_a_message_becomes_these_bytes(text: str, message: object) -> None:
    assert encode(message).hex() == text


@pytest.mark.parametrize(("text", "message"), MESSAGES, ids=_NAMES)
def test_these_bytes_become_that_message(text: str, message: object) -> None:
    assert decode(bytes.fromhex(text)) == message


@pytest.mark.parametrize("text", [text for text, _ in MESSAGES], ids=_NAMES)
def test_a_message_that_claims_another_length_is_refused(text: str) -> None:
    data = bytes.fromhex(text)
    for wrong in (data[:-1], data + b"\0"):
        with pytest.raises(HubError, match="length"):
            decode(wrong)


FIXED_LENGTH = [
    text
    for text, message in MESSAGES
    if not isinstance(message, OpaqueMessage | PortValue | PortValueCombined | PortOutputCommand)
    and text[4:10] != "420001"  # any number of datasets
    and "0101" not in text[6:10]  # a name may have any length
]


@pytest.mark.parametrize("text", FIXED_LENGTH)
def test_a_payload_that_is_cut_is_refused_even_if_its_header_agrees(text: str) -> None:
    data = bytes.fromhex(text)
    cut = bytes([len(data) - 1]) + data[1:-1]
    with pytest.raises(HubError):
        decode(cut)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "too short"),
        ("03", "too short"),
        ("0300", "too short"),
        ("040100ff", "another hub"),
        ("0400ff00", "MessageType"),
        ("0500017705", "HubProperty"),
        ("0500010609", "PropertyOperation"),
        ("04000277", "HubAction"),
        ("0500037701", "AlertType"),
        ("0600030104aa", "AlertStatus"),
        ("0500040009", "IoEvent"),
        ("0500058177", "ErrorCode"),
        ("0500210009", "PortInformationType"),
        ("060022000033", "ModeInformationType"),
        ("0800810011770064", "OutputSubcommand"),
        ("0800810022510064", "Startup"),
        ("0800810019510064", "Completion"),
        ("0700810011510 0".replace(" ", ""), "wrong length"),
        ("0600010206", "length"),
        ("0500030104", "wrong length"),
        ("0a00413c000100000002", "Switch"),
        ("060061020001", "Switch"),
        ("8500000230", "length"),
    ],
)
def test_what_the_protocol_does_not_have_is_refused_by_name(text: str, what: str) -> None:
    with pytest.raises(HubError, match=what):
        decode(bytes.fromhex(text))


def test_a_message_of_128_bytes_gets_a_length_of_two_bytes() -> None:
    message = OpaqueMessage(MessageType.FIRMWARE_LOCK, bytes(140))
    data = encode(message)
    assert data[:4].hex() == "90010011"
    assert len(data) == 144
    assert decode(data) == message


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (commands.motor_power(0, 100), "0800810011510064"),
        (commands.motor_power(0, 70), "0800810011510046"),
        (commands.motor_power(0, -70), "08008100115100ba"),
        (commands.motor_power(0, 70, feedback=False), "0800810010510046"),
        (commands.motor_brake(0), "080081001151007f"),
        (commands.motor_float(0), "0800810011510000"),
        (commands.light(1, 100), "0800810111510064"),
        (commands.light(1, 50), "0800810111510032"),
        (commands.light(1, 0), "0800810111510000"),
        (commands.status_colour(Colour.GREEN, feedback=True), "0800813211510006"),
        (commands.property_updates(HubProperty.BATTERY_VOLTAGE), "0500010602"),
        (commands.property_updates(HubProperty.BATTERY_VOLTAGE, enabled=False), "0500010603"),
        (commands.property_request(HubProperty.ADVERTISING_NAME), "0500010105"),
        (commands.alert_updates(AlertType.LOW_VOLTAGE), "0500030101"),
        (commands.sensor_updates(Port.VOLTAGE), "0a00413c000100000001"),
        (commands.mode_request(0, ModeInformationType.NAME), "060022000000"),
    ],
)
def test_a_ready_made_command_has_these_bytes(message: bytes, text: str) -> None:
    assert message.hex() == text


@pytest.mark.parametrize("percent", [101, 127, -101, -128])
def test_a_power_that_would_mean_something_else_is_refused(percent: int) -> None:
    with pytest.raises(HubError, match="-100 to 100"):
        commands.motor_power(0, percent)


def test_a_negative_brightness_is_refused() -> None:
    with pytest.raises(HubError, match="0 to 100"):
        commands.light(1, -1)


def test_a_mode_tells_its_range_and_its_name() -> None:
    raw = decode(bytes.fromhex("0e00443c00010000000000507345"))
    name = decode(bytes.fromhex("11004400000 04c5046322d545241494e00".replace(" ", "")))
    assert isinstance(raw, ModeInformation)
    assert isinstance(name, ModeInformation)
    assert raw.limits == (0.0, 3893.0)
    assert name.text == "LPF2-TRAIN"
