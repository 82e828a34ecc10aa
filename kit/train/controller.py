"""The controller: the only one that moves the train.

It comes up standing and latched, moves only while fresh decisions arrive, and brakes on its way
out. The states and their reasons are described in docs/safety.md. All its methods belong to the
event loop's thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from kit.errors import ConfigError, HubError
from kit.events import (
    REPLAY_PREFIX,
    Action,
    Command,
    FrameStamp,
    Motion,
    Origin,
    Stage,
    TrainState,
)
from kit.reasons import Reason
from kit.train.actuator import HubLike
from kit.train.drive import Drive
from kit.train.freshness import staleness
from kit.train.halts import halt_for, hindrance
from kit.train.hub_facts import HubEvent, HubEventKind
from kit.train.latch import Latch
from kit.train.lease import Lease
from kit.train.motion import MOVING, ControlParameters
from kit.train.resumption import Resumption
from kit.train.telling import Cause, Teller

__all__ = ["ControlParameters", "Controller"]

EXIT_BRAKE_S = 2.0
"""How long to try to brake on the way out, seconds."""


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
        by_hand: Whether a person drives, by :meth:`drive_by_hand`. Then no command moves the
            train; all that stops it still does.
        now_ns: The clock; a simulation faster than life brings its own, and an event loop to it.

    Raises:
        ConfigError: If the train exists in recordings only.
    """

    def __init__(
        self,
        hub: HubLike,
        parameters: ControlParameters | None = None,
        *,
        train_id: str,
        arm_key: str,
        on_state: Callable[[TrainState], None],
        by_hand: bool = False,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if train_id.startswith(REPLAY_PREFIX):
            raise ConfigError(
                "A train with this id is played from a recording, and is never driven",
                expected=f"an id that does not begin with '{REPLAY_PREFIX}'",
                got=train_id,
            )
        self._now_ns = now_ns
        self.parameters = parameters or ControlParameters()
        self.train_id = train_id
        self.ignored = 0
        self._hub = hub
        self._by_hand = by_hand
        self._silence = Reason.NO_HAND if by_hand else Reason.NO_DECISION
        self._latch = Latch(train_id=train_id, arm_key=arm_key)
        self._newest_ns = 0
        self._refused = ""
        self._unconfirmed = False
        self._was_moving = False
        self._battery_told: int | None = None
        self._open = False
        self._drive = Drive(hub, self.parameters, on_failure=self._fail, now_ns=now_ns)
        self._teller = Teller(
            train_id=train_id,
            latch=self._latch,
            facts=lambda: hub.facts,
            power_percent=lambda: self._drive.motor.power_percent,
            on_state=on_state,
        )
        self._lease = Lease(on_slow=self._silence_slows, on_stop=self._silence_stops)
        self._resumption = Resumption(
            after_s=0 if by_hand else self.parameters.resume_after_s,
            silence_s=self.parameters.silence_stop_ms / 1000,
            go=self._resume,
            lost=self._will_not_resume,
        )

    @property
    def motion(self) -> Motion:
        """State the train is in."""
        return self._teller.motion

    @property
    def latched(self) -> bool:
        """Whether the train stands until it is armed."""
        return self._latch.closed

    @property
    def state(self) -> TrainState:
        """The train's state as an event."""
        return self._teller.state

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
        cause = Cause(command.frame, marks)
        match command.action:
            case Action.STOP if self._latch.closed:
                self._still_decided(command)
                self._teller.acted(cause, self._now_ns())  # it stands, or brakes already
            case Action.STOP:
                decided = self._is_decided_now(command)
                self._halt(command.reason, cause)
                if decided:
                    self._resumption.want()
            case Action.EMERGENCY_STOP:
                self._halt(command.reason or Reason.EMERGENCY_STOP, cause, again=True)
            case Action.ARM:
                self._arm(command)
            case Action.CRUISE | Action.SLOW:
                self._move(command, cause)

    def drive_by_hand(self, percent: int) -> None:
        """Move as a person asks, for as long as this is called again and again.

        Each call renews the same lease that decisions renew. A latched train does not move.

        Args:
            percent: Power at the nominal voltage, to 100; 0 and below stop the train.
        """
        if not self._open or not self._by_hand or self._latch.closed:
            self.ignored += 1
        elif percent <= 0:
            self._halt(Reason.STOPPED_BY_HAND)
        elif not self._too_late():
            self._renew(age_s=0.0, lease_s=self.parameters.silence_stop_ms / 1000)
            slow = percent <= self.parameters.slow_percent
            motion = Motion.SLOWED if slow else Motion.CRUISING
            self._go_on(motion, min(percent, 100), Reason.DRIVEN_BY_HAND, Cause())

    def set_headlight(self, percent: int) -> None:
        """Set how bright the light on port B is, moving or not, until the next stop.

        Args:
            percent: 0 to 100.
        """
        if self._open:
            self._drive.shine(percent, self.motion, latched=self._latch.closed)

    def emergency_stop(self, reason: str) -> None:
        """Stop the train at once and latch it.

        Args:
            reason: Why, in words for people.
        """
        if self._open:
            self._halt(reason, again=True)

    def service_lost(self, name: str) -> None:
        """Stop the train because a service that it depends on is gone.

        Args:
            name: The service, such as ``inference``.
        """
        if self._open and not self._latch.closed:
            self._halt(Reason.SERVICE_GONE.say(service=name))
        else:
            self._resumption.drop()

    async def __aenter__(self) -> Self:
        self._open = True
        self._hub.on_event(self._hub_event)
        self._halt(Reason.LATCHED_AT_START, again=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        self._lease.end()
        self._resumption.end()
        self._drive.forget_lights()
        if not self._latch.closed:
            self._latch.close()
        self._enter(Motion.STOPPING, Reason.CONTROLLER_ENDS)
        braked = await self._drive.motor.brake_for_good(EXIT_BRAKE_S)
        reason: str = Reason.CONTROLLER_ENDED
        if error is not None:
            reason = Reason.CONTROLLER_FAILED.say(error=repr(error))
        if braked:
            self._enter(Motion.STOPPED, reason)
        else:
            self._enter(Motion.FAULT, Reason.AND_UNCONFIRMED.say(reason=reason))
        self._teller.cause = Cause()
        self._teller.tell()
        if not braked and error is None:
            raise HubError(
                "The hub did not confirm the last brake",
                fix="look at the train: if it moves, press the hub's green button",
            )

    def _halt(
        self, reason: str, cause: Cause | None = None, *, again: bool = False, fault: bool = False
    ) -> None:
        """Brake and latch; ``again`` makes a new challenge even if latched already."""
        self._lease.end()
        self._resumption.end()
        if again or not self._latch.closed:
            self._latch.close()
        self._was_moving = self._was_moving or self.motion in MOVING
        acted = partial(self._halted, cause or Cause())
        if not self._hub.connected:
            self._drive.motor.forget()
            self._enter(Motion.DISCONNECTED, Reason.AND_OUT_OF_REACH.say(reason=reason))
            acted(self._now_ns())
            return
        self._drive.motor.brake(
            written=acted, confirmed=self._stands, unconfirmed=self._brake_unconfirmed
        )
        lasting = self.motion is Motion.FAULT and self._fault() is not None
        self._enter(Motion.FAULT if fault or lasting else Motion.STOPPING, reason)

    def _halted(self, cause: Cause, at_ns: int) -> None:
        self._teller.acted(cause, at_ns)
        self._show(blink=self._was_moving)
        self._was_moving = False

    def _stands(self) -> None:
        was_unconfirmed, self._unconfirmed = self._unconfirmed, False
        if self.motion is Motion.STOPPING or (was_unconfirmed and self._fault() is None):
            reason = self._teller.reason
            if self._resumption.begin():
                later_s = f"{self.parameters.resume_after_s:g}"
                reason = Reason.GOES_ON_LATER.say(reason=reason, seconds=later_s)
            self._enter(Motion.STOPPED, reason)
            self._teller.tell()
        self._show()

    def _brake_unconfirmed(self) -> None:
        self._unconfirmed = True
        self._resumption.end()
        self._enter(Motion.FAULT, Reason.AND_UNCONFIRMED.say(reason=self._teller.reason))
        self._teller.tell()
        self._show()

    def _fail(self, reason: str) -> None:
        self._halt(reason, fault=True)

    def _arm(self, command: Command) -> None:
        stands = self.motion in {Motion.STOPPED, Motion.FAULT} and self._fault() is None
        released = self._latch.open(command.proof)
        if released and not stands:
            self._latch.close()  # it came too early, and whoever overheard it may not say it later
            self._teller.tell()
        if not (released and stands):
            self.ignored += 1
            _log.warning("An arm command was refused in state '%s'", self.motion)
            return
        armed = Reason.ARMED_FOR_HAND if self._by_hand else Reason.ARMED_FOR_DECISION
        self._release(armed.say(reason=command.reason))

    def _release(self, reason: str) -> None:
        self._resumption.end()
        self._newest_ns = self._now_ns()
        self._refused = ""
        self._enter(Motion.STOPPED, reason)
        self._lease.expect(self.parameters.arm_expires_ms / 1000, self._arm_expires)
        self._teller.cause = Cause()
        self._teller.tell()
        self._show()

    def _still_decided(self, command: Command) -> None:
        """Note a fresh decision while the train stands, for a train that may go on by itself."""
        if self._is_decided_now(command):
            assert command.frame is not None
            self._newest_ns = command.frame.captured_ns
            self._resumption.heard(stop=command.action is Action.STOP)

    def _is_decided_now(self, command: Command) -> bool:
        if command.origin is not Origin.DECISION or command.frame is None:
            return False
        return self._stale(command.frame) is None

    def _resume(self) -> None:
        if self.motion is Motion.STOPPED and self._fault() is None:
            self._latch.release()
            self._release(Reason.GOES_ON)
        else:
            self._will_not_resume()

    def _will_not_resume(self) -> None:
        self._enter(self.motion, Reason.GOES_ON_NO_MORE.say(reason=self._teller.reason))
        self._teller.tell()

    def _move(self, command: Command, cause: Cause) -> None:
        assert command.frame is not None  # the event's own rule
        refusal = self._refusal(command.frame)
        if self._by_hand:
            self.ignored += 1
        elif refusal:
            self.ignored += 1
            self._refused = refusal
            self._still_decided(command)
        else:
            self._follow(command, command.frame, cause)

    def _follow(self, command: Command, frame: FrameStamp, cause: Cause) -> None:
        self._refused = ""
        self._newest_ns = frame.captured_ns
        age_s = (self._now_ns() - frame.captured_ns) / 1e9
        self._renew(age_s=age_s, lease_s=command.lease_ms / 1000)
        slow = command.action is Action.SLOW
        percent = self.parameters.slow_percent if slow else self.parameters.cruise_percent
        self._go_on(_MOTIONS[command.action], percent, command.reason, cause)

    def _refusal(self, frame: FrameStamp) -> str | None:
        if self._latch.closed:
            return Reason.IS_LATCHED
        if self._too_late():
            return Reason.CAME_TOO_LATE
        return self._stale(frame)

    def _stale(self, frame: FrameStamp) -> str | None:
        return staleness(
            frame,
            newer_than_ns=self._newest_ns,
            max_age_ms=self.parameters.max_age_ms,
            now_ns=self._now_ns(),
        )

    def _too_late(self) -> bool:
        """Stop if the silence has lasted too long, though its alarm could not go off yet."""
        if self._lease.overdue:
            self._silence_stops()
        return self._latch.closed

    def _renew(self, *, age_s: float, lease_s: float) -> None:
        """Renew the lease: from the frame's capture on, so that silence is counted from there."""
        silence_s = self.parameters.silence_stop_ms / 1000
        shortened = min(1.0, lease_s / silence_s)
        self._lease.renew(
            slow_s=shortened * self.parameters.silence_slow_ms / 1000,
            stop_s=min(lease_s, silence_s - age_s),
        )

    def _go_on(self, motion: Motion, percent: int, reason: str, cause: Cause) -> None:
        changed = motion is not self.motion or percent != self._drive.percent
        self._enter(motion, reason)
        if changed:
            self._set_off(percent, cause, blink=motion is Motion.SLOWED)
        else:
            self._drive.keep()
            self._teller.acted(cause, self._now_ns())

    def _set_off(self, percent: int, cause: Cause, *, blink: bool) -> None:
        def written(at_ns: int) -> None:
            self._teller.acted(cause, at_ns)
            self._show(blink=blink)

        self._drive.go(percent, written=written)

    def _silence_slows(self) -> None:
        if self.motion is Motion.CRUISING:
            self._enter(Motion.SLOWED, self._silent(Reason.SILENCE_SLOWS))
            percent = min(self._drive.percent, self.parameters.slow_percent)
            self._set_off(percent, Cause(), blink=True)

    def _silence_stops(self) -> None:
        self._halt(self._silent(Reason.SILENCE_STOPS))

    def _arm_expires(self) -> None:
        self._halt(self._silent(Reason.ARM_EXPIRED_HAND if self._by_hand else Reason.ARM_EXPIRED))

    def _silent(self, then: Reason) -> str:
        """Return what a silence leads to, with why the latest decision was refused, if one was."""
        reason = then.say(silence=self._silence)
        refused = Reason.REFUSED.say(reason=reason, refusal=self._refused)
        return refused if self._refused else reason

    def _hub_event(self, event: HubEvent) -> None:
        if not self._open:
            return
        if event.kind is HubEventKind.CONNECTED:
            self._drive.forget_lights()  # a hub that was switched off has forgotten its lights
        if halt := halt_for(event, self._hub.facts):
            self._halt(halt.reason, again=halt.again, fault=halt.fault)
        elif event.kind is HubEventKind.READING:
            self._take_reading()

    def _take_reading(self) -> None:
        self._drive.read()
        if self._hub.facts.battery_percent != self._battery_told:
            self._battery_told = self._hub.facts.battery_percent
            self._teller.tell()

    def _fault(self) -> str | None:
        """Return what keeps the train from moving safely, if anything."""
        return Reason.UNCONFIRMED if self._unconfirmed else hindrance(self._hub.facts)

    def _enter(self, motion: Motion, reason: str) -> None:
        self._teller.motion, self._teller.reason = motion, reason

    def _show(self, *, blink: bool = False) -> None:
        if self._open:
            self._drive.show(self.motion, latched=self._latch.closed, blink=blink)
