"""The controller: the only one that moves the train. Here stands who may say what.

It comes up standing and latched, moves only while fresh decisions arrive, and brakes on its way
out; docs/safety.md describes its states and their reasons. Why the train stops stands in
:mod:`kit.train.halts`, and how in :mod:`kit.train.stopping`; how it is released in
:mod:`kit.train.arming`, how it moves in :mod:`kit.train.following`, and which decisions count in
:mod:`kit.train.freshness`. All methods belong to the event loop's thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from kit.errors import ConfigError
from kit.events import REPLAY_PREFIX, Action, Command, Motion, Stage, TrainState
from kit.reasons import Reason
from kit.train import halts
from kit.train.actuator import HubLike
from kit.train.arming import Arming
from kit.train.drive import Drive
from kit.train.following import Following
from kit.train.freshness import Freshness
from kit.train.hub_facts import HubEvent, HubEventKind
from kit.train.latch import Latch
from kit.train.lease import Lease
from kit.train.motion import ControlParameters
from kit.train.stopping import Stopping
from kit.train.telling import Cause, Teller

__all__ = ["ControlParameters", "Controller"]

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
        self.parameters = parameters = parameters or ControlParameters()
        self.train_id = train_id
        self.ignored = 0
        self._hub = hub
        self._by_hand = by_hand
        self._open = False

        def enter(motion: Motion, reason: str) -> None:
            self._enter(motion, reason)  # looked up each time: who watches it misses no change

        self._latch = latch = Latch(train_id=train_id, arm_key=arm_key)
        self._freshness = fresh = Freshness(max_age_ms=parameters.max_age_ms, now_ns=now_ns)
        self._drive = drive = Drive(hub, parameters, on_failure=self._driving_failed, now_ns=now_ns)
        self._teller = teller = Teller(
            hub, train_id=train_id, latch=latch, drive=drive, on_state=on_state, now_ns=now_ns
        )
        self._lease = lease = Lease(
            parameters,
            on_slow=self._silence_slows,
            on_stop=self._silence_stops,
            on_expiry=self._arm_expires,
        )
        self._arming = Arming(
            latch,
            parameters,
            by_hand=by_hand,
            fault=self._fault,
            freshness=fresh,
            lease=lease,
            teller=teller,
            enter=enter,
        )
        self._resumption = self._arming.resumption
        self._stopping = Stopping(
            hub,
            motor=drive.motor,
            latch=latch,
            lease=lease,
            resumption=self._resumption,
            teller=teller,
            enter=enter,
        )
        self._following = Following(
            parameters, drive=drive, lease=lease, freshness=fresh, teller=teller, enter=enter
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
        cause = Cause(command.frame, {**command.marks, Stage.COMMAND_RECEIVED: received_ns})
        match command.action:
            case Action.STOP if self._latch.closed:
                self._still_decided(command)
                self._teller.acted(cause)  # it stands, or brakes already
            case Action.STOP:
                for_a_sign = self._freshness.decided_now(command)
                self._stopping.halt(halts.decided(command.reason), cause)
                if for_a_sign is not None:
                    self._resumption.want()
            case Action.EMERGENCY_STOP:
                reason = command.reason or Reason.EMERGENCY_STOP
                self._stopping.halt(halts.emergency(reason), cause)
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
            self._stopping.halt(halts.HAND_AT_ZERO)
        elif not self._too_late():
            self._following.hand(percent)

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
            self._stopping.halt(halts.emergency(reason))

    def service_lost(self, name: str) -> None:
        """Stop the train because a service that it depends on is gone.

        Args:
            name: The service, such as ``inference``.
        """
        if self._open and not self._latch.closed:
            self._stopping.halt(halts.service_gone(name))
        else:
            self._resumption.drop()

    async def __aenter__(self) -> Self:
        self._open = self._teller.shows = True
        self._hub.on_event(self._hub_event)
        self._stopping.halt(halts.AT_START)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = self._teller.shows = False
        self._drive.forget_lights()
        await self._stopping.end(error)

    def _arm(self, command: Command) -> None:
        if not self._arming.answer(command):
            self.ignored += 1
            _log.warning("An arm command was refused in state '%s'", self.motion)

    def _move(self, command: Command, cause: Cause) -> None:
        refusal = self._refusal(command)
        if self._by_hand:
            self.ignored += 1
        elif refusal:
            self.ignored += 1
            self._freshness.refused = refusal
            self._still_decided(command)
        else:
            self._following.decision(command, cause)

    def _refusal(self, command: Command) -> str | None:
        """Return why a command to move is not followed, or None if it is."""
        if self._latch.closed:
            return Reason.IS_LATCHED
        if self._too_late():
            return Reason.CAME_TOO_LATE
        assert command.frame is not None  # the event's own rule
        return self._freshness.staleness(command.frame)

    def _too_late(self) -> bool:
        """Stop if the silence has lasted too long, though its alarm could not go off yet."""
        if self._lease.overdue:
            self._silence_stops()
        return self._latch.closed

    def _still_decided(self, command: Command) -> None:
        """Note a fresh decision while the train stands, for a train that may go on by itself."""
        frame = self._freshness.decided_now(command)
        if frame is not None:
            self._freshness.note(frame)
            self._resumption.heard(stop=command.action is Action.STOP)

    def _silence_slows(self) -> None:
        refused = self._freshness.refused
        self._following.slow_down(halts.why_slower(by_hand=self._by_hand, refused=refused))

    def _silence_stops(self) -> None:
        refused = self._freshness.refused
        self._stopping.halt(halts.silence(by_hand=self._by_hand, refused=refused))

    def _arm_expires(self) -> None:
        refused = self._freshness.refused
        self._stopping.halt(halts.arm_expired(by_hand=self._by_hand, refused=refused))

    def _driving_failed(self, reason: str) -> None:
        self._stopping.halt(halts.driving_failed(reason))

    def _hub_event(self, event: HubEvent) -> None:
        if not self._open:
            return
        if event.kind is HubEventKind.CONNECTED:
            self._drive.forget_lights()  # a hub that was switched off has forgotten its lights
        if halt := halts.at_hub(event, self._hub.facts):
            self._stopping.halt(halt)
        elif event.kind is HubEventKind.READING:
            self._drive.read()
            self._teller.tell_battery()

    def _fault(self) -> str | None:
        return self._stopping.fault()

    def _enter(self, motion: Motion, reason: str) -> None:
        self._teller.motion, self._teller.reason = motion, reason
