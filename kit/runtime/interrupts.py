"""Ctrl-C and its kin: the first ends the mission in order, the next one hurries the end."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that ask for the end."""


class Interrupts:
    """Turns the first signal into ``KeyboardInterrupt``, unless the end has begun already.

    A context manager; does nothing outside of the main thread, where Python hands out none.

    Attributes:
        impatient: Set by a signal that comes while the end is under way.
    """

    def __init__(self) -> None:
        self.impatient = threading.Event()
        self._shielded = False
        self._before: dict[int, object] = {}

    def shield(self) -> None:
        """From now on, let no signal break what runs: the end has begun."""
        self._shielded = True

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # it came from there

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._shielded:
            self.impatient.set()
            return
        self._shielded = True
        raise KeyboardInterrupt
