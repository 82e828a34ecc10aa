"""What the virtual hub stands between: the train that it drives, and each client at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from kit.train.lwp3.enums import AlertStatus, AlertType, HubProperty


class HubPort(Protocol):
    """What the virtual hub drives and measures: the train in its world."""

    def set_motor(self, power: int, /) -> None:
        """Set the motor's power, -100 to 100 percent, not 0."""

    def brake(self) -> None:
        """Short-circuit the motor."""

    def float_(self) -> None:
        """Let the motor run out."""

    def set_light(self, power: int, /) -> None:
        """Set the light's brightness, 0 to 100 percent."""

    @property
    def battery_percent(self) -> float:
        """Charge left, 0 to 100."""

    @property
    def voltage_v(self) -> float:
        """Battery voltage in volts."""


@dataclass(eq=False)
class Session:
    """One client of the hub: what it asked to be told.

    Attributes:
        notify: Sends one message to this client.
        disconnect: Ends this client's link.
        properties: Properties whose changes it wants, with the value it was told last.
        alerts: Alerts that it wants, with the status it was told last.
        sensors: Ports whose values it wants, with the value it was told last.
    """

    notify: Callable[[bytes], None]
    disconnect: Callable[[], None]
    properties: dict[HubProperty, bytes] = field(default_factory=dict)
    alerts: dict[AlertType, AlertStatus] = field(default_factory=dict)
    sensors: dict[int, bytes] = field(default_factory=dict)
