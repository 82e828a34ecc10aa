"""A visitor's score: pure, from the result of the mission.

The scale is that of the leaderboard's rules for a booth (``datasets/leaderboard/booth.yaml``): way
left and reaction bring up to 40 points each, and whoever stops in time has 20 of them for sure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

STOPPED_POINTS = 20.0
"""For a train that stopped for a sign, and did not derail."""

PART_POINTS = 40.0
"""The most that each of the two figures brings."""

BEST_MARGIN_M = 1.5
"""Way left to the danger that brings all points, metres; more brings no more."""

WORST_BRAKE_MS, BEST_BRAKE_MS = 500.0, 20.0
"""Times from the deciding frame to the brake that bring nothing, and all points, milliseconds."""


@dataclass(frozen=True)
class Score:
    """What a mission is worth, 0 to 100 points.

    Attributes:
        stopped: Points for stopping in time.
        margin: Points for the way left.
        reaction: Points for the brake's quickness.
        margin_m: The way left, metres; None off the virtual track.
        brake_ms: The time to the brake, milliseconds; None if the hub does not tell.
    """

    stopped: float
    margin: float
    reaction: float
    margin_m: float | None
    brake_ms: float | None

    @property
    def total(self) -> float:
        """All points."""
        return self.stopped + self.margin + self.reaction

    def as_json(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        return asdict(self) | {"total": self.total}


def score(result: Mapping[str, Any]) -> Score:
    """Score a mission.

    On a real track nobody knows how much way was left, so that the reaction counts twice there.

    Args:
        result: What ``kit demo --json`` prints.
    """
    margin_m, brake_ms = result.get("stop_margin_m"), result.get("brake_latency_ms")
    if not result.get("stopped") or result.get("derailed"):
        return Score(0.0, 0.0, 0.0, margin_m, brake_ms)
    reaction = _share(brake_ms, worst=WORST_BRAKE_MS, best=BEST_BRAKE_MS)
    margin = reaction if margin_m is None else _share(margin_m, worst=0.0, best=BEST_MARGIN_M)
    return Score(
        stopped=STOPPED_POINTS,
        margin=PART_POINTS * margin,
        reaction=PART_POINTS * reaction,
        margin_m=margin_m,
        brake_ms=brake_ms,
    )


def _share(value: float | None, *, worst: float, best: float) -> float:
    return 0.0 if value is None else min(1.0, max(0.0, (value - worst) / (best - worst)))
