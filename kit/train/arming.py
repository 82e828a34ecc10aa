"""How a latched train is released: by an arming, or by its own clock after a sign.

No other way leads to a train that may move. A train that is released does not move yet: it waits
for a decision on a frame that is captured from then on, or for a hand.
"""

from __future__ import annotations

from collections.abc import Callable

from kit.events import Command, Motion
from kit.reasons import Reason
from kit.train.freshness import Freshness
from kit.train.latch import Latch
from kit.train.lease import Lease
from kit.train.motion import ControlParameters
from kit.train.resumption import Resumption
from kit.train.telling import Cause, Teller


class Arming:
    """Opens the latch of a train that stands.

    Args:
        latch: The latch.
        parameters: Whether it may go on by itself, and after which time.
        by_hand: Whether a hand drives; such a train never goes on by itself.
        fault: Returns what keeps the train from moving safely, or None.
        freshness: Begun anew by every release.
        lease: Waits for the first decision of a released train.
        teller: Tells the train's state.
        enter: Called with each state that this leads to, and the reason.

    Attributes:
        resumption: Its clock, which every stop ends.
    """

    def __init__(
        self,
        latch: Latch,
        parameters: ControlParameters,
        *,
        by_hand: bool,
        fault: Callable[[], str | None],
        freshness: Freshness,
        lease: Lease,
        teller: Teller,
        enter: Callable[[Motion, str], None],
    ) -> None:
        self._latch = latch
        self._armed = Reason.ARMED_FOR_HAND if by_hand else Reason.ARMED_FOR_DECISION
        self._fault = fault
        self._freshness = freshness
        self._lease = lease
        self._teller = teller
        self._enter = enter
        self.resumption = Resumption(
            after_s=0 if by_hand else parameters.resume_after_s,
            silence_s=parameters.silence_stop_ms / 1000,
            go=self._resume,
            lost=self._will_not_resume,
        )

    def answer(self, command: Command) -> bool:
        """Release the train if it stands and the command's proof answers its challenge.

        Args:
            command: The ``arm`` command.

        Returns:
            Whether it was released.
        """
        braked = self._teller.motion in {Motion.STOPPED, Motion.FAULT}
        stands = braked and self._fault() is None
        released = self._latch.open(command.proof)
        if released and not stands:
            self._latch.close()  # it came too early, and whoever overheard it may not say it later
            self._teller.tell()
        if not (released and stands):
            return False
        self._release(self._armed.say(reason=command.reason))
        return True

    def _resume(self) -> None:
        """Release a train that stood for a sign for as long as was authorised in advance."""
        if self._teller.motion is Motion.STOPPED and self._fault() is None:
            self._latch.release()
            self._release(Reason.GOES_ON)
        else:
            self._will_not_resume()

    def _will_not_resume(self) -> None:
        """Tell that a train that was about to go on by itself waits to be armed."""
        reason = Reason.GOES_ON_NO_MORE.say(reason=self._teller.reason)
        self._enter(self._teller.motion, reason)
        self._teller.tell()

    def _release(self, reason: str) -> None:
        self.resumption.end()
        self._freshness.begin()
        self._enter(Motion.STOPPED, reason)
        self._lease.expect()
        self._teller.cause = Cause()
        self._teller.tell()
        self._teller.show()
