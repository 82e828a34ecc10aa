"""Messages of the LEGO Wireless Protocol in words, and tables of them for notebooks."""

from __future__ import annotations

import html
import struct
from collections.abc import Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

from kit.errors import HubError
from kit.train.lwp3.codec import OpaqueMessage, decode
from kit.train.lwp3.commands import BRAKE, FLOAT
from kit.train.lwp3.enums import (
    AlertStatus,
    Colour,
    HubProperty,
    IoEvent,
    IoType,
    OutputSubcommand,
    Port,
)
from kit.train.lwp3.hub_messages import (
    AttachedIoMessage,
    GenericErrorMessage,
    HubActionMessage,
    HubAlertMessage,
    HubPropertyMessage,
    Message,
)
from kit.train.lwp3.output_messages import PortOutputCommand, PortOutputFeedback
from kit.train.lwp3.port_messages import (
    ModeInformation,
    ModeInformationRequest,
    PortInputFormat,
    PortInputFormatSetup,
    PortValue,
)
from kit.train.wire_trace import Passed

if TYPE_CHECKING:
    from IPython.display import HTML

_PORTS = {Port.A: "port A", Port.B: "port B"}
_PROPERTIES = {HubProperty.BATTERY_VOLTAGE: "battery"}  # a percentage, in spite of its name


def in_words(data: bytes) -> str:
    """Return what a message says, in words for people.

    Args:
        data: The whole message, as it went over the air.

    Returns:
        One sentence without a full stop; bytes that are no message are called so.
    """
    try:
        return _words(decode(data))
    except HubError as error:
        return f"not understood: {error.problem}"


def wire_table(passed: Sequence[Passed], *, since_ns: int | None = None) -> HTML:
    """Show messages as a table: when, which way, the bytes, and what they say.

    Args:
        passed: The messages, oldest first.
        since_ns: Monotonic nanoseconds that count as 0; the first message's time if None.

    Returns:
        What Jupyter displays when it is the last value of a cell.
    """
    from IPython.display import HTML

    return HTML(wire_html(passed, since_ns=since_ns))


def wire_html(passed: Sequence[Passed], *, since_ns: int | None = None) -> str:
    """Return what :func:`wire_table` shows as HTML."""
    start_ns = since_ns if since_ns is not None else (passed[0].at_ns if passed else 0)
    narrow = 'style="white-space:nowrap;padding:1px 10px"'
    left = 'style="text-align:left;padding:1px 10px"'
    rows = "".join(
        f"<tr><td {narrow}>{(one.at_ns - start_ns) / 1e9:.3f} s</td>"
        f"<td {narrow}>{'kit → hub' if one.sent else 'hub → kit'}</td>"
        f"<td {left}><code>{one.data.hex(' ')}</code></td>"
        f"<td {left}>{html.escape(in_words(one.data))}</td></tr>"
        for one in passed
    )
    return f"<table><tr><th></th><th></th><th>bytes</th><th>in words</th></tr>{rows}</table>"


@singledispatch
def _words(message: Message | OpaqueMessage) -> str:
    """Say what a message is about; the kinds that a train meets have words of their own."""
    return str(message)


@_words.register
def _(message: PortOutputCommand) -> str:
    direct = message.subcommand is OutputSubcommand.WRITE_DIRECT_MODE_DATA
    if not direct or len(message.parameters) != 2:
        return f"{_port(message.port)}: {_name(message.subcommand)}"
    (value,) = struct.unpack_from("b", message.parameters, 1)
    if message.port == Port.RGB_LIGHT:
        known = value in set(Colour)
        return f"the hub's own light: {_name(Colour(value)) if known else value}"
    special = {BRAKE: "brake", FLOAT: "off"}
    return f"{_port(message.port)}: {special.get(value, f'power {value} %')}"


@_words.register
def _(message: PortOutputFeedback) -> str:
    return "; ".join(f"{_port(port)}: {_name(said)}" for port, said in message.ports)


@_words.register
def _(message: HubPropertyMessage) -> str:
    what, value = message.property, message.value
    if not value:
        return f"{_PROPERTIES.get(what, _name(what))}: {_name(message.operation)}"
    told: dict[HubProperty, str] = {
        HubProperty.BATTERY_VOLTAGE: f"{value[0]} %",
        HubProperty.RSSI: f"{int.from_bytes(value, signed=True)} dBm",
        HubProperty.ADVERTISING_NAME: value.decode("utf-8", "replace"),
        HubProperty.BUTTON: "pressed" if value[0] else "released",
    }
    return f"{_PROPERTIES.get(what, _name(what))}: {told.get(what, value.hex(' '))}"


@_words.register
def _(message: AttachedIoMessage) -> str:
    if message.event is IoEvent.DETACHED:
        return f"{_port(message.port)}: nothing is plugged in any more"
    known = next((device for device in IoType if device == message.io_type), None)
    device = f"device {message.io_type}" if known is None else _name(known)
    return f"{_port(message.port)}: a {device} is plugged in"


@_words.register
def _(message: HubAlertMessage) -> str:
    if message.status is None:
        return f"the alert '{_name(message.alert)}': {_name(message.operation)}"
    state = "on" if message.status is AlertStatus.ALERT else "off"
    return f"the alert '{_name(message.alert)}' is {state}"


@_words.register
def _(message: HubActionMessage) -> str:
    return f"the hub: {_name(message.action)}"


@_words.register
def _(message: GenericErrorMessage) -> str:
    return f"refused, a message of type {message.command:02x}: {_name(message.code)}"


@_words.register
def _(message: PortValue) -> str:
    return f"{_port(message.port)}: the value {message.value.hex(' ')}"


@_words.register
def _(message: PortInputFormatSetup) -> str:
    return f"{_port(message.port)}: tell each change by {message.delta}"


@_words.register
def _(message: PortInputFormat) -> str:
    return f"{_port(message.port)}: each change by {message.delta} will be told"


@_words.register
def _(message: ModeInformationRequest) -> str:
    return f"{_port(message.port)}: what is '{_name(message.information)}'?"


@_words.register
def _(message: ModeInformation) -> str:
    return f"{_port(message.port)}: '{_name(message.information)}' is {message.value.hex(' ')}"


@_words.register
def _(message: OpaqueMessage) -> str:
    return f"{_name(message.type)}, of no use to a train"


def _port(port: int) -> str:
    if port in _PORTS:
        return _PORTS[Port(port)]
    return f"port {port:02x} ({_name(Port(port))})" if port in set(Port) else f"port {port:02x}"


def _name(member: object) -> str:
    name = getattr(member, "name", None) or str(member)
    return name.lower().replace("_", " ").replace("|", ", ")
