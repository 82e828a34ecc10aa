"""Messages about several modes of one device that are read together.

Source: https://lego.github.io/lego-ble-wireless-protocol-docs/
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from kit.errors import HubError
from kit.train.lwp3.enums import CombinedSetup, MessageType, Port
from kit.train.lwp3.hub_messages import Message, named, need

MOST_DATASETS = 16
"""How many numbers of a device's modes can be read together."""

_MULTI_UPDATE = 0x80
_NUMBER = 0x0F


@dataclass(frozen=True)
class PortInputFormatSetupCombined(Message):
    """Asks for several modes of a device to be read together, step by step (0x42).

    Attributes:
        port: Which port.
        step: What to do; ``SET`` needs the rest.
        combination: Which of the device's combinations, 0 to 7.
        datasets: Pairs of mode and dataset, each 0 to 15.
    """

    type: ClassVar[MessageType] = MessageType.PORT_INPUT_FORMAT_SETUP_COMBINED

    port: int
    step: CombinedSetup
    combination: int = 0
    datasets: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        is_set = self.step is CombinedSetup.SET
        right = range(1, MOST_DATASETS + 1) if is_set else range(1)
        if len(self.datasets) not in right or (self.combination and not is_set):
            raise HubError(f"A {self.step.name} step cannot have this", got=self.datasets)
        if any(number not in range(16) for pair in self.datasets for number in pair):
            raise HubError("A mode or dataset is out of range", expected="0 to 15", got=self)

    def payload(self) -> bytes:
        """Return port, step, and for ``SET`` the combination and the datasets."""
        head = bytes([self.port, self.step])
        if self.step is not CombinedSetup.SET:
            return head
        pairs = bytes(mode << 4 | dataset for mode, dataset in self.datasets)
        return head + bytes([self.combination]) + pairs

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read what :meth:`payload` returns."""
        need(payload, range(2, 4 + MOST_DATASETS), "combined input format setup")
        port, step = Port(payload[0]), named(CombinedSetup, payload[1])
        if step is not CombinedSetup.SET:
            need(payload, 2, f"combined input format setup ({step.name})")
            return cls(port, step)
        need(payload, range(4, 4 + MOST_DATASETS), "combined input format setup (SET)")
        pairs = tuple((byte >> 4, byte & _NUMBER) for byte in payload[3:])
        return cls(port, step, payload[2], pairs)


@dataclass(frozen=True)
class PortValueCombined(Message):
    """Tells what several modes of a device measure (0x46).

    Attributes:
        port: Which port.
        datasets: Bit n is set if the n-th of the datasets that were asked for is told.
        value: Their bytes, one after another; the modes' formats say how to read them.
    """

    type: ClassVar[MessageType] = MessageType.PORT_VALUE_COMBINED

    port: int
    datasets: int
    value: bytes

    def payload(self) -> bytes:
        """Return port, datasets, value."""
        return struct.pack("<BH", self.port, self.datasets) + self.value

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port, datasets, value."""
        need(payload, range(4, 4 + 4 * MOST_DATASETS), "combined port value")
        port, datasets = struct.unpack_from("<BH", payload)
        return cls(Port(port), datasets, payload[3:])


@dataclass(frozen=True)
class PortInputFormatCombined(Message):
    """Says which modes of a device are read together (0x48).

    Attributes:
        port: Which port.
        combination: Which of the device's combinations, 0 to 15.
        multi_update: Whether all datasets come in one message.
        datasets: Bit n is set if the n-th of the datasets that were asked for is read.
    """

    type: ClassVar[MessageType] = MessageType.PORT_INPUT_FORMAT_COMBINED

    port: int
    combination: int
    multi_update: bool
    datasets: int

    def payload(self) -> bytes:
        """Return port, control byte, datasets."""
        control = self.combination | (_MULTI_UPDATE if self.multi_update else 0)
        return struct.pack("<BBH", self.port, control, self.datasets)

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port, control byte, datasets."""
        need(payload, 4, "combined input format")
        port, control, datasets = struct.unpack("<BBH", payload)
        if control & ~(_MULTI_UPDATE | _NUMBER):
            raise HubError("A control byte has bits that mean nothing", got=f"0x{control:02x}")
        return cls(Port(port), control & _NUMBER, bool(control & _MULTI_UPDATE), datasets)
