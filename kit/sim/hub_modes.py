"""What the virtual hub's devices say about themselves: kinds, names, ranges."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from kit.errors import HubError
from kit.train.lwp3.codec import encode
from kit.train.lwp3.enums import (
    BatteryType,
    DataFormat,
    HubProperty,
    IoEvent,
    IoType,
    Mapping,
    ModeInformationType,
    Port,
    PortCapabilities,
    SystemType,
)
from kit.train.lwp3.hub_messages import AttachedIoMessage
from kit.train.lwp3.port_messages import ModeInformation, ModeInformationRequest, PortInformation
from kit.train.lwp3.values import ModeMapping, ValueFormat

DEVICES: dict[int, IoType] = {
    Port.A: IoType.TRAIN_MOTOR,
    Port.B: IoType.LIGHT,
    Port.RGB_LIGHT: IoType.RGB_LIGHT,
    Port.VOLTAGE: IoType.VOLTAGE,
}
"""Devices of a fresh virtual hub, by port."""

VOLTAGE_RAW_MAX = 3893
"""Highest raw value of the voltage sensor; the hub tells it, as ``RAW`` range."""

VOLTAGE_SI_MAX_MV = 9600
"""Voltage at that raw value in millivolts; the hub tells it, as ``SI`` range."""


LOW_VOLTAGE_V = 6.0
"""Battery voltage below which the virtual hub raises its low-voltage alert, volts."""

VERSION_1 = 0x10000000
"""Version 1.0.00.0000 of everything on this hub, as the protocol packs it."""


@dataclass(frozen=True)
class _Mode:
    """Mode 0 of a device, which is its only one here."""

    name: bytes
    symbol: bytes
    raw: tuple[float, float]
    si: tuple[float, float]
    mapping: ModeMapping
    packed: ValueFormat

    def fact(self, asked: ModeInformationType) -> bytes | None:
        """Return the bytes of a fact, or None if it is not told."""
        facts = {
            ModeInformationType.NAME: self.name.ljust(11, b"\0"),
            ModeInformationType.RAW: struct.pack("<ff", *self.raw),
            ModeInformationType.PERCENT: struct.pack("<ff", -100 if self.raw[0] < 0 else 0, 100),
            ModeInformationType.SI: struct.pack("<ff", *self.si),
            ModeInformationType.SYMBOL: self.symbol.ljust(5, b"\0"),
            ModeInformationType.MAPPING: bytes(self.mapping),
            ModeInformationType.VALUE_FORMAT: bytes(self.packed),
        }
        return facts.get(asked)


_OUTPUT = ModeMapping(Mapping(0), Mapping.ABSOLUTE)
_BYTE = ValueFormat(1, DataFormat.INT8, 4)
# The motor's facts, and the formats, are those that owners read out of real devices.
_MODES = {
    IoType.TRAIN_MOTOR: _Mode(
        b"LPF2-TRAIN",
        b"",
        (-100, 100),
        (-100, 100),
        ModeMapping(Mapping(0), Mapping.RELATIVE | Mapping.ABSOLUTE),
        _BYTE,
    ),
    IoType.LIGHT: _Mode(b"LPF2-LIGHT", b"PCT", (0, 100), (0, 100), _OUTPUT, _BYTE),
    IoType.RGB_LIGHT: _Mode(
        b"COL O", b"", (0, 10), (0, 10), _OUTPUT, ValueFormat(1, DataFormat.INT8, 1)
    ),
    IoType.VOLTAGE: _Mode(
        b"VLT L",
        b"mV",
        (0, VOLTAGE_RAW_MAX),
        (0, VOLTAGE_SI_MAX_MV),
        ModeMapping(Mapping.ABSOLUTE, Mapping(0)),
        ValueFormat(1, DataFormat.INT16, 4),
    ),
}


def property_value(
    what: HubProperty, *, name: str, pressed: bool, rssi_dbm: int, battery_percent: float
) -> bytes:
    """Return the bytes of a property of the hub.

    Args:
        what: Which property.
        name: Advertised name.
        pressed: Whether the button is pressed.
        rssi_dbm: Strength of the client's signal, -128 to 127.
        battery_percent: Charge left, 0 to 100.

    Raises:
        HubError: If the virtual hub does not know it.
    """
    values = {
        HubProperty.ADVERTISING_NAME: name.encode(),
        HubProperty.BUTTON: bytes([pressed]),
        HubProperty.FIRMWARE_VERSION: struct.pack("<I", VERSION_1),
        HubProperty.HARDWARE_VERSION: struct.pack("<I", VERSION_1),
        HubProperty.RSSI: struct.pack("b", rssi_dbm),
        HubProperty.BATTERY_VOLTAGE: bytes([round(battery_percent)]),
        HubProperty.BATTERY_TYPE: bytes([BatteryType.NORMAL]),
        HubProperty.MANUFACTURER_NAME: b"Virtual set",
        HubProperty.PROTOCOL_VERSION: b"\x00\x03",
        HubProperty.SYSTEM_TYPE: bytes([SystemType.CITY]),
    }
    if what not in values:
        raise HubError("The virtual hub does not tell this", got=what.name)
    return values[what]


def raw_voltage(voltage_v: float) -> bytes:
    """Return what the voltage sensor measures, two bytes little-endian.

    Args:
        voltage_v: Battery voltage in volts.
    """
    raw = round(voltage_v * 1000 / VOLTAGE_SI_MAX_MV * VOLTAGE_RAW_MAX)
    return struct.pack("<H", max(0, min(VOLTAGE_RAW_MAX, raw)))


def attached(port: int, device: IoType) -> bytes:
    """Return the message that announces a device."""
    return encode(AttachedIoMessage(port, IoEvent.ATTACHED, device, VERSION_1, VERSION_1))


def port_information(port: int, device: IoType) -> PortInformation:
    """Say what a port's device can do: each has one mode, to read or to write."""
    if device is IoType.VOLTAGE:
        return PortInformation(port, PortCapabilities.INPUT, 1, 1, 0)
    return PortInformation(port, PortCapabilities.OUTPUT, 1, 0, 1)


def mode_information(asked: ModeInformationRequest, device: IoType) -> ModeInformation:
    """Tell one fact about a mode of a device.

    Raises:
        HubError: If the virtual hub does not know it.
    """
    if asked.mode != 0:
        raise HubError("Every device of the virtual hub has one mode", got=asked.mode)
    mode = _MODES.get(device)
    value = mode.fact(asked.information) if mode else None
    if value is None:
        raise HubError("The virtual hub does not tell this", got=asked)
    return ModeInformation(asked.port, asked.mode, asked.information, value)
