"""What the virtual hub got, read from the virtual set's file while it is written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kit.errors import MissionError
from kit.train.lwp3.commands import BRAKE

_MOTOR = bytes([0x81, 0])
_LOOK_EVERY_S = 0.002


@dataclass(frozen=True)
class MotorWrite:
    """One write to the motor, as the hub got it.

    Attributes:
        at_ns: When, monotonic nanoseconds of the hub's process.
        power: -100 to 100, or 127 for a brake.
    """

    at_ns: int
    power: int

    @property
    def brakes(self) -> bool:
        """Whether it is a brake."""
        return self.power == BRAKE


class WireLog:
    """The writes to the motor on port A so far, oldest first.

    Args:
        path: The virtual set's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._writes: list[MotorWrite] = []

    def writes(self, *, since_ns: int = 0) -> list[MotorWrite]:
        """Return what the hub has got since a moment.

        Args:
            since_ns: Monotonic nanoseconds.
        """
        self._catch_up()
        return [write for write in self._writes if write.at_ns >= since_ns]

    def first_brake(self, *, since_ns: int, timeout_s: float) -> MotorWrite:
        """Wait for a brake.

        Args:
            since_ns: It must have come after this, monotonic nanoseconds.
            timeout_s: How long to wait, seconds.

        Raises:
            MissionError: If none came.
        """
        return self._first(
            lambda write: write.brakes, "brake", since_ns=since_ns, timeout_s=timeout_s
        )

    def first_power(self, *, since_ns: int, timeout_s: float) -> MotorWrite:
        """Wait for a write that lets the train move.

        Args:
            since_ns: It must have come after this, monotonic nanoseconds.
            timeout_s: How long to wait, seconds.

        Raises:
            MissionError: If none came.
        """
        return self._first(
            lambda write: not write.brakes and write.power > 0,
            "power",
            since_ns=since_ns,
            timeout_s=timeout_s,
        )

    def forget(self) -> None:
        """Forget what came so far."""
        self._catch_up()
        self._writes.clear()

    def _first(
        self, wanted: Callable[[MotorWrite], bool], what: str, *, since_ns: int, timeout_s: float
    ) -> MotorWrite:
        end = time.monotonic() + timeout_s
        while True:
            for write in self.writes(since_ns=since_ns):
                if wanted(write):
                    return write
            if time.monotonic() >= end:
                raise MissionError(f"The hub got no {what} within {timeout_s:g} s")
            time.sleep(_LOOK_EVERY_S)

    def _catch_up(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            lines = file.read().split(b"\n")
        for line in lines[:-1]:
            self._offset += len(line) + 1
            if b'"hub"' in line:
                self._take(json.loads(line))

    def _take(self, fact: dict[str, object]) -> None:
        if fact["kind"] != "hub":
            return
        message = bytes.fromhex(str(fact["message"]))
        if len(message) == 8 and message[2:4] == _MOTOR:
            power = int.from_bytes(message[7:], signed=True)
            self._writes.append(MotorWrite(int(str(fact["t_ns"])), power))
