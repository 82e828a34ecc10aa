"""What a hub is asked on a new link, as messages ready to write: pure."""

from __future__ import annotations

from collections.abc import Iterator

from kit.train.lwp3 import commands
from kit.train.lwp3.enums import AlertType, HubProperty, ModeInformationType, Port

OUTER_PORTS = (Port.A, Port.B)
"""Ports that a motor or a light can be plugged into."""

VOLTAGE_DELTA = 20
"""Least change of the voltage sensor's raw value that is worth a message; about 50 mV."""

_TOLD = (HubProperty.BATTERY_VOLTAGE, HubProperty.BUTTON, HubProperty.RSSI)
_ASKED = (HubProperty.ADVERTISING_NAME, HubProperty.SYSTEM_TYPE, HubProperty.FIRMWARE_VERSION)


def what_is_attached() -> Iterator[bytes]:
    """Ask the outer ports for their devices' names, of a hub that does not announce them."""
    for port in OUTER_PORTS:
        yield commands.mode_request(port, ModeInformationType.NAME)


def what_changes() -> Iterator[bytes]:
    """Ask for the battery, the button, the signal, the alerts, the voltage, and who it is."""
    for told in _TOLD:
        yield commands.property_updates(told)
    for asked in _ASKED:
        yield commands.property_request(asked)
    for alert in AlertType:
        yield commands.alert_updates(alert)
    for information in (ModeInformationType.RAW, ModeInformationType.SI):
        yield commands.mode_request(Port.VOLTAGE, information)
    yield commands.sensor_updates(Port.VOLTAGE, delta=VOLTAGE_DELTA)
