"""Counts durations in buckets: cheap enough for every frame."""

from __future__ import annotations

from bisect import bisect_left

BUCKETS_S: tuple[float, ...] = (
    0.0005,
    0.001,
    0.002,
    0.005,
    0.01,
    0.015,
    0.02,
    0.03,
    0.04,
    0.06,
    0.08,
    0.1,
    0.15,
    0.25,
    0.5,
    1.0,
)
"""Upper bounds, seconds; dense where the kit's stages and promises are."""


class Histogram:
    """Durations counted in buckets; one thread observes, any may read."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS_S) + 1)
        self._sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count a duration."""
        self._counts[bisect_left(BUCKETS_S, seconds)] += 1
        self._sum_s += seconds

    @property
    def sum_s(self) -> float:
        """All durations together, seconds."""
        return self._sum_s

    def cumulative(self) -> list[tuple[str, float]]:
        """Return each bound, and how many durations were at most that, as Prometheus counts."""
        found: list[tuple[str, float]] = []
        total = 0
        for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), list(self._counts), strict=True):
            total += count
            found.append((bound, float(total)))
        return found
