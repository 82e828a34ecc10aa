"""When a condition held, from samples with gaps: pure, and the same in whatever order they come.

A series says so by a sample of 1, until a sample says otherwise. A scrape that failed leaves a gap,
and what was so before it and is so after it was so in between; only a longer silence ends it, after
`STALE_S`, as in Prometheus itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

STALE_S = 300.0
"""How long a sample counts, in seconds, if no other one follows: Prometheus's look-back."""

Interval = tuple[int, int | None]
"""From, until; milliseconds. None: it still holds."""


@dataclass
class Series:
    """One series, remembered as the intervals in which it was 1.

    Attributes:
        last_ms: Time of its latest sample.
        closed: Intervals that have ended, in order.
        since_ms: Since when it holds; None if it does not.
    """

    last_ms: int = -(2**62)
    closed: list[tuple[int, int]] = field(default_factory=list)
    since_ms: int | None = None

    def add(self, samples: Iterable[tuple[int, bool]], *, stale_ms: int) -> None:
        """Take samples in; those not newer than the latest one are known already.

        Args:
            samples: (milliseconds, whether it holds), in the order of time.
            stale_ms: How long a sample counts.
        """
        for at_ms, holds in samples:
            if at_ms <= self.last_ms:
                continue
            if self.since_ms is not None and at_ms - self.last_ms > stale_ms:
                self._end(self.last_ms + stale_ms)
            if holds and self.since_ms is None:
                self.since_ms = at_ms
            elif not holds and self.since_ms is not None:
                self._end(at_ms)
            self.last_ms = at_ms

    def intervals(self, now_ms: int, *, stale_ms: int) -> list[Interval]:
        """Return when it held, as far as is known at a moment."""
        if self.since_ms is None:
            return list(self.closed)
        until = self.last_ms + stale_ms if now_ms - self.last_ms > stale_ms else None
        return [*self.closed, (self.since_ms, until)]

    def _end(self, at_ms: int) -> None:
        if self.since_ms is not None:
            self.closed.append((self.since_ms, at_ms))
            self.since_ms = None


def changes(intervals: Iterable[Interval]) -> list[tuple[int, bool]]:
    """Return when the union of intervals begins and ends to hold.

    Args:
        intervals: In any order; they may overlap.

    Returns:
        (milliseconds, whether it holds from then on), in the order of time.
    """
    found: list[tuple[int, bool]] = []
    end: int | None = -(2**62)
    for since, until in sorted(intervals, key=lambda each: each[0]):
        if end is None:
            break
        if since > end or not found:
            if found:
                found.append((end, False))
            found.append((since, True))
            end = until
        elif until is None or until > end:
            end = until
    if found and end is not None:
        found.append((end, False))
    return found


@dataclass
class Condition:
    """A condition of one user in one cluster: it holds while any of its series does.

    Attributes:
        series: By what tells them apart.
        told: What was told already.
    """

    series: dict[tuple[tuple[str, str], ...], Series] = field(default_factory=dict)
    told: dict[int, bool] = field(default_factory=dict)

    def news(self, now_ms: int, *, stale_ms: int) -> Sequence[tuple[int, bool]]:
        """Return what is to be told now, and remember that it was.

        What comes late may show that the condition did not end when it seemed to. Then that moment
        is told again, as holding: within one millisecond, holding counts.

        Args:
            now_ms: The moment up to which samples were read.
            stale_ms: How long a sample counts.
        """
        every = [
            interval
            for series in self.series.values()
            for interval in series.intervals(now_ms, stale_ms=stale_ms)
        ]
        now = dict(changes(every))
        fresh = {at: holds for at, holds in now.items() if self.told.get(at) is not holds}
        fresh |= {at: True for at, holds in self.told.items() if not holds and at not in now}
        self.told |= fresh
        return sorted(fresh.items())
