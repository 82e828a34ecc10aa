"""Time that passes as fast as the work is done: an event loop whose waits take no time."""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from kit.errors import MissionError

T = TypeVar("T")

_NS = 1_000_000_000


class SimulatedClock:
    """A monotonic clock that moves only when it is told to."""

    def __init__(self) -> None:
        self._now_ns = _NS  # no moment is 0, which events use for "never"

    def now_ns(self) -> int:
        """Return the present, nanoseconds."""
        return self._now_ns

    def advance(self, span_s: float) -> None:
        """Move on.

        Args:
            span_s: By how much, seconds; rounded up to a nanosecond.
        """
        self._now_ns += math.ceil(span_s * _NS)


class _Selector(selectors.SelectSelector):
    """Where an event loop would sleep, this moves the clock on instead."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise MissionError(
                "Simulated time stands still: everything waits and nothing is due",
                fix="let whatever is waited for happen in the same event loop, or after a time",
            )
        if timeout > 0:
            self._clock.advance(timeout)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop in simulated time; it knows no sockets and no other threads.

    Args:
        clock: Its clock.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(_Selector(clock))
        self._simulated = clock

    def time(self) -> float:
        """Return the simulated time, seconds."""
        return self._simulated.now_ns() / _NS


def run_simulated(work: Coroutine[Any, Any, T], clock: SimulatedClock) -> T:
    """Run a coroutine, and whatever it starts, in simulated time.

    Args:
        work: The coroutine.
        clock: Gets moved on by what is waited for.

    Returns:
        Its result.
    """
    with asyncio.Runner(loop_factory=lambda: SimulatedLoop(clock)) as runner:
        return runner.run(work)
