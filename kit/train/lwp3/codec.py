"""Whole messages to bytes and back.

Source: https://lego.github.io/lego-ble-wireless-protocol-docs/#common-message-header
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from kit.errors import HubError
from kit.train.lwp3 import combined_messages as combined
from kit.train.lwp3 import hub_messages as hub
from kit.train.lwp3 import output_messages as output
from kit.train.lwp3 import port_messages as port
from kit.train.lwp3.enums import MessageType, PortInformationType
from kit.train.lwp3.hub_messages import Message, named, need

HUB_ID = 0
"""Second byte of every message; the protocol reserves the others."""

_LONG = 0x80
_LONGEST = 0x7FFF


@dataclass(frozen=True)
class OpaqueMessage:
    """A message of a type that the protocol has and a train has no use for.

    Attributes:
        type: Its type, such as a firmware update's.
        body: Its bytes after the type.
    """

    type: MessageType
    body: bytes


_CLASSES: dict[MessageType, type[Message]] = {
    message.type: message
    for message in (
        hub.HubPropertyMessage,
        hub.HubActionMessage,
        hub.HubAlertMessage,
        hub.AttachedIoMessage,
        hub.GenericErrorMessage,
        port.PortInformationRequest,
        port.PortInformation,
        port.ModeInformationRequest,
        port.ModeInformation,
        port.PortInputFormatSetup,
        port.PortInputFormat,
        port.PortValue,
        combined.PortInputFormatSetupCombined,
        combined.PortInputFormatCombined,
        combined.PortValueCombined,
        output.VirtualPortSetup,
        output.PortOutputCommand,
        output.PortOutputFeedback,
    )
}


def encode(message: Message | OpaqueMessage) -> bytes:
    """Turn a message into the bytes to write to the hub's characteristic.

    Args:
        message: Any message.

    Returns:
        Length, hub id, type, payload.

    Raises:
        HubError: If it is too long, or a number in it does not fit its place.
    """
    try:
        payload = message.body if isinstance(message, OpaqueMessage) else message.payload()
    except (ValueError, struct.error) as error:
        raise HubError("A number of a message does not fit its place", got=message) from error
    length = len(payload) + 3
    if length < _LONG:
        return bytes([length, HUB_ID, message.type]) + payload
    length += 1
    if length > _LONGEST:
        raise HubError("A message is too long", expected=f"{_LONGEST} bytes", got=length)
    head = bytes([_LONG | (length & 0x7F), length >> 7])
    return head + bytes([HUB_ID, message.type]) + payload


def decode(data: bytes) -> Message | OpaqueMessage:
    """Read the bytes that a hub notified, or that were written to it.

    Args:
        data: One whole message.

    Returns:
        The message.

    Raises:
        HubError: If the length is not the one it claims, or a number in it is unknown.
    """
    header = 4 if data[:1] and data[0] & _LONG else 3
    if len(data) < header:
        raise HubError("A message is too short", expected=f"{header} bytes", got=data.hex(" "))
    claimed = data[0] if header == 3 else (data[0] & 0x7F) | (data[1] << 7)
    if claimed != len(data) or (header == 4 and claimed < _LONG):
        raise HubError(
            "A message has not the length that it claims",
            expected=f"{claimed} bytes",
            got=f"{len(data)} bytes ({data.hex(' ')})",
        )
    if data[header - 2] != HUB_ID:
        raise HubError("A message is for another hub", expected=HUB_ID, got=data[header - 2])
    return _parse(named(MessageType, data[header - 1]), data[header:])


def _parse(kind: MessageType, payload: bytes) -> Message | OpaqueMessage:
    if kind is MessageType.PORT_INFORMATION:
        need(payload, range(2, 19), "port information")
        if named(PortInformationType, payload[1]) is PortInformationType.MODE_COMBINATIONS:
            return port.PortModeCombinations.parse(payload)
    message = _CLASSES.get(kind)
    return message.parse(payload) if message else OpaqueMessage(kind, payload)
