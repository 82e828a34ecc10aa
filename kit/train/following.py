"""How the train moves: it follows decisions or a hand, for as long as they keep coming.

Whether it may move at all was settled before: see :class:`~kit.train.controller.Controller`.
"""

from __future__ import annotations

from collections.abc import Callable

from kit.events import Action, Command, Motion
from kit.reasons import Reason
from kit.train.drive import Drive
from kit.train.freshness import Freshness
from kit.train.lease import Lease
from kit.train.motion import ControlParameters
from kit.train.telling import Cause, Teller

_MOTIONS = {Action.CRUISE: Motion.CRUISING, Action.SLOW: Motion.SLOWED}


class Following:
    """Renews the lease and sets the speed.

    Args:
        parameters: Powers and patience.
        drive: The motor and the lights.
        lease: Renewed by whatever is followed.
        freshness: Told of each frame that is followed.
        teller: Tells the train's state.
        enter: Called with each state that this leads to, and the reason.
    """

    def __init__(
        self,
        parameters: ControlParameters,
        *,
        drive: Drive,
        lease: Lease,
        freshness: Freshness,
        teller: Teller,
        enter: Callable[[Motion, str], None],
    ) -> None:
        self._parameters = parameters
        self._drive = drive
        self._lease = lease
        self._freshness = freshness
        self._teller = teller
        self._enter = enter

    def decision(self, command: Command, cause: Cause) -> None:
        """Move as a decision says.

        Args:
            command: ``cruise`` or ``slow``.
            cause: Its frame, with the stages so far.
        """
        frame = command.frame
        assert frame is not None  # the event's own rule
        self._freshness.follow(frame)
        age_s = self._freshness.age_s(frame)
        self._lease.renew(age_s=age_s, lease_s=command.lease_ms / 1000)
        slow = command.action is Action.SLOW
        percent = self._parameters.slow_percent if slow else self._parameters.cruise_percent
        self._go_on(_MOTIONS[command.action], percent, command.reason, cause)

    def hand(self, percent: int) -> None:
        """Move as a hand asks.

        Args:
            percent: Power at the nominal voltage, above 0; more than 100 is 100.
        """
        self._lease.renew(age_s=0.0, lease_s=self._parameters.silence_stop_ms / 1000)
        slow = percent <= self._parameters.slow_percent
        motion = Motion.SLOWED if slow else Motion.CRUISING
        self._go_on(motion, min(percent, 100), Reason.DRIVEN_BY_HAND, Cause())

    def slow_down(self, reason: str) -> None:
        """Slow a train that cruises; one that does not is left alone.

        Args:
            reason: Why, in words for people.
        """
        if self._teller.motion is Motion.CRUISING:
            self._enter(Motion.SLOWED, reason)
            percent = min(self._drive.percent, self._parameters.slow_percent)
            self._set_off(percent, Cause(), blink=True)

    def _go_on(self, motion: Motion, percent: int, reason: str, cause: Cause) -> None:
        changed = motion is not self._teller.motion or percent != self._drive.percent
        self._enter(motion, reason)
        if changed:
            self._set_off(percent, cause, blink=motion is Motion.SLOWED)
        else:
            self._drive.keep()
            self._teller.acted(cause)

    def _set_off(self, percent: int, cause: Cause, *, blink: bool) -> None:
        def written(at_ns: int) -> None:
            self._teller.acted(cause, at_ns)
            self._teller.show(blink=blink)

        self._drive.go(percent, written=written)
