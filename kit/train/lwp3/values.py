"""What the bytes inside of messages mean: versions, hub properties, values of a port's mode.

Source: https://lego.github.io/lego-ble-wireless-protocol-docs/
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from kit.errors import HubError
from kit.train.lwp3.enums import (
    BatteryType,
    DataFormat,
    HubProperty,
    Mapping,
    ModeInformationType,
    Switch,
    SystemType,
)
from kit.train.lwp3.hub_messages import HubPropertyMessage, named, need

PropertyContent = str | bool | int | SystemType | BatteryType
"""What a hub property holds: a text, a version or address as text, a state, a number, a kind."""

FACT_LENGTHS: dict[ModeInformationType, int | range] = {
    ModeInformationType.NAME: range(1, 12),
    ModeInformationType.RAW: 8,
    ModeInformationType.PERCENT: 8,
    ModeInformationType.SI: 8,
    ModeInformationType.SYMBOL: range(1, 6),
    ModeInformationType.MAPPING: 2,
    ModeInformationType.INTERNAL: range(1, 121),
    ModeInformationType.MOTOR_BIAS: 1,
    ModeInformationType.CAPABILITY_BITS: 6,
    ModeInformationType.VALUE_FORMAT: 4,
}
"""How many bytes each fact about a mode has."""

_TEXTS = {
    HubProperty.ADVERTISING_NAME,
    HubProperty.MANUFACTURER_NAME,
    HubProperty.RADIO_FIRMWARE_VERSION,
}
_VERSIONS = {HubProperty.FIRMWARE_VERSION, HubProperty.HARDWARE_VERSION}
_ADDRESSES = {HubProperty.PRIMARY_MAC, HubProperty.SECONDARY_MAC}
_CODES = {DataFormat.INT8: "b", DataFormat.INT16: "h", DataFormat.INT32: "i", DataFormat.FLOAT: "f"}


def version_text(number: int) -> str:
    """Return a version as text: four bits of major, four of minor, two digits, four digits.

    Args:
        number: 32 bits, such as 0x10000000.

    Returns:
        Such as ``1.0.00.0000``.
    """
    digits = f"{number & 0xFFFFFFFF:08X}"
    return f"{digits[0]}.{digits[1]}.{digits[2:4]}.{digits[4:]}"


def property_content(message: HubPropertyMessage) -> PropertyContent | None:
    """Read the value of a property.

    Args:
        message: What the hub told, or what is set.

    Returns:
        The value, or None if the message carries none.

    Raises:
        HubError: If a number in it is unknown.
    """
    what, value = message.property, message.value
    if not value:
        return None
    content: PropertyContent
    if what in _TEXTS:
        content = value.decode("utf-8", "replace").rstrip("\0")
    elif what in _VERSIONS:
        content = version_text(int.from_bytes(value, "little"))
    elif what is HubProperty.PROTOCOL_VERSION:
        content = f"{value[1]:x}.{value[0]:02x}"
    elif what in _ADDRESSES:
        content = value.hex(":").upper()
    elif what is HubProperty.BUTTON:
        content = bool(named(Switch, value[0]))
    elif what is HubProperty.RSSI:
        content = int.from_bytes(value, "little", signed=True)
    elif what is HubProperty.SYSTEM_TYPE:
        content = SystemType(value[0])
    elif what is HubProperty.BATTERY_TYPE:
        content = named(BatteryType, value[0])
    else:
        content = value[0]
    return content


@dataclass(frozen=True)
class ValueFormat:
    """How the value of a mode is packed.

    Attributes:
        datasets: How many numbers it is made of, 1 to 255.
        kind: Type of each number.
        figures: How many figures a person needs to see of it.
        decimals: How many of them after the point.
    """

    datasets: int
    kind: DataFormat
    figures: int = 0
    decimals: int = 0

    @property
    def _struct(self) -> struct.Struct:
        return struct.Struct(f"<{self.datasets}{_CODES[self.kind]}")

    @property
    def size(self) -> int:
        """How many bytes a value has."""
        return self._struct.size

    def pack(self, *numbers: float) -> bytes:
        """Return a value's bytes.

        Raises:
            HubError: If there are too many or too few numbers, or one does not fit.
        """
        try:
            return self._struct.pack(*numbers)
        except (struct.error, OverflowError) as error:
            raise HubError(
                "These numbers do not fit the mode",
                expected=f"{self.datasets} of {self.kind.name}",
                got=numbers,
            ) from error

    def unpack(self, value: bytes) -> tuple[float, ...]:
        """Return a value's numbers.

        Raises:
            HubError: If the value has another length.
        """
        need(value, self.size, f"{self.datasets} x {self.kind.name} value")
        return self._struct.unpack(value)

    @classmethod
    def parse(cls, fact: bytes) -> ValueFormat:
        """Read the four bytes that a mode's ``VALUE_FORMAT`` has.

        Raises:
            HubError: If there are not four, or the type is unknown.
        """
        need(fact, 4, "value format")
        return cls(fact[0], named(DataFormat, fact[1]), fact[2], fact[3])

    def __bytes__(self) -> bytes:
        return bytes([self.datasets, self.kind, self.figures, self.decimals])


@dataclass(frozen=True)
class ModeMapping:
    """How a mode takes its inputs and gives its outputs.

    Attributes:
        inputs: Of what it measures.
        outputs: Of what it is told.
    """

    inputs: Mapping
    outputs: Mapping

    @classmethod
    def parse(cls, fact: bytes) -> ModeMapping:
        """Read the two bytes that a mode's ``MAPPING`` has.

        Raises:
            HubError: If there are not two.
        """
        need(fact, 2, "mapping")
        return cls(Mapping(fact[0]), Mapping(fact[1]))

    def __bytes__(self) -> bytes:
        return bytes([self.inputs, self.outputs])
