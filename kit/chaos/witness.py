"""What the train really did, from the virtual set's own notes: nobody's word, but physics."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.background import Background
from kit.runtime.truth import Physics

KEPT = 20_000
"""Moments kept: more than ten minutes."""

_POLL_S = 0.02


@dataclass(frozen=True)
class Ride:
    """A stretch of time on the virtual track.

    Attributes:
        moments: About 20 a second and one for each command to the motor, oldest first.
        brakes_ns: When the motor was shorted, monotonic nanoseconds.
    """

    moments: Sequence[Physics]
    brakes_ns: Sequence[int] = ()

    def between(self, begin_ns: int, end_ns: int) -> Ride:
        """Return the part from one moment to another."""
        return Ride(
            [m for m in self.moments if begin_ns <= m.t_ns <= end_ns],
            [t_ns for t_ns in self.brakes_ns if begin_ns <= t_ns <= end_ns],
        )

    @property
    def stands(self) -> bool:
        """Whether the train stands at the end."""
        return bool(self.moments) and self.moments[-1].stands

    @property
    def stood_ns(self) -> int | None:
        """When the train first stood, or None if it always moved."""
        return next((m.t_ns for m in self.moments if m.stands), None)

    @property
    def moved(self) -> bool:
        """Whether the train moved at any moment."""
        return any(not m.stands for m in self.moments)

    @property
    def always_moved(self) -> bool:
        """Whether the train moved at every moment, and there is one at all."""
        return bool(self.moments) and not any(m.stands for m in self.moments)

    @property
    def length_m(self) -> float:
        """Way from the first moment to the last, metres."""
        if not self.moments:
            return 0.0
        return self.moments[-1].position_m - self.moments[0].position_m


class Witness(Background):
    """Follows the virtual set's file while it is written; a context manager.

    Args:
        path: The file; it may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        super().__init__("witness")
        self._path = path
        self._changed = threading.Condition()
        self._moments: deque[Physics] = deque(maxlen=KEPT)
        self._brakes_ns: deque[int] = deque(maxlen=KEPT)

    @property
    def speed_mps(self) -> float:
        """How fast the train is now; 0 before anything was noted."""
        with self._changed:
            return abs(self._moments[-1].speed_mps) if self._moments else 0.0

    def ride(self, begin_ns: int, end_ns: int | None = None) -> Ride:
        """Return what was noted from one moment to another, or to now."""
        with self._changed:
            whole = Ride(tuple(self._moments), tuple(self._brakes_ns))
        return whole.between(begin_ns, end_ns if end_ns is not None else 1 << 62)

    def wait_for(self, happened: Callable[[], bool], *, timeout_s: float) -> bool:
        """Wait until something has happened on the track.

        Args:
            happened: Looked at again with each new moment, and so about 20 times a second.
            timeout_s: How long to wait, seconds.

        Returns:
            Whether it has happened.
        """
        with self._changed:
            return self._changed.wait_for(happened, timeout_s)

    def _run(self) -> None:
        while not self._path.exists():
            if self._ended.wait(_POLL_S):
                return
        with self._path.open(encoding="utf-8") as file:
            rest = ""
            while not self._ended.wait(_POLL_S):
                *lines, rest = (rest + file.read()).split("\n")
                if lines:
                    with self._changed:
                        for line in lines:
                            self._take(json.loads(line))
                        self._changed.notify_all()

    def _take(self, line: dict[str, Any]) -> None:
        if line["kind"] == "physics":
            self._moments.append(Physics.of(line))
        elif line["kind"] == "brake" and line["how"] == "brake":
            self._brakes_ns.append(line["t_ns"])
