"""What a hub has told about itself: pure bookkeeping over its messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kit.train.lwp3.codec import OpaqueMessage
from kit.train.lwp3.enums import (
    AlertStatus,
    AlertType,
    Feedback,
    HubAction,
    HubProperty,
    IoEvent,
    IoType,
    ModeInformationType,
    Port,
    PropertyOperation,
    SystemType,
)
from kit.train.lwp3.hub_messages import (
    AttachedIoMessage,
    GenericErrorMessage,
    HubActionMessage,
    HubAlertMessage,
    HubPropertyMessage,
    Message,
)
from kit.train.lwp3.output_messages import PortOutputFeedback
from kit.train.lwp3.port_messages import ModeInformation, PortValue
from kit.train.lwp3.values import property_content

MODE_NAMES = {"LPF2-TRAIN": IoType.TRAIN_MOTOR, "LPF2-LIGHT": IoType.LIGHT}
"""Name of a device's mode 0 by which its type is known when the hub does not announce it."""

MAX_VOLTAGE_V = 20.0
"""Highest voltage that is believed, volts; six batteries give half of it."""

STOPPING_ALERTS = frozenset({AlertType.LOW_VOLTAGE, AlertType.HIGH_CURRENT, AlertType.OVER_POWER})
"""Alerts with which a train must not move: the hub may soon switch itself or its motor off.

A low signal is only told: should the link drop, the train brakes as for any lost link.
"""

_GOING = {HubAction.WILL_SWITCH_OFF, HubAction.WILL_DISCONNECT, HubAction.WILL_ENTER_BOOT_MODE}
_HUB_PORTS = 2


class HubEventKind(StrEnum):
    """What can happen to a hub."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    BUTTON_PRESSED = "button pressed"
    BUTTON_RELEASED = "button released"
    ALERT = "alert"
    ALERT_OVER = "alert over"
    ATTACHED = "attached"
    DETACHED = "detached"
    GOING = "going"
    REFUSED = "refused"
    FEEDBACK = "feedback"
    READING = "reading"


@dataclass(frozen=True)
class HubEvent:
    """Something that happened to the hub.

    Attributes:
        kind: What.
        detail: In words for people, such as ``high current``.
        port: The port it happened at, if it happened at one.
        io_type: What was attached or detached.
        done: Whether a command to the port was carried out, for ``FEEDBACK``.
    """

    kind: HubEventKind
    detail: str = ""
    port: int | None = None
    io_type: IoType | None = None
    done: bool = False


@dataclass
class HubFacts:
    """What is known of a hub.

    Attributes:
        name: Advertised name.
        system_type: Which hub it is.
        firmware: Version of its firmware, such as ``1.1.00.0004``.
        battery_percent: Charge left, 0 to 100.
        rssi_dbm: Strength of our signal at the hub.
        devices: Kind of device by port.
        alerts: Alerts that are on and keep the train from moving.
        weak_signal: Whether the hub warns that it hardly hears us.
    """

    name: str | None = None
    system_type: SystemType | None = None
    firmware: str | None = None
    battery_percent: int | None = None
    rssi_dbm: int | None = None
    devices: dict[int, IoType] = field(default_factory=dict)
    alerts: set[AlertType] = field(default_factory=set)
    weak_signal: bool = False
    _raw_voltage: int | None = None
    _raw_max: float | None = None
    _millivolts_max: float | None = None

    @property
    def voltage_v(self) -> float | None:
        """Battery voltage in volts, once the hub has told its sensor's value and range."""
        if self._raw_voltage is None or not self._raw_max or not self._millivolts_max:
            return None
        volts = self._raw_voltage / self._raw_max * self._millivolts_max / 1000
        return round(volts, 3) if 0 <= volts <= MAX_VOLTAGE_V else None

    def port_of(self, io_type: IoType) -> int | None:
        """Return the first outer port that has such a device, or None."""
        ports = [port for port, device in self.devices.items() if device == io_type]
        return min((port for port in ports if port < _HUB_PORTS), default=None)

    def forget_link(self) -> None:
        """Forget what a hub tells anew on each link: its devices and its alerts."""
        self.devices.clear()
        self.alerts.clear()
        self.weak_signal = False

    def take(self, message: Message | OpaqueMessage) -> list[HubEvent]:
        """Note what a message tells.

        Args:
            message: What the hub sent.

        Returns:
            What happened, if anyone may care.
        """
        if isinstance(message, PortOutputFeedback):
            return [_feedback(port, feedback) for port, feedback in message.ports]
        event = self._note(message)
        return [] if event is None else [event]

    def _note(self, message: Message | OpaqueMessage) -> HubEvent | None:
        event: HubEvent | None = None
        match message:
            case HubPropertyMessage(operation=PropertyOperation.UPDATE):
                event = self._property(message)
            case AttachedIoMessage():
                event = self._attached(message)
            case HubAlertMessage(status=AlertStatus()):
                event = self._alert(message)
            case HubActionMessage() if message.action in _GOING:
                event = HubEvent(HubEventKind.GOING, _words(message.action.name))
            case GenericErrorMessage():
                why = f"message 0x{message.command:02x}: {_words(message.code.name)}"
                event = HubEvent(HubEventKind.REFUSED, why)
            case PortValue(port=Port.VOLTAGE):
                self._raw_voltage = message.unsigned
                event = HubEvent(HubEventKind.READING, "voltage", message.port)
            case ModeInformation():
                event = self._mode(message)
        return event

    def _property(self, message: HubPropertyMessage) -> HubEvent:
        match message.property, property_content(message):
            case HubProperty.BUTTON, bool(pressed):
                kind = HubEventKind.BUTTON_PRESSED if pressed else HubEventKind.BUTTON_RELEASED
                return HubEvent(kind)
            case HubProperty.BATTERY_VOLTAGE, int(percent):
                self.battery_percent = min(100, percent)
            case HubProperty.RSSI, int(dbm):
                self.rssi_dbm = max(-127, dbm)
            case HubProperty.ADVERTISING_NAME, str(name):
                self.name = name
            case HubProperty.FIRMWARE_VERSION, str(version):
                self.firmware = version
            case HubProperty.SYSTEM_TYPE, SystemType() as kind_of_hub:
                self.system_type = kind_of_hub
        return HubEvent(HubEventKind.READING, _words(message.property.name))

    def _attached(self, message: AttachedIoMessage) -> HubEvent:
        if message.event is IoEvent.DETACHED or message.io_type is None:
            gone = self.devices.pop(message.port, None)
            return HubEvent(HubEventKind.DETACHED, port=message.port, io_type=gone)
        self.devices[message.port] = message.io_type
        return HubEvent(HubEventKind.ATTACHED, port=message.port, io_type=message.io_type)

    def _alert(self, message: HubAlertMessage) -> HubEvent | None:
        on = message.status is AlertStatus.ALERT
        if message.alert in STOPPING_ALERTS:
            was_on = message.alert in self.alerts
            (self.alerts.add if on else self.alerts.discard)(message.alert)
        else:
            was_on, self.weak_signal = self.weak_signal, on
        if on == was_on:
            return None
        kind = HubEventKind.ALERT if on else HubEventKind.ALERT_OVER
        return HubEvent(kind, _words(message.alert.name))

    def _mode(self, message: ModeInformation) -> HubEvent | None:
        if message.information is ModeInformationType.NAME:
            device = MODE_NAMES.get(message.text)
            if device is None:
                return None
            self.devices[message.port] = device
            return HubEvent(HubEventKind.ATTACHED, port=message.port, io_type=device)
        if message.port == Port.VOLTAGE and message.information is ModeInformationType.RAW:
            self._raw_max = message.limits[1]
        if message.port == Port.VOLTAGE and message.information is ModeInformationType.SI:
            self._millivolts_max = message.limits[1]
        return None


def _feedback(port: int, feedback: Feedback) -> HubEvent:
    done = Feedback.COMPLETED in feedback and Feedback.DISCARDED not in feedback
    return HubEvent(HubEventKind.FEEDBACK, repr(feedback), port, done=done)


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
