"""Where the track runs: pure geometry on the table, in metres and radians.

The track starts at x = 0, y = 0 towards +x; y points to the left of that, as on paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

CLEARANCE_M = 0.055
"""How near to the middle of a track anything else may stand."""

_STEP_M = 0.02
_MIN_LENGTH_M = 0.5
_MAX_LENGTH_M = 200.0
_CLOSING_M = 0.02
_CLOSING_RAD = math.radians(2)
_OVERLAP_M = 0.08  # two tracks, each 64 mm wide, need more than this between their middles


class Piece(BaseModel):
    """A straight, or a curve.

    Attributes:
        straight_m: Length of a straight.
        curve_deg: Turn of a curve; positive turns left.
        radius_m: Of a curve, to the middle of the track.
        max_speed_mps: A train that is faster here derails; None for no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    straight_m: Annotated[float, Field(gt=0, le=100)] | None = None
    curve_deg: Annotated[float, Field(ge=-360, le=360)] | None = None
    radius_m: Annotated[float, Field(ge=0.15, le=100)] | None = None
    max_speed_mps: Annotated[float, Field(gt=0, le=20)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        curve = (self.curve_deg is not None, self.radius_m is not None)
        if (self.straight_m is not None) == any(curve) or any(curve) != all(curve):
            msg = "a piece has either straight_m, or curve_deg and radius_m"
            raise ValueError(msg)
        if self.curve_deg == 0:
            msg = "curve_deg must not be 0; use straight_m for a straight"
            raise ValueError(msg)
        return self

    @property
    def length_m(self) -> float:
        """Length along the middle."""
        if self.straight_m is not None:
            return self.straight_m
        assert self.curve_deg is not None
        assert self.radius_m is not None
        return abs(math.radians(self.curve_deg)) * self.radius_m

    @property
    def curvature(self) -> float:
        """Turn for each metre, radians; positive turns left, 0 is straight."""
        if self.curve_deg is None or self.radius_m is None:
            return 0.0
        return math.copysign(1 / self.radius_m, self.curve_deg)


class Pose(NamedTuple):
    """A place on the table and a direction."""

    x_m: float
    y_m: float
    heading_rad: float


class Track:
    """The pieces, laid end to end.

    Args:
        pieces: In order.
        closed: Whether the end meets the start.
    """

    def __init__(self, pieces: Sequence[Piece], *, closed: bool = False) -> None:
        self.pieces = tuple(pieces)
        self.closed = closed
        self._curvatures = np.array([p.curvature for p in pieces])
        self._starts = np.concatenate([[0.0], np.cumsum([p.length_m for p in pieces])])
        self.length_m = float(self._starts[-1])
        poses = [(0.0, 0.0, 0.0)]
        for piece in pieces:
            x, y, heading = _advance(np.array(poses[-1]), piece.curvature, piece.length_m)
            poses.append((float(x), float(y), float(heading)))
        self._poses = np.array(poses)
        self._samples = self.poses(np.arange(0, self.length_m, _STEP_M))

    def poses(self, at_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places along the track.

        Args:
            at_m: Shape (N,). Beyond the ends an open track goes straight on, a closed one
                goes round again.

        Returns:
            Shape (N, 3): x, y and heading.
        """
        at = np.asarray(at_m, np.float64)
        if self.closed:
            at = np.mod(at, self.length_m)
        index = np.clip(np.searchsorted(self._starts, at, side="right") - 1, 0, len(self.pieces))
        curvature = np.append(self._curvatures, 0.0)[index]
        before = at < 0
        curvature = np.where(before, 0.0, curvature)
        start = self._poses[index]
        return _advance(start.T, curvature, at - self._starts[index]).T

    def pose(self, at_m: float) -> Pose:
        """Return one place along the track; see :meth:`poses`."""
        x, y, heading = self.poses(np.array([at_m]))[0]
        return Pose(float(x), float(y), float(heading))

    def beside(self, at_m: float, left_m: float) -> tuple[float, float]:
        """Return the point this far to the left of the middle; negative is to the right."""
        x, y, heading = self.pose(at_m)
        return x - left_m * math.sin(heading), y + left_m * math.cos(heading)

    def piece_at(self, at_m: float) -> Piece:
        """Return the piece that lies there; the first or last one beyond the ends."""
        at = at_m % self.length_m if self.closed else at_m
        index = int(np.searchsorted(self._starts, at, side="right")) - 1
        return self.pieces[min(max(index, 0), len(self.pieces) - 1)]

    def distance_to(self, x_m: float, y_m: float) -> float:
        """Return how far the nearest point of the track's middle is, within a centimetre."""
        offsets = self._samples[:, :2] - (x_m, y_m)
        return float(np.sqrt((offsets**2).sum(axis=1).min()))

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the smallest x and y and the largest x and y of the track's middle."""
        low, high = self._samples[:, :2].min(axis=0), self._samples[:, :2].max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def check(self) -> None:
        """Find out whether the track could lie on a table.

        Raises:
            ValueError: If it is too short or too long, does not close, or crosses itself.
        """
        if not _MIN_LENGTH_M <= self.length_m <= _MAX_LENGTH_M:
            msg = f"the track must be {_MIN_LENGTH_M:g} to {_MAX_LENGTH_M:g} m long, "
            raise ValueError(msg + f"it is {self.length_m:.2f} m")
        if self.closed:
            self._check_closing()
        self._check_overlap()

    def _check_closing(self) -> None:
        x, y, heading = self._poses[-1]
        gap = math.hypot(x, y)
        turn = abs((heading + math.pi) % (2 * math.pi) - math.pi)
        if gap > _CLOSING_M or turn > _CLOSING_RAD:
            msg = (
                f"the track is said to be closed, but its end is {gap:.3f} m and "
                f"{math.degrees(turn):.1f} degrees away from its start"
            )
            raise ValueError(msg)

    def _check_overlap(self) -> None:
        points = self._samples[:, :2]
        nearby = round(3 * _OVERLAP_M / _STEP_M)
        for index in range(len(points) - nearby):
            last = len(points) - max(nearby - index, 0) if self.closed else None
            others = points[index + nearby : last]
            gaps = np.hypot(*(others - points[index]).T)
            if gaps.size and gaps.min() < _OVERLAP_M:
                here, there = index * _STEP_M, (index + nearby + int(gaps.argmin())) * _STEP_M
                msg = f"the track runs over itself: {here:.2f} m and {there:.2f} m coincide"
                raise ValueError(msg)


def _advance(
    start: NDArray[np.float64],
    curvature: NDArray[np.float64] | float,
    along_m: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Follow a curve from ``start`` (3, ...) and return the pose there, same shape."""
    x, y, heading = start
    turn = np.asarray(curvature) * along_m
    chord = along_m * np.sinc(turn / 2 / np.pi)
    middle = heading + turn / 2
    return np.array([x + chord * np.cos(middle), y + chord * np.sin(middle), heading + turn])
