"""What really happens on the virtual set, read from the file that it writes line by line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.background import Background

POLL_S = 0.05
"""How often the file is looked at, seconds."""

STANDING_MPS = 0.005
"""Slower than this, a train stands: metres a second."""


@dataclass(frozen=True)
class Physics:
    """One moment of the train on the virtual track.

    Attributes:
        t_ns: Monotonic time, nanoseconds.
        position_m: Along the track.
        speed_mps: Negative is backwards.
        power_percent: Power of the motor.
        braking: Whether the motor is shorted.
        distance_to_danger_m: To where the rail is broken; None if it is not.
    """

    t_ns: int
    position_m: float
    speed_mps: float
    power_percent: int
    braking: bool
    distance_to_danger_m: float | None

    @property
    def stands(self) -> bool:
        """Whether the train stands."""
        return abs(self.speed_mps) < STANDING_MPS

    @classmethod
    def of(cls, line: dict[str, Any]) -> Physics:
        """Read a line of kind ``physics``."""
        return cls(
            t_ns=line["t_ns"],
            position_m=line["position_m"],
            speed_mps=line["speed_mps"],
            power_percent=line["power_percent"],
            braking=line["braking"],
            distance_to_danger_m=line.get("distance_to_danger_m"),
        )


class Truth(Background):
    """Follows the virtual set's file while it is written; a context manager.

    Args:
        path: The file; it may not be there yet.
        on_change: Called in the reader's thread after each batch of new lines.
    """

    def __init__(self, path: Path, *, on_change: Callable[[], None]) -> None:
        super().__init__("truth")
        self._path = path
        self._on_change = on_change
        self.physics: Physics | None = None
        self.derailed: str | None = None

    @property
    def stands(self) -> bool:
        """Whether the train stands now."""
        return self.physics is not None and self.physics.stands

    def _run(self) -> None:
        while not self._path.exists():
            if self._ended.wait(POLL_S):
                return
        with self._path.open(encoding="utf-8") as file:
            rest = ""
            while True:
                ending = self._ended.is_set()
                *lines, rest = (rest + file.read()).split("\n")
                for line in lines:
                    self._take(line)
                if lines:
                    self._on_change()
                if ending:
                    return
                self._ended.wait(POLL_S)

    def _take(self, text: str) -> None:
        try:
            line = json.loads(text)
        except json.JSONDecodeError:  # torn by a full disk
            return
        if line["kind"] == "physics":
            self.physics = Physics.of(line)
        elif line["kind"] == "derailed":
            self.derailed = line["reason"]
