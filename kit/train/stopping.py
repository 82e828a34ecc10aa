"""How the train stops: it brakes and latches, and is braked again until the hub confirms it.

Why it stops is told by :mod:`kit.train.halts`. Nothing in this module gives the motor power.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kit.errors import HubError
from kit.events import Motion
from kit.reasons import Reason
from kit.train.actuator import Actuator, HubLike
from kit.train.halts import Halt, hindrance
from kit.train.latch import Latch
from kit.train.lease import Lease
from kit.train.motion import MOVING
from kit.train.resumption import Resumption
from kit.train.telling import Cause, Teller

EXIT_BRAKE_S = 2.0
"""How long to try to brake on the way out, seconds."""


class Stopping:
    """Carries out every stop, and knows what keeps a train that stands from moving again.

    Args:
        hub: The hub.
        motor: The only writer to its motor.
        latch: Closed by every stop.
        lease: Ended by every stop.
        resumption: Ended by every stop; begins once a train stands that may go on by itself.
        teller: Tells the train's state.
        enter: Called with each state that a stop leads to, and the reason.
    """

    def __init__(
        self,
        hub: HubLike,
        *,
        motor: Actuator,
        latch: Latch,
        lease: Lease,
        resumption: Resumption,
        teller: Teller,
        enter: Callable[[Motion, str], None],
    ) -> None:
        self._hub = hub
        self._motor = motor
        self._latch = latch
        self._lease = lease
        self._resumption = resumption
        self._teller = teller
        self._enter = enter
        self._unconfirmed = False
        self._was_moving = False

    def fault(self) -> str | None:
        """Return what keeps the train from moving safely, or None."""
        return Reason.UNCONFIRMED if self._unconfirmed else hindrance(self._hub.facts)

    def halt(self, halt: Halt, cause: Cause | None = None) -> None:
        """Brake and latch at once.

        Args:
            halt: Why, and how it is told.
            cause: The frame whose command it is, if it is one's.
        """
        self._lease.end()
        self._resumption.end()
        if halt.again or not self._latch.closed:
            self._latch.close()
        self._was_moving = self._was_moving or self._teller.motion in MOVING
        written = partial(self._written, cause or Cause())
        if not self._hub.connected:
            self._motor.forget()
            self._enter(Motion.DISCONNECTED, Reason.AND_OUT_OF_REACH.say(reason=halt.reason))
            written()
            return
        self._motor.brake(
            written=written, confirmed=self._confirmed, unconfirmed=self._not_confirmed
        )
        lasting = self._teller.motion is Motion.FAULT and self.fault() is not None
        self._enter(Motion.FAULT if halt.fault or lasting else Motion.STOPPING, halt.reason)

    async def end(self, error: BaseException | None) -> None:
        """Brake and latch for good, as the last thing of all.

        Args:
            error: What ends the controller; None at an ordered end.

        Raises:
            HubError: If the hub did not confirm the brake, unless an error is under way already.
        """
        self._lease.end()
        self._resumption.end()
        if not self._latch.closed:
            self._latch.close()
        self._enter(Motion.STOPPING, Reason.CONTROLLER_ENDS)
        braked = await self._motor.brake_for_good(EXIT_BRAKE_S)
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

    def _written(self, cause: Cause, at_ns: int | None = None) -> None:
        self._teller.acted(cause, at_ns)
        self._teller.show(blink=self._was_moving)
        self._was_moving = False

    def _confirmed(self) -> None:
        was_unconfirmed, self._unconfirmed = self._unconfirmed, False
        if self._teller.motion is Motion.STOPPING or (was_unconfirmed and self.fault() is None):
            reason = self._teller.reason
            if self._resumption.begin():
                later_s = f"{self._resumption.after_s:g}"
                reason = Reason.GOES_ON_LATER.say(reason=reason, seconds=later_s)
            self._enter(Motion.STOPPED, reason)
            self._teller.tell()
        self._teller.show()

    def _not_confirmed(self) -> None:
        self._unconfirmed = True
        self._resumption.end()
        self._enter(Motion.FAULT, Reason.AND_UNCONFIRMED.say(reason=self._teller.reason))
        self._teller.tell()
        self._teller.show()
