"""Going on after a stop, unasked, for a train that runs in a loop at a booth.

Off unless whoever starts the controller gives it a time: that is the authorisation, given in
advance and by no message. It covers one thing only, a stop that was decided for a sign and
ended with the hub's confirmation. Any other stop, and any silence of the decisions while the
train stands, takes it back until someone arms the train.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Resumption:
    """Counts the time that a train stands for a sign.

    Args:
        after_s: How long the train stands before it goes on, seconds; 0 means that it never
            does.
        silence_s: Silence of the decisions that takes the right away, seconds.
        go: Called when the train may go on.
        lost: Called when it was about to and now must be armed.

    Attributes:
        after_s: As given.
    """

    def __init__(
        self,
        *,
        after_s: float,
        silence_s: float,
        go: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        self.after_s = after_s
        self._silence_s = silence_s
        self._go = go
        self._lost = lost
        self._wanted = False
        self._due = False
        self._still_stop = True
        self._timer: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None

    @property
    def pending(self) -> bool:
        """Whether the train stands for a sign and will go on by itself."""
        return self._silence is not None

    def want(self) -> None:
        """Note that the brake under way was decided for a sign."""
        self._wanted = self.after_s > 0

    def begin(self) -> bool:
        """Count from now on, if wanted: the hub has confirmed that the train is braked.

        Returns:
            Whether the train will go on by itself.
        """
        if not self._wanted or self.pending:
            return self.pending
        self._wanted, self._due, self._still_stop = False, False, True
        self._timer = asyncio.get_running_loop().call_later(self.after_s, self._time_is_up)
        self._listen()
        return True

    def heard(self, *, stop: bool) -> None:
        """Note a fresh decision that came while the train stands.

        Args:
            stop: Whether it still asks for a stop; the train stands until one does not.
        """
        if not self.pending:
            return
        self._still_stop = stop
        self._listen()
        self._go_if_due()

    def drop(self) -> None:
        """Take the right to go on away, and say so if there was one."""
        was_pending = self.pending
        self.end()
        if was_pending:
            self._lost()

    def end(self) -> None:
        """Take the right to go on away, quietly."""
        self._wanted = False
        for alarm in (self._timer, self._silence):
            if alarm is not None:
                alarm.cancel()
        self._timer = self._silence = None

    def _listen(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self._silence = asyncio.get_running_loop().call_later(self._silence_s, self.drop)

    def _time_is_up(self) -> None:
        self._due = True
        self._go_if_due()

    def _go_if_due(self) -> None:
        if self._due and not self._still_stop:
            self.end()
            self._go()
