"""Figures of many trials: pure."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kit.errors import ConfigError


@dataclass(frozen=True)
class Figures:
    """What many trials took, milliseconds.

    Attributes:
        count: How many trials.
        p50: Half of them took no longer.
        p95: 95 of 100 took no longer.
        p99: 99 of 100 took no longer.
        worst: The longest.
    """

    count: int
    p50: float
    p95: float
    p99: float
    worst: float

    @classmethod
    def of(cls, taken_ms: Sequence[float]) -> Figures:
        """Work out the figures; a percentile is always one of the trials, never between two.

        Args:
            taken_ms: One a trial, milliseconds, in any order.

        Raises:
            ConfigError: If there was no trial.
        """
        if not taken_ms:
            raise ConfigError("There are no figures of no trial")
        ordered = sorted(taken_ms)

        def percentile(share: float) -> float:
            return round(ordered[math.ceil(share * len(ordered)) - 1], 3)

        return cls(
            count=len(ordered),
            p50=percentile(0.5),
            p95=percentile(0.95),
            p99=percentile(0.99),
            worst=percentile(1.0),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


def machine() -> dict[str, float | int]:
    """Return how busy this machine is: its processors and its load, of one and of five minutes."""
    one, five, _ = os.getloadavg()
    return {
        "processors": os.cpu_count() or 1,
        "load_1min": round(one, 1),
        "load_5min": round(five, 1),
    }
