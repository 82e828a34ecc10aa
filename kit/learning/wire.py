"""Messages of the LEGO Wireless Protocol in words, and tables of them for notebooks."""

from __future__ import annotations

import html
import struct
from collections.abc import Sequence
from functools import singledispatch
from typing import TYPE_CHECKING

from kit.errors import HubError
from kit.labels import say, translated
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
        return say("not understood: {problem}", problem=error.problem)


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
    heads = "".join(f"<th>{head}</th>" for head in ("", "", say("bytes"), say("in words")))
    return f"<table><tr>{heads}</tr>{rows}</table>"


@singledispatch
def _words(message: Message | OpaqueMessage) -> str:
    """Say what a message is about; the kinds that a train meets have words of their own."""
    return str(message)


@_words.register
def _(message: PortOutputCommand) -> str:
    direct = message.subcommand is OutputSubcommand.WRITE_DIRECT_MODE_DATA
    if not direct or len(message.parameters) != 2:
        return _about(message.port, _name(message.subcommand))
    (value,) = struct.unpack_from("b", message.parameters, 1)
    if message.port == Port.RGB_LIGHT:
        known = value in set(Colour)
        colour = _name(Colour(value)) if known else value
        return say("the hub's own light: {colour}", colour=colour)
    special = {BRAKE: say("brake"), FLOAT: say("off")}
    power = special.get(value) or say("power {value} %", value=value)
    return _about(message.port, power)


@_words.register
def _(message: PortOutputFeedback) -> str:
    return "; ".join(_about(port, _name(said)) for port, said in message.ports)


@_words.register
def _(message: HubPropertyMessage) -> str:
    what, value = message.property, message.value
    if not value:
        return say("{what}: {told}", what=_property(what), told=_name(message.operation))
    told: dict[HubProperty, str] = {
        HubProperty.BATTERY_VOLTAGE: f"{value[0]} %",
        HubProperty.RSSI: f"{int.from_bytes(value, signed=True)} dBm",
        HubProperty.ADVERTISING_NAME: value.decode("utf-8", "replace"),
        HubProperty.BUTTON: say("pressed") if value[0] else say("released"),
    }
    return say("{what}: {told}", what=_property(what), told=told.get(what, value.hex(" ")))


@_words.register
def _(message: AttachedIoMessage) -> str:
    if message.event is IoEvent.DETACHED:
        return say("{port}: nothing is plugged in any more", port=_port(message.port))
    known = next((device for device in IoType if device == message.io_type), None)
    device = say("device {number}", number=message.io_type) if known is None else _name(known)
    return say("{port}: a {device} is plugged in", port=_port(message.port), device=device)


@_words.register
def _(message: HubAlertMessage) -> str:
    alert = _name(message.alert)
    if message.status is None:
        return say("the alert '{alert}': {what}", alert=alert, what=_name(message.operation))
    if message.status is AlertStatus.ALERT:
        return say("the alert '{alert}' is on", alert=alert)
    return say("the alert '{alert}' is off", alert=alert)


@_words.register
def _(message: HubActionMessage) -> str:
    return say("the hub: {what}", what=_name(message.action))


@_words.register
def _(message: GenericErrorMessage) -> str:
    return say(
        "refused, a message of type {type:02x}: {why}",
        type=message.command,
        why=_name(message.code),
    )


@_words.register
def _(message: PortValue) -> str:
    return say("{port}: the value {value}", port=_port(message.port), value=message.value.hex(" "))


@_words.register
def _(message: PortInputFormatSetup) -> str:
    return say("{port}: tell each change by {delta}", port=_port(message.port), delta=message.delta)


@_words.register
def _(message: PortInputFormat) -> str:
    return say(
        "{port}: each change by {delta} will be told",
        port=_port(message.port),
        delta=message.delta,
    )


@_words.register
def _(message: ModeInformationRequest) -> str:
    return say(
        "{port}: what is '{what}'?", port=_port(message.port), what=_name(message.information)
    )


@_words.register
def _(message: ModeInformation) -> str:
    return say(
        "{port}: '{what}' is {value}",
        port=_port(message.port),
        what=_name(message.information),
        value=message.value.hex(" "),
    )


@_words.register
def _(message: OpaqueMessage) -> str:
    return say("{what}, of no use to a train", what=_name(message.type))


def _about(port: int, what: str) -> str:
    return say("{port}: {what}", port=_port(port), what=what)


def _port(port: int) -> str:
    if port in _PORTS:
        return translated(_PORTS[Port(port)])
    number = say("port {number:02x}", number=port)
    return f"{number} ({_name(Port(port))})" if port in set(Port) else number


def _property(what: HubProperty) -> str:
    return translated(_PROPERTIES[what]) if what in _PROPERTIES else _name(what)


def _name(member: object) -> str:
    name = getattr(member, "name", None) or str(member)
    return ", ".join(translated(part.lower().replace("_", " ")) for part in name.split("|"))
