"""Messages that make ports do something: output commands and their feedback.

Source: https://lego.github.io/lego-ble-wireless-protocol-docs/#port-output-command
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from kit.errors import HubError
from kit.train.lwp3.enums import (
    Completion,
    Feedback,
    MessageType,
    OutputSubcommand,
    Port,
    Startup,
    Switch,
)
from kit.train.lwp3.hub_messages import Message, named, need


@dataclass(frozen=True)
class VirtualPortSetup(Message):
    """Joins two ports to a virtual one, or takes it apart (0x61).

    Attributes:
        ports: Two ports to join, or the one virtual port to take apart.
    """

    type: ClassVar[MessageType] = MessageType.VIRTUAL_PORT_SETUP

    ports: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.ports) not in {1, 2}:
            raise HubError("A virtual port setup has two ports, or one", got=self.ports)

    def payload(self) -> bytes:
        """Return 1 and two ports, or 0 and one."""
        return bytes([len(self.ports) - 1, *self.ports])

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read 1 and two ports, or 0 and one."""
        need(payload, range(2, 4), "virtual port setup")
        need(payload, 3 if named(Switch, payload[0]) else 2, "virtual port setup")
        return cls(tuple(Port(port) for port in payload[1:]))


_PARAMETER_LENGTHS: dict[OutputSubcommand, int | range] = {
    OutputSubcommand.START_POWER: 1,
    OutputSubcommand.START_POWER_2: 2,
    OutputSubcommand.SET_ACCELERATION_TIME: 3,
    OutputSubcommand.SET_DECELERATION_TIME: 3,
    OutputSubcommand.START_SPEED: 3,
    OutputSubcommand.START_SPEED_2: 4,
    OutputSubcommand.START_SPEED_FOR_TIME: 6,
    OutputSubcommand.START_SPEED_FOR_TIME_2: 7,
    OutputSubcommand.START_SPEED_FOR_DEGREES: 8,
    OutputSubcommand.START_SPEED_FOR_DEGREES_2: 9,
    OutputSubcommand.GOTO_ABSOLUTE_POSITION: 8,
    OutputSubcommand.GOTO_ABSOLUTE_POSITION_2: 12,
    OutputSubcommand.PRESET_ENCODER: 4,
    OutputSubcommand.PRESET_ENCODER_2: 8,
    OutputSubcommand.WRITE_DIRECT: range(1, 65),
    OutputSubcommand.WRITE_DIRECT_MODE_DATA: range(2, 66),
}


@dataclass(frozen=True)
class PortOutputCommand(Message):
    """Asks a motor or a light for something (0x81).

    Attributes:
        port: Which port.
        subcommand: What to do.
        parameters: Bytes that the subcommand needs; for ``WRITE_DIRECT_MODE_DATA`` the mode
            and its data.
        startup: Whether to wait for the command that is under way.
        completion: Whether the hub is to tell what became of it.
    """

    type: ClassVar[MessageType] = MessageType.PORT_OUTPUT_COMMAND

    port: int
    subcommand: OutputSubcommand
    parameters: bytes
    startup: Startup = Startup.IMMEDIATE
    completion: Completion = Completion.FEEDBACK

    def __post_init__(self) -> None:
        need(self.parameters, _PARAMETER_LENGTHS[self.subcommand], self.subcommand.name)

    def payload(self) -> bytes:
        """Return port, flags, subcommand, parameters."""
        head = bytes([self.port, self.startup | self.completion, self.subcommand])
        return head + self.parameters

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read port, flags, subcommand, parameters."""
        need(payload, range(4, 69), "port output command")
        return cls(
            Port(payload[0]),
            named(OutputSubcommand, payload[2]),
            payload[3:],
            named(Startup, payload[1] & 0xF0),
            named(Completion, payload[1] & 0x0F),
        )


@dataclass(frozen=True)
class PortOutputFeedback(Message):
    """Tells what became of output commands (0x82).

    Attributes:
        ports: One pair of port and feedback a port, three at most.
    """

    type: ClassVar[MessageType] = MessageType.PORT_OUTPUT_COMMAND_FEEDBACK

    ports: tuple[tuple[int, Feedback], ...]

    def __post_init__(self) -> None:
        if len(self.ports) not in {1, 2, 3}:
            raise HubError("Feedback is about one to three ports", got=self.ports)

    def payload(self) -> bytes:
        """Return the pairs."""
        return bytes(byte for pair in self.ports for byte in pair)

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read the pairs."""
        need(payload, range(2, 7, 2), "port output feedback")
        pairs = zip(payload[::2], payload[1::2], strict=True)
        return cls(tuple((Port(port), Feedback(feedback)) for port, feedback in pairs))
