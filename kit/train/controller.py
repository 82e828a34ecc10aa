"""The controller: the only one that moves the train.

It comes up standing and latched, moves only while fresh decisions arrive, and brakes on its way
out. The states and their reasons are described in docs/safety.md. All its methods belong to the
event loop's thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from kit.errors import HubError
from kit.events import Action, Command, FrameStamp, Motion, Stage, TrainState
from kit.train.actuator import Actuator, HubLike
from kit.train.hub_facts import HubEvent, HubEventKind
from kit.train.lease import Lease
from kit.train.motion import (
    ARMED_COLOUR,
    COLOURS,
    MOVING,
    UNCONFIRMED,
    ControlParameters,
    Latch,
    hindrance,
    staleness,
)

__all__ = ["ControlParameters", "Controller"]

EXIT_BRAKE_S = 2.0
"""How long to try to brake on the way out, seconds."""


@dataclass(frozen=True)
class _Cause:
    """The frame whose command is acted on, and its stages so far."""

    frame: FrameStamp | None = None
    marks: Mapping[Stage, int] = field(default_factory=dict)


_MOTIONS = {Action.CRUISE: Motion.CRUISING, Action.SLOW: Motion.SLOWED}
_log = logging.getLogger(__name__)


class Controller:
    """Moves one train; an async context manager.

    Args:
        hub: The open hub.
        parameters: Powers, ramps and patience.
        train_id: Which train; commands for others are ignored.
        arm_key: Secret shared with the operators.
        on_state: Called with the train's state at each change, and for each command acted on.
        now_ns: The clock; a simulation faster than life brings its own, and an event loop to it.
    """

    def __init__(
        self,
        hub: HubLike,
        parameters: ControlParameters | None = None,
        *,
        train_id: str,
        arm_key: str,
        on_state: Callable[[TrainState], None],
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._now_ns = now_ns
        self.parameters = parameters or ControlParameters()
        self.train_id = train_id
        self.ignored = 0
        self._hub = hub
        self._on_state = on_state
        self._latch = Latch(train_id=train_id, arm_key=arm_key)
        self._motion = Motion.STOPPED
        self._reason = "not yet braked"
        self._cause = _Cause()
        self._newest_ns = 0
        self._refused = ""
        self._unconfirmed = False
        self._battery_told: int | None = None
        self._open = False
        self._motor = Actuator(hub, self.parameters, on_failure=self._fail, now_ns=now_ns)
        self._lease = Lease(on_slow=self._silence_slows, on_stop=self._silence_stops)

    @property
    def motion(self) -> Motion:
        """State the train is in."""
        return self._motion

    @property
    def latched(self) -> bool:
        """Whether the train stands until it is armed."""
        return self._latch.closed

    @property
    def state(self) -> TrainState:
        """The train's state as an event."""
        facts = self._hub.facts
        return TrainState(
            train_id=self.train_id,
            motion=self._motion,
            reason=self._reason[:500],
            power_percent=self._motor.power_percent,
            latched=self._latch.closed,
            challenge=self._latch.challenge,
            battery_percent=facts.battery_percent,
            voltage_v=facts.voltage_v,
            rssi_dbm=facts.rssi_dbm,
            frame=self._cause.frame,
            marks=dict(self._cause.marks),
        )

    def handle(self, command: Command, received_ns: int) -> None:
        """Act on a command at once.

        Args:
            command: What to do; a move that must not be followed is counted in ``ignored``.
            received_ns: When it arrived, monotonic nanoseconds.
        """
        if not self._open or command.train_id != self.train_id:
            self.ignored += 1
            return
        marks = {**command.marks, Stage.COMMAND_RECEIVED: received_ns}
        cause = _Cause(command.frame, marks)
        match command.action:
            case Action.STOP if self._latch.closed:
                self._acted(cause, self._now_ns())  # it stands, or brakes already
            case Action.STOP:
                self._halt(command.reason, cause)
            case Action.EMERGENCY_STOP:
                self._halt(command.reason or "emergency stop", cause, again=True)
            case Action.ARM:
                self._arm(command)
            case Action.CRUISE | Action.SLOW:
                self._move(command, cause)

    def emergency_stop(self, reason: str) -> None:
        """Stop the train at once and latch it.

        Args:
            reason: Why, in words for people.
        """
        self._halt(reason, again=True)

    def service_lost(self, name: str) -> None:
        """Stop the train because a service that it depends on is gone.

        Args:
            name: The service, such as ``inference``.
        """
        if not self._latch.closed:
            self._halt(f"the service '{name}' is gone")

    async def __aenter__(self) -> Self:
        self._open = True
        self._hub.on_event(self._hub_event)
        self._halt("waiting to be armed", again=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        self._lease.end()
        if not self._latch.closed:
            self._latch.close()
        self._enter(Motion.STOPPING, "the controller ends")
        braked = await self._motor.brake_for_good(EXIT_BRAKE_S)
        reason = "the controller has ended" if error is None else f"failed: {error!r}"
        if braked:
            self._enter(Motion.STOPPED, reason)
        else:
            self._enter(Motion.FAULT, f"{reason}; {UNCONFIRMED}")
        self._cause = _Cause()
        self._publish()
        if not braked and error is None:
            raise HubError(
                "The hub did not confirm the last brake",
                fix="look at the train: if it moves, press the hub's green button",
            )

    def _halt(
        self, reason: str, cause: _Cause | None = None, *, again: bool = False, fault: bool = False
    ) -> None:
        """Brake and latch; ``again`` makes a new challenge even if latched already."""
        self._lease.end()
        if again or not self._latch.closed:
            self._latch.close()
        acted = partial(self._acted, cause or _Cause())
        if not self._hub.connected:
            self._motor.forget()
            self._enter(Motion.DISCONNECTED, f"{reason}; the hub is out of reach")
            acted(self._now_ns())
            return
        self._motor.brake(
            written=acted, confirmed=self._stands, unconfirmed=self._brake_unconfirmed
        )
        lasting = self._motion is Motion.FAULT and self._fault() is not None
        self._enter(Motion.FAULT if fault or lasting else Motion.STOPPING, reason)

    def _stands(self) -> None:
        was_unconfirmed, self._unconfirmed = self._unconfirmed, False
        if self._motion is Motion.STOPPING or (was_unconfirmed and self._fault() is None):
            self._enter(Motion.STOPPED, self._reason)
            self._publish()
        self._show()

    def _brake_unconfirmed(self) -> None:
        self._unconfirmed = True
        self._enter(Motion.FAULT, f"{self._reason}; {UNCONFIRMED}")
        self._publish()

    def _fail(self, reason: str) -> None:
        self._halt(reason, fault=True)

    def _arm(self, command: Command) -> None:
        stands = self._motion in {Motion.STOPPED, Motion.FAULT} and self._fault() is None
        if not stands or not self._latch.open(command.proof):
            self.ignored += 1
            _log.warning("An arm command was refused in state '%s'", self._motion)
            return
        self._newest_ns = self._now_ns()
        self._refused = ""
        self._enter(Motion.STOPPED, f"armed, waiting for a decision: {command.reason}")
        self._lease.expect(self.parameters.arm_expires_ms / 1000, self._arm_expires)
        self._cause = _Cause()
        self._publish()
        self._show()

    def _move(self, command: Command, cause: _Cause) -> None:
        assert command.frame is not None  # the event's own rule
        refusal = (
            "the train is latched"
            if self._latch.closed
            else staleness(
                command.frame,
                newer_than_ns=self._newest_ns,
                max_age_ms=self.parameters.max_age_ms,
                now_ns=self._now_ns(),
            )
        )
        if refusal:
            self.ignored += 1
            self._refused = f" (refused: {refusal})"
            return
        self._refused = ""
        self._newest_ns = command.frame.captured_ns
        shortened = min(1.0, command.lease_ms / self.parameters.silence_stop_ms)
        self._lease.renew(
            slow_s=shortened * self.parameters.silence_slow_ms / 1000,
            stop_s=shortened * self.parameters.silence_stop_ms / 1000,
        )
        motion = _MOTIONS[command.action]
        changed = motion is not self._motion
        self._enter(motion, command.reason)
        if changed:
            self._drive(cause)
        else:
            self._acted(cause, self._now_ns())

    def _drive(self, cause: _Cause) -> None:
        slow = self._motion is Motion.SLOWED
        percent = self.parameters.slow_percent if slow else self.parameters.cruise_percent

        def written(at_ns: int) -> None:
            self._acted(cause, at_ns)
            self._show()

        self._motor.drive(percent, written=written)

    def _silence_slows(self) -> None:
        if self._motion is Motion.CRUISING:
            self._enter(Motion.SLOWED, f"no fresh decision: slowing down{self._refused}")
            self._drive(_Cause())

    def _silence_stops(self) -> None:
        self._halt(f"no fresh decision: stopped{self._refused}")

    def _arm_expires(self) -> None:
        self._halt(f"armed, but no fresh decision came{self._refused}")

    def _hub_event(self, event: HubEvent) -> None:
        if not self._open:
            return
        match event.kind:
            case HubEventKind.DISCONNECTED:
                self._halt("the Bluetooth link was lost", again=True)
            case HubEventKind.CONNECTED:
                self._halt("the hub is back", again=True)
            case HubEventKind.BUTTON_PRESSED:
                self.emergency_stop("the hub's own button was pressed")
            case HubEventKind.GOING:
                self._halt(f"the hub {event.detail}", again=True)
            case HubEventKind.ALERT | HubEventKind.DETACHED if self._fault():
                self._halt(str(self._fault()), fault=True)
            case HubEventKind.REFUSED if "overcurrent" in event.detail:
                self._halt(f"the hub refused a command: {event.detail}", fault=True)
            case HubEventKind.READING if self._hub.facts.battery_percent != self._battery_told:
                self._battery_told = self._hub.facts.battery_percent
                self._publish()

    def _fault(self) -> str | None:
        """Return what keeps the train from moving safely, if anything."""
        return UNCONFIRMED if self._unconfirmed else hindrance(self._hub.facts)

    def _enter(self, motion: Motion, reason: str) -> None:
        self._motion, self._reason = motion, reason

    def _acted(self, cause: _Cause, at_ns: int) -> None:
        self._cause = _Cause(cause.frame, {**cause.marks, Stage.ACTED: at_ns})
        self._publish()

    def _publish(self) -> None:
        try:
            self._on_state(self.state)
        except Exception:  # noqa: BLE001  # whoever listens must not keep the train from braking
            _log.exception("The train's state could not be told")

    def _show(self) -> None:
        waits = self._motion is Motion.STOPPED and not self._latch.closed
        moves = self._motion in MOVING
        if self._open and self._motion in COLOURS:
            colour = ARMED_COLOUR if waits else COLOURS[self._motion]
            self._motor.show(colour, self.parameters.headlight_percent if moves else 0)
