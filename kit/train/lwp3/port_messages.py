"""Messages about ports: what they can do, what they measure, what they are to do.

Each class knows its payload, which is the message without length, hub id and type. Source:
https://lego.github.io/lego-ble-wireless-protocol-docs/
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from kit.errors import HubError
from kit.train.lwp3.enums import (
    MessageType,
    ModeInformationType,
    Port,
    PortCapabilities,
    PortInformationType,
    Switch,
)
from kit.train.lwp3.hub_messages import Message, named, need
from kit.train.lwp3.values import FACT_LENGTHS, ModeMapping, ValueFormat


@dataclass(frozen=True)
class PortInformationRequest(Message):
    """Asks what a port's device can do (0x21)."""

    type: ClassVar[MessageType] = MessageType.PORT_INFORMATION_REQUEST

    port: int
    information: PortInformationType

    def payload(self) -> bytes:
        """Return port and kind of information."""
        return bytes([self.port, self.information])

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port and kind of information."""
        need(payload, 2, "port information request")
        return cls(Port(payload[0]), named(PortInformationType, payload[1]))


@dataclass(frozen=True)
class PortInformation(Message):
    """Says what modes a port's device has (0x43, mode info).

    Attributes:
        port: Which port.
        capabilities: What the device can do.
        modes: How many modes it has.
        input_modes: Bit n is set if mode n can be read.
        output_modes: Bit n is set if mode n can be written.
    """

    type: ClassVar[MessageType] = MessageType.PORT_INFORMATION

    port: int
    capabilities: PortCapabilities
    modes: int
    input_modes: int
    output_modes: int

    def payload(self) -> bytes:
        """Return port, 1, capabilities, modes, input modes, output modes."""
        return struct.pack(
            "<BBBBHH",
            self.port,
            PortInformationType.MODE_INFO,
            self.capabilities,
            self.modes,
            self.input_modes,
            self.output_modes,
        )

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read what :meth:`payload` returns."""
        need(payload, 8, "port information")
        port, _, capabilities, modes, inputs, outputs = struct.unpack("<BBBBHH", payload)
        return cls(Port(port), PortCapabilities(capabilities), modes, inputs, outputs)


@dataclass(frozen=True)
class PortModeCombinations(Message):
    """Says which of a device's modes can be read together (0x43, mode combinations).

    Attributes:
        port: Which port.
        combinations: One bit mask of modes a combination, 8 at most.
    """

    type: ClassVar[MessageType] = MessageType.PORT_INFORMATION

    port: int
    combinations: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.combinations) > 8:
            raise HubError("A port has too many combinations", expected="8 at most", got=self)

    def payload(self) -> bytes:
        """Return port, 2, the masks."""
        head = bytes([self.port, PortInformationType.MODE_COMBINATIONS])
        return head + struct.pack(f"<{len(self.combinations)}H", *self.combinations)

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port, 2, the masks."""
        need(payload, range(2, 19, 2), "port mode combinations")
        return cls(Port(payload[0]), struct.unpack_from(f"<{(len(payload) - 2) // 2}H", payload, 2))


@dataclass(frozen=True)
class ModeInformationRequest(Message):
    """Asks about one mode of a port's device (0x22)."""

    type: ClassVar[MessageType] = MessageType.PORT_MODE_INFORMATION_REQUEST

    port: int
    mode: int
    information: ModeInformationType

    def payload(self) -> bytes:
        """Return port, mode, kind of information."""
        return bytes([self.port, self.mode, self.information])

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port, mode, kind of information."""
        need(payload, 3, "port mode information request")
        return cls(Port(payload[0]), payload[1], named(ModeInformationType, payload[2]))


@dataclass(frozen=True)
class ModeInformation(Message):
    """Tells one fact about a mode of a port's device (0x44).

    Attributes:
        port: Which port.
        mode: Which mode.
        information: Which fact.
        value: Its bytes; the properties below read its shapes.
    """

    type: ClassVar[MessageType] = MessageType.PORT_MODE_INFORMATION

    port: int
    mode: int
    information: ModeInformationType
    value: bytes

    def __post_init__(self) -> None:
        need(self.value, FACT_LENGTHS[self.information], self.information.name)

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value, for ``RAW``, ``PERCENT`` and ``SI``.

        Raises:
            HubError: If this is another fact; so do the others.
        """
        self._need(ModeInformationType.RAW, ModeInformationType.PERCENT, ModeInformationType.SI)
        low, high = struct.unpack("<ff", self.value)
        return low, high

    @property
    def text(self) -> str:
        """Name or symbol, for ``NAME`` and ``SYMBOL``."""
        self._need(ModeInformationType.NAME, ModeInformationType.SYMBOL)
        return self.value.decode("ascii", "replace").rstrip("\0")

    @property
    def mapping(self) -> ModeMapping:
        """How it takes and gives values, for ``MAPPING``."""
        self._need(ModeInformationType.MAPPING)
        return ModeMapping.parse(self.value)

    @property
    def motor_bias(self) -> int:
        """Bias of a motor, 0 to 100 percent, for ``MOTOR_BIAS``."""
        self._need(ModeInformationType.MOTOR_BIAS)
        return self.value[0]

    @property
    def value_format(self) -> ValueFormat:
        """How its values are packed, for ``VALUE_FORMAT``."""
        self._need(ModeInformationType.VALUE_FORMAT)
        return ValueFormat.parse(self.value)

    def _need(self, *facts: ModeInformationType) -> None:
        if self.information not in facts:
            raise HubError(
                "This message tells another fact of the mode",
                expected=" or ".join(fact.name for fact in facts),
                got=self.information.name,
            )

    def payload(self) -> bytes:
        """Return port, mode, kind of information, value."""
        return bytes([self.port, self.mode, self.information]) + self.value

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port, mode, kind of information, value."""
        need(payload, range(4, 124), "port mode information")
        return cls(
            Port(payload[0]), payload[1], named(ModeInformationType, payload[2]), payload[3:]
        )


@dataclass(frozen=True)
class _InputFormat(Message):
    """Mode in which a port is read, and how often it tells.

    Attributes:
        port: Which port.
        mode: Which mode.
        delta: Least change of the raw value that is worth an update.
        notify: Whether updates are sent.
    """

    port: int
    mode: int
    delta: int = 1
    notify: bool = True

    def payload(self) -> bytes:
        """Return port, mode, delta, notify."""
        return struct.pack("<BBI?", self.port, self.mode, self.delta, self.notify)

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port, mode, delta, notify."""
        need(payload, 7, "port input format")
        port, mode, delta, notify = struct.unpack("<BBIB", payload)
        return cls(Port(port), mode, delta, bool(named(Switch, notify)))


@dataclass(frozen=True)
class PortInputFormatSetup(_InputFormat):
    """Asks a port to be read in a mode (0x41)."""

    type: ClassVar[MessageType] = MessageType.PORT_INPUT_FORMAT_SETUP


@dataclass(frozen=True)
class PortInputFormat(_InputFormat):
    """Says in which mode a port is read (0x47)."""

    type: ClassVar[MessageType] = MessageType.PORT_INPUT_FORMAT


@dataclass(frozen=True)
class PortValue(Message):
    """Tells what a port measures (0x45); the mode's format says how to read ``value``."""

    type: ClassVar[MessageType] = MessageType.PORT_VALUE

    port: int
    value: bytes

    def __post_init__(self) -> None:
        need(self.value, range(1, 33), "port value")

    def read(self, packed: ValueFormat) -> tuple[float, ...]:
        """Return the value's numbers.

        Args:
            packed: The format of the mode that is read.

        Raises:
            HubError: If the value has another length.
        """
        return packed.unpack(self.value)

    @property
    def unsigned(self) -> int:
        """The value as one little-endian number without sign."""
        return int.from_bytes(self.value, "little")

    def payload(self) -> bytes:
        """Return port and value."""
        return bytes([self.port]) + self.value

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port and value."""
        need(payload, range(2, 34), "port value")
        return cls(Port(payload[0]), payload[1:])
