"""The virtual hub: what a City hub answers to each message, without any radio.

:class:`kit.sim.radio.VirtualRadio` puts it on the air. Its motor and light act on a
:class:`HubPort`, which the virtual set's physics fulfils. Nothing in the protocol stops the
motor when a link drops, and this hub does not either: it keeps the last power.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from kit.errors import HubError
from kit.sim.hub_modes import (
    DEVICES,
    LOW_VOLTAGE_V,
    attached,
    mode_information,
    port_information,
    property_value,
    raw_voltage,
)
from kit.sim.hub_session import HubPort, Session
from kit.train.lwp3 import hub_messages as m
from kit.train.lwp3 import output_messages as o
from kit.train.lwp3 import port_messages as p
from kit.train.lwp3.codec import OpaqueMessage, decode, encode
from kit.train.lwp3.commands import BRAKE, FLOAT
from kit.train.lwp3.enums import (
    AlertOperation,
    AlertStatus,
    AlertType,
    Completion,
    ErrorCode,
    Feedback,
    HubAction,
    HubProperty,
    IoEvent,
    IoType,
    MessageType,
    OutputSubcommand,
    PropertyOperation,
)

__all__ = ["HubPort", "Session", "VirtualHub"]


class VirtualHub:
    """A City hub with a train motor on port A and a light on port B.

    Args:
        port: What it drives and measures.
        name: Advertised name, 14 bytes of UTF-8 at most.
        on_message: Called with each message written to it, before it acts.
    """

    def __init__(
        self,
        port: HubPort,
        *,
        name: str = "Runaway train",
        on_message: Callable[[bytes], None] | None = None,
    ) -> None:
        self.name = name
        self.colour = 0
        self.rssi_dbm = -56
        self.button_pressed = False
        self._port = port
        self._devices = dict(DEVICES)
        self._on_message = on_message
        self._sessions: list[Session] = []
        self._alerts: set[AlertType] = set()
        self._on_switch: Callable[[bool], None] = lambda _on: None
        self.switched_on = True

    def on_switch(self, callback: Callable[[bool], None]) -> None:
        """Have a function called when the hub is switched on or off, with whether it is on."""
        self._on_switch = callback

    def switch_off(self) -> None:
        """Switch the hub off: the motor runs out, everyone is told and loses the link."""
        if self.switched_on:
            self.switched_on = False
            self._port.float_()
            self._port.set_light(0)
            for each in tuple(self._sessions):
                each.notify(encode(m.HubActionMessage(HubAction.WILL_SWITCH_OFF)))
                each.disconnect()
            self._on_switch(False)

    def switch_on(self) -> None:
        """Switch the hub on again: it can be found, and its motor stands."""
        if not self.switched_on:
            self.switched_on = True
            self._on_switch(True)

    def press_power(self) -> None:
        """Switch the hub off if it is on, and on if it is off."""
        (self.switch_off if self.switched_on else self.switch_on)()

    def connect(
        self,
        notify: Callable[[bytes], None],
        disconnect: Callable[[], None],
        *,
        announce: bool = True,
    ) -> Session:
        """Welcome a client that listens.

        Args:
            notify: Sends one message to it.
            disconnect: Ends its link.
            announce: Whether to tell it what is attached to the ports: once a link.
        """
        session = Session(notify, disconnect)
        self._sessions.append(session)
        if announce:
            for port, device in self._devices.items():
                notify(attached(port, device))
        return session

    def leave(self, session: Session) -> None:
        """Forget a client; the motor goes on as it was."""
        self._sessions.remove(session)

    def write(self, session: Session, data: bytes) -> None:
        """Act on one message that a client wrote.

        Args:
            session: The client.
            data: The message as it came, whatever it is.
        """
        if self._on_message:
            self._on_message(data)
        try:
            self._act(session, decode(data))
        except HubError:
            kind = data[2] if len(data) > 2 else 0
            known = kind in set(MessageType)
            code = ErrorCode.INVALID_USE if known else ErrorCode.COMMAND_NOT_RECOGNISED
            session.notify(encode(m.GenericErrorMessage(kind, code)))

    def press_button(self, *, pressed: bool = True) -> None:
        """Press or release the hub's green button."""
        self.button_pressed = pressed
        self.refresh()

    def raise_alert(self, alert: AlertType, *, on: bool = True) -> None:
        """Switch an alert on or off, such as for a motor that draws too much current."""
        (self._alerts.add if on else self._alerts.discard)(alert)
        self.refresh()

    def unplug(self, port: int) -> None:
        """Pull the device out of a port; a motor runs out then."""
        if self._devices.pop(port) is IoType.TRAIN_MOTOR:
            self._port.float_()
        for session in self._sessions:
            session.notify(encode(m.AttachedIoMessage(port, IoEvent.DETACHED)))

    def plug(self, port: int, device: IoType) -> None:
        """Put a device into a free port."""
        self._devices[port] = device
        for session in self._sessions:
            session.notify(attached(port, device))

    def refresh(self) -> None:
        """Tell every client what changed among the things that it asked for."""
        for session in self._sessions:
            for what, told in session.properties.items():
                if (value := self._property(what)) != told:
                    self._tell_property(session, what, value)
            for alert, status in session.alerts.items():
                if self._alert(alert) is not status:
                    self._tell_alert(session, alert)
            for port, told in session.sensors.items():
                if (value := raw_voltage(self._port.voltage_v)) != told:
                    session.sensors[port] = value
                    session.notify(encode(p.PortValue(port, value)))

    def _act(self, session: Session, message: m.Message | OpaqueMessage) -> None:
        match message:
            case o.PortOutputCommand():
                self._output(session, message)
            case m.HubPropertyMessage():
                self._hub_property(session, message)
            case m.HubAlertMessage():
                self._hub_alert(session, message)
            case m.HubActionMessage():
                self._action(session, message.action)
            case p.PortInputFormatSetup():
                self._listen(session, message)
            case p.PortInformationRequest():
                session.notify(encode(port_information(message.port, self._device(message.port))))
            case p.ModeInformationRequest():
                session.notify(encode(mode_information(message, self._device(message.port))))
            case _:
                raise HubError("A City hub does not take this message", got=message)

    def _output(self, session: Session, command: o.PortOutputCommand) -> None:
        device = self._device(command.port)
        feedback = Feedback.IDLE | Feedback.COMPLETED
        if command.subcommand is OutputSubcommand.WRITE_DIRECT_MODE_DATA:
            self._drive(device, command.parameters)
        else:
            # Owners report that the train's hub ignores the motor commands proper.
            feedback |= Feedback.DISCARDED
        if command.completion is Completion.FEEDBACK:
            session.notify(encode(o.PortOutputFeedback(((command.port, feedback),))))

    def _drive(self, device: IoType, parameters: bytes) -> None:
        if parameters[0] != 0 or len(parameters) != 2:
            raise HubError("Only mode 0 and one byte", got=parameters.hex(" "))
        (power,) = struct.unpack_from("b", parameters, 1)
        if device is IoType.TRAIN_MOTOR:
            self._drive_motor(power)
        elif device is IoType.LIGHT and 0 <= power <= 100:
            self._port.set_light(power)
        elif device is IoType.RGB_LIGHT and 0 <= power <= 10:
            self.colour = power
        else:
            raise HubError("This device cannot do that", got=power)

    def _drive_motor(self, power: int) -> None:
        if power == BRAKE:
            self._port.brake()
        elif power == FLOAT:
            self._port.float_()
        elif -100 <= power <= 100:
            self._port.set_motor(power)
        else:
            raise HubError("Power out of range", got=power)

    def _hub_property(self, session: Session, message: m.HubPropertyMessage) -> None:
        what, operation = message.property, message.operation
        if operation is PropertyOperation.SET and what is HubProperty.ADVERTISING_NAME:
            self.name = message.value.decode("utf-8", "replace")
        elif operation is PropertyOperation.ENABLE_UPDATES:
            self._tell_property(session, what, self._property(what))
            session.properties[what] = self._property(what)
        elif operation is PropertyOperation.DISABLE_UPDATES:
            session.properties.pop(what, None)
        elif operation is PropertyOperation.REQUEST_UPDATE:
            self._tell_property(session, what, self._property(what))
        else:
            raise HubError("This property cannot be changed so", got=operation.name)

    def _tell_property(self, session: Session, what: HubProperty, value: bytes) -> None:
        if what in session.properties:
            session.properties[what] = value
        update = m.HubPropertyMessage(what, PropertyOperation.UPDATE, value)
        session.notify(encode(update))

    def _property(self, what: HubProperty) -> bytes:
        return property_value(
            what,
            name=self.name,
            pressed=self.button_pressed,
            rssi_dbm=self.rssi_dbm,
            battery_percent=self._port.battery_percent,
        )

    def _hub_alert(self, session: Session, message: m.HubAlertMessage) -> None:
        if message.operation is AlertOperation.DISABLE_UPDATES:
            session.alerts.pop(message.alert, None)
            return
        if message.operation is AlertOperation.ENABLE_UPDATES:
            session.alerts[message.alert] = AlertStatus.OK
        self._tell_alert(session, message.alert)

    def _tell_alert(self, session: Session, alert: AlertType) -> None:
        status = self._alert(alert)
        if alert in session.alerts:
            session.alerts[alert] = status
        session.notify(encode(m.HubAlertMessage(alert, AlertOperation.UPDATE, status)))

    def _alert(self, alert: AlertType) -> AlertStatus:
        low = alert is AlertType.LOW_VOLTAGE and self._port.voltage_v < LOW_VOLTAGE_V
        return AlertStatus.ALERT if low or alert in self._alerts else AlertStatus.OK

    def _action(self, session: Session, action: HubAction) -> None:
        if action is HubAction.DISCONNECT:
            session.notify(encode(m.HubActionMessage(HubAction.WILL_DISCONNECT)))
            session.disconnect()
        elif action in {HubAction.SWITCH_OFF, HubAction.SWITCH_OFF_AT_ONCE}:
            self.switch_off()
        else:
            raise HubError("The virtual hub does not do this", got=action.name)

    def _listen(self, session: Session, setup: p.PortInputFormatSetup) -> None:
        if self._device(setup.port) is not IoType.VOLTAGE or setup.mode != 0:
            raise HubError("Only the voltage sensor can be read, in mode 0", got=setup)
        session.notify(encode(p.PortInputFormat(setup.port, 0, setup.delta, setup.notify)))
        value = raw_voltage(self._port.voltage_v)
        session.notify(encode(p.PortValue(setup.port, value)))
        if setup.notify:
            session.sensors[setup.port] = value
        else:
            session.sensors.pop(setup.port, None)

    def _device(self, port: int) -> IoType:
        if port not in self._devices:
            raise HubError("Nothing is attached to this port", got=port)
        return self._devices[port]
