"""The messages that a train needs, ready to write.

The train motor is driven with ``WRITE_DIRECT_MODE_DATA`` in mode 0: owners report that the
train's hub ignores ``START_POWER``. Source of the power values:
https://lego.github.io/lego-ble-wireless-protocol-docs/#output-sub-command-startpower-power
"""

from __future__ import annotations

from kit.errors import HubError
from kit.train.lwp3.codec import encode
from kit.train.lwp3.enums import (
    AlertOperation,
    AlertType,
    Colour,
    Completion,
    HubProperty,
    ModeInformationType,
    OutputSubcommand,
    Port,
    PropertyOperation,
)
from kit.train.lwp3.hub_messages import HubAlertMessage, HubPropertyMessage
from kit.train.lwp3.output_messages import PortOutputCommand
from kit.train.lwp3.port_messages import ModeInformationRequest, PortInputFormatSetup

BRAKE = 127
"""Power value that short-circuits the motor: it brakes and holds."""

FLOAT = 0
"""Power value that lets the motor run out."""


def write_mode_0(port: int, value: int, *, feedback: bool = True) -> bytes:
    """Write one signed byte to mode 0 of a port's device.

    Args:
        port: Which port.
        value: -128 to 127.
        feedback: Whether the hub is to tell what became of it.
    """
    completion = Completion.FEEDBACK if feedback else Completion.NO_ACTION
    data = bytes([0, value & 0xFF])
    return encode(
        PortOutputCommand(
            port, OutputSubcommand.WRITE_DIRECT_MODE_DATA, data, completion=completion
        )
    )


def motor_power(port: int, percent: int, *, feedback: bool = True) -> bytes:
    """Set a motor's power.

    Args:
        port: Port of the motor.
        percent: -100 to 100, 0 floats; below about 10 the train stands still.
        feedback: Whether the hub is to tell what became of it.

    Raises:
        HubError: If ``percent`` is out of its range.
    """
    _need_range("power", percent, -100)
    return write_mode_0(port, percent, feedback=feedback)


def motor_brake(port: int, *, feedback: bool = True) -> bytes:
    """Brake a motor; see :func:`motor_power` for the arguments."""
    return write_mode_0(port, BRAKE, feedback=feedback)


def motor_float(port: int, *, feedback: bool = True) -> bytes:
    """Let a motor run out; see :func:`motor_power` for the arguments."""
    return write_mode_0(port, FLOAT, feedback=feedback)


def light(port: int, percent: int, *, feedback: bool = True) -> bytes:
    """Set a light's brightness.

    Args:
        port: Port of the light.
        percent: 0 to 100.
        feedback: Whether the hub is to tell what became of it.

    Raises:
        HubError: If ``percent`` is out of its range.
    """
    _need_range("brightness", percent, 0)
    return write_mode_0(port, percent, feedback=feedback)


def status_colour(colour: Colour, *, feedback: bool = False) -> bytes:
    """Set the colour of the hub's own light."""
    return write_mode_0(Port.RGB_LIGHT, colour, feedback=feedback)


def property_updates(what: HubProperty, *, enabled: bool = True) -> bytes:
    """Ask the hub to tell each change of a property, or to stop that."""
    enable = PropertyOperation.ENABLE_UPDATES
    operation = enable if enabled else PropertyOperation.DISABLE_UPDATES
    return encode(HubPropertyMessage(what, operation))


def property_request(what: HubProperty) -> bytes:
    """Ask the hub for a property once."""
    return encode(HubPropertyMessage(what, PropertyOperation.REQUEST_UPDATE))


def alert_updates(alert: AlertType) -> bytes:
    """Ask the hub to tell when an alert goes on or off."""
    return encode(HubAlertMessage(alert, AlertOperation.ENABLE_UPDATES))


def sensor_updates(port: int, *, mode: int = 0, delta: int = 1) -> bytes:
    """Ask a port to tell its value in a mode whenever it changed by ``delta``."""
    return encode(PortInputFormatSetup(port, mode, delta))


def mode_request(port: int, information: ModeInformationType, *, mode: int = 0) -> bytes:
    """Ask for a fact about a mode of a port's device."""
    return encode(ModeInformationRequest(port, mode, information))


def _need_range(what: str, percent: int, lowest: int) -> None:
    if not lowest <= percent <= 100:
        raise HubError(f"A {what} is out of range", expected=f"{lowest} to 100", got=percent)
