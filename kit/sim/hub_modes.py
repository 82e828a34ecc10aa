"""What the virtual hub's devices say about themselves: kinds, names, ranges."""

from __future__ import annotations

import struct

from kit.errors import HubError
from kit.train.lwp3.enums import IoType, ModeInformationType, Port, PortCapabilities
from kit.train.lwp3.port_messages import ModeInformation, ModeInformationRequest, PortInformation

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

_NAMES = {
    IoType.TRAIN_MOTOR: b"LPF2-TRAIN",
    IoType.LIGHT: b"LPF2-LIGHT",
    IoType.RGB_LIGHT: b"COL O",
    IoType.VOLTAGE: b"VLT L",
}


def raw_voltage(voltage_v: float) -> bytes:
    """Return what the voltage sensor measures, two bytes little-endian.

    Args:
        voltage_v: Battery voltage in volts.
    """
    raw = round(voltage_v * 1000 / VOLTAGE_SI_MAX_MV * VOLTAGE_RAW_MAX)
    return struct.pack("<H", max(0, min(VOLTAGE_RAW_MAX, raw)))


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
    voltage = device is IoType.VOLTAGE
    highest = {
        ModeInformationType.RAW: VOLTAGE_RAW_MAX if voltage else 100,
        ModeInformationType.PERCENT: 100,
        ModeInformationType.SI: VOLTAGE_SI_MAX_MV if voltage else 100,
    }
    if asked.mode != 0:
        raise HubError("Every device of the virtual hub has one mode", got=asked.mode)
    if asked.information is ModeInformationType.NAME and device in _NAMES:
        value = _NAMES[device].ljust(11, b"\0")
    elif asked.information is ModeInformationType.SYMBOL:
        value = (b"mV" if voltage else b"PCT").ljust(5, b"\0")
    elif asked.information in highest:
        value = struct.pack("<ff", 0, highest[asked.information])
    else:
        raise HubError("The virtual hub does not tell this", got=asked)
    return ModeInformation(asked.port, asked.mode, asked.information, value)
