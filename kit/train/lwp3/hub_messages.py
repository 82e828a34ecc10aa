"""Messages about the hub itself: properties, actions, alerts, attached devices, errors.

Each class knows its payload, which is the message without length, hub id and type. Source:
https://lego.github.io/lego-ble-wireless-protocol-docs/
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self, TypeVar

from kit.errors import HubError
from kit.train.lwp3.enums import (
    AlertOperation,
    AlertStatus,
    AlertType,
    ErrorCode,
    HubAction,
    HubProperty,
    IoEvent,
    IoType,
    MessageType,
    Port,
    PropertyOperation,
)

_Enum = TypeVar("_Enum", bound=IntEnum)


def need(payload: bytes, lengths: int | range, what: str) -> None:
    """Check a payload's length.

    Args:
        payload: Bytes after the message's type.
        lengths: The right length, or the range of right lengths, bytes.
        what: The message's name.

    Raises:
        HubError: If the length is wrong.
    """
    right = range(lengths, lengths + 1) if isinstance(lengths, int) else lengths
    if len(payload) not in right:
        span = str(right[0]) if len(right) == 1 else f"{right[0]} to {right[-1]}"
        raise HubError(
            f"A '{what}' message has a wrong length",
            expected=f"{span} bytes after its type",
            got=f"{len(payload)} bytes ({payload.hex(' ')})",
        )


def named(kind: type[_Enum], value: int) -> _Enum:
    """Look up a number's name.

    Raises:
        HubError: If the protocol knows no such number.
    """
    try:
        return kind(value)
    except ValueError as error:
        raise HubError(f"The protocol has no {kind.__name__} 0x{value:02x}") from error


class Message(ABC):
    """One message; subclasses are frozen dataclasses."""

    type: ClassVar[MessageType]

    @abstractmethod
    def payload(self) -> bytes:
        """Return the bytes after the message's type."""

    @classmethod
    @abstractmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the bytes after the message's type.

        Raises:
            HubError: If the length or a number is wrong.
        """


_VALUE_LENGTHS: dict[HubProperty, int | range] = {
    HubProperty.ADVERTISING_NAME: range(1, 15),
    HubProperty.BUTTON: 1,
    HubProperty.FIRMWARE_VERSION: 4,
    HubProperty.HARDWARE_VERSION: 4,
    HubProperty.RSSI: 1,
    HubProperty.BATTERY_VOLTAGE: 1,
    HubProperty.BATTERY_TYPE: 1,
    HubProperty.MANUFACTURER_NAME: range(1, 16),
    HubProperty.RADIO_FIRMWARE_VERSION: range(1, 16),
    HubProperty.PROTOCOL_VERSION: 2,
    HubProperty.SYSTEM_TYPE: 1,
    HubProperty.HW_NETWORK_ID: 1,
    HubProperty.PRIMARY_MAC: 6,
    HubProperty.SECONDARY_MAC: 6,
    HubProperty.HW_NETWORK_FAMILY: 1,
}
_WITH_VALUE = {PropertyOperation.SET, PropertyOperation.UPDATE}
_TELL = {PropertyOperation.REQUEST_UPDATE, PropertyOperation.UPDATE}
_FOLLOW = {PropertyOperation.ENABLE_UPDATES, PropertyOperation.DISABLE_UPDATES}
_ALL = _TELL | _FOLLOW | {PropertyOperation.SET, PropertyOperation.RESET}

PROPERTY_OPERATIONS: dict[HubProperty, frozenset[PropertyOperation]] = {
    **{each: frozenset(_TELL) for each in HubProperty},
    HubProperty.ADVERTISING_NAME: frozenset(_ALL),
    HubProperty.BUTTON: frozenset(_TELL | _FOLLOW),
    HubProperty.RSSI: frozenset(_TELL | _FOLLOW),
    HubProperty.BATTERY_VOLTAGE: frozenset(_TELL | _FOLLOW),
    HubProperty.HW_NETWORK_ID: frozenset(_TELL | {PropertyOperation.SET, PropertyOperation.RESET}),
    HubProperty.HW_NETWORK_FAMILY: frozenset(_TELL | {PropertyOperation.SET}),
}
"""What can be done with each property."""


@dataclass(frozen=True)
class HubPropertyMessage(Message):
    """Asks for, sets or tells one property (0x01).

    Attributes:
        property: Which property.
        operation: What to do with it.
        value: Its bytes for ``SET`` and ``UPDATE``, empty otherwise.
    """

    type: ClassVar[MessageType] = MessageType.HUB_PROPERTY

    property: HubProperty
    operation: PropertyOperation
    value: bytes = b""

    def __post_init__(self) -> None:
        if self.operation not in PROPERTY_OPERATIONS[self.property]:
            raise HubError(f"The protocol has no {self.operation.name} of {self.property.name}")
        lengths = _VALUE_LENGTHS[self.property] if self.operation in _WITH_VALUE else 0
        need(self.value, lengths, f"{self.operation.name} {self.property.name}")

    def payload(self) -> bytes:
        """Return property, operation, value."""
        return bytes([self.property, self.operation]) + self.value

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read property, operation, value."""
        need(payload, range(2, 18), "hub property")
        return cls(
            named(HubProperty, payload[0]), named(PropertyOperation, payload[1]), payload[2:]
        )


@dataclass(frozen=True)
class HubActionMessage(Message):
    """Asks the hub for an action, or says what it is about to do (0x02)."""

    type: ClassVar[MessageType] = MessageType.HUB_ACTION

    action: HubAction

    def payload(self) -> bytes:
        """Return the action."""
        return bytes([self.action])

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the action."""
        need(payload, 1, "hub action")
        return cls(named(HubAction, payload[0]))


@dataclass(frozen=True)
class HubAlertMessage(Message):
    """Asks for, or tells, an alert (0x03); only an ``UPDATE`` has a status."""

    type: ClassVar[MessageType] = MessageType.HUB_ALERT

    alert: AlertType
    operation: AlertOperation
    status: AlertStatus | None = None

    def __post_init__(self) -> None:
        if (self.operation is AlertOperation.UPDATE) is not (self.status is not None):
            raise HubError("An UPDATE of an alert has a status, and nothing else has", got=self)

    def payload(self) -> bytes:
        """Return alert, operation, status."""
        head = bytes([self.alert, self.operation])
        return head if self.status is None else head + bytes([self.status])

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read alert, operation, status."""
        need(payload, range(2, 4), "hub alert")
        alert, operation = named(AlertType, payload[0]), named(AlertOperation, payload[1])
        need(payload, 3 if operation is AlertOperation.UPDATE else 2, "hub alert")
        return cls(alert, operation, named(AlertStatus, payload[2]) if payload[2:] else None)


@dataclass(frozen=True)
class AttachedIoMessage(Message):
    """Says what was plugged into a port, or pulled out of it (0x04).

    Attributes:
        port: Which port.
        event: What happened.
        io_type: Kind of the device; None when detached.
        hardware: Its hardware version, see :func:`~kit.train.lwp3.values.version_text`, for
            ``ATTACHED``.
        firmware: Its firmware version, for ``ATTACHED``.
        joined: The two ports behind a virtual one, for ``ATTACHED_VIRTUAL``.
    """

    type: ClassVar[MessageType] = MessageType.HUB_ATTACHED_IO

    port: int
    event: IoEvent
    io_type: IoType | None = None
    hardware: int = 0
    firmware: int = 0
    joined: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        detached = self.event is IoEvent.DETACHED
        virtual = self.event is IoEvent.ATTACHED_VIRTUAL
        versions = bool(self.hardware or self.firmware)
        if (
            detached is not (self.io_type is None)
            or virtual is not (self.joined is not None)
            or (versions and self.event is not IoEvent.ATTACHED)
        ):
            raise HubError(f"An {self.event.name} message cannot have this", got=self)

    def payload(self) -> bytes:
        """Return port, event and what the event needs."""
        head = bytes([self.port, self.event])
        if self.io_type is None:
            return head
        if self.joined is None:
            return head + struct.pack("<HII", self.io_type, self.hardware, self.firmware)
        return head + struct.pack("<HBB", self.io_type, *self.joined)

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port, event and what the event needs."""
        need(payload, range(2, 13), "attached I/O")
        port, event = Port(payload[0]), named(IoEvent, payload[1])
        lengths = {IoEvent.DETACHED: 2, IoEvent.ATTACHED: 12, IoEvent.ATTACHED_VIRTUAL: 6}
        need(payload, lengths[event], f"attached I/O ({event.name})")
        if event is IoEvent.DETACHED:
            return cls(port, event)
        if event is IoEvent.ATTACHED:
            io_type, hardware, firmware = struct.unpack_from("<HII", payload, 2)
            return cls(port, event, IoType(io_type), hardware, firmware)
        io_type, first, second = struct.unpack_from("<HBB", payload, 2)
        return cls(port, event, IoType(io_type), joined=(Port(first), Port(second)))


@dataclass(frozen=True)
class GenericErrorMessage(Message):
    """Says why the hub refused a message (0x05).

    Attributes:
        command: Type of the refused message; a number if the protocol has no such type, which
            may be why it was refused.
        code: Why.
    """

    type: ClassVar[MessageType] = MessageType.GENERIC_ERROR

    command: MessageType | int
    code: ErrorCode

    def payload(self) -> bytes:
        """Return command and code."""
        return bytes([self.command, self.code])

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read command and code."""
        need(payload, 2, "generic error")
        command = payload[0]
        known = command in set(MessageType)
        return cls(MessageType(command) if known else command, named(ErrorCode, payload[1]))
