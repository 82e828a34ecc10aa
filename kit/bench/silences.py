"""How long after a part fell silent the hub gets the brake."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kit.bench.figures import Figures
from kit.bench.stand import Stand, silenced, stand
from kit.errors import MissionError
from kit.events import Motion, TrainState

LIMIT_MS = 500.0
"""Promised: 99 of 100 silences brake the train within this time."""

PARTS = ("camera", "inference", "decision", "broker")
"""What can fall silent."""

PATIENCE_S = 30.0
"""How long to wait for one step of a trial, seconds."""

MOST_VOID = 50
"""How often in a row a trial may be void before the bench gives up."""

_MOVING = {Motion.CRUISING, Motion.SLOWED}
_WAIT_S = (0.3, 0.6)


@dataclass(frozen=True)
class SilenceTrials:
    """What the trials of one part gave.

    Attributes:
        part: Which part fell silent.
        braked_ms: From its last moment until the hub had got a brake, one a trial.
        void: Trials that do not count, since the train had stopped before the silence began, as
            it does when a busy machine is late.
    """

    part: str
    braked_ms: list[float]
    void: int

    @property
    def ok(self) -> bool:
        """Whether the promise holds."""
        return Figures.of(self.braked_ms).p99 <= LIMIT_MS

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        figures = Figures.of(self.braked_ms).as_dict()
        return {"limit_ms": LIMIT_MS, "ok": self.ok, "braked": figures, "void": self.void}


def measure_silences(
    trials: int,
    *,
    parts: Sequence[str] = PARTS,
    told: Callable[[str, int], None] = lambda _part, _count: None,
) -> list[SilenceTrials]:
    """Stop the process of each part while the train is under way, again and again.

    The process is stopped by SIGSTOP: it keeps its connections, so that nothing but the silence
    tells of it. The brake counts when the hub's process has got it.

    Args:
        trials: How often for each part.
        parts: Which parts.
        told: Called after each trial with the part, and with how many there were.

    Raises:
        KitError: If something does not start, or the train does not answer.
    """
    with stand(("capture", "inference", "decision")) as it:
        return [_measure(it, part, trials, told) for part in parts]


def _measure(it: Stand, part: str, trials: int, told: Callable[[str, int], None]) -> SilenceTrials:
    braked_ms: list[float] = []
    void = in_a_row = 0
    while len(braked_ms) < trials:
        taken_ms = _trial(it, it.pids[part])
        if taken_ms is None:
            void, in_a_row = void + 1, in_a_row + 1
            if in_a_row > MOST_VOID:
                state = it.operator.state
                raise MissionError(
                    f"The train does not stay under way: {in_a_row} times it stopped by itself",
                    got=state.reason if state else "no word of it",
                    fix="end what else keeps this machine busy, and measure again",
                )
            continue
        in_a_row = 0
        braked_ms.append(taken_ms)
        told(part, len(braked_ms))
    return SilenceTrials(part, braked_ms, void)


def _trial(it: Stand, pid: int) -> float | None:
    it.operator.arm(timeout_s=PATIENCE_S)
    it.log.forget()
    it.operator.wait_for(lambda s: s.latched or s.motion in _MOVING, PATIENCE_S)
    time.sleep(random.uniform(*_WAIT_S))
    if any(write.brakes for write in it.log.writes()):
        it.operator.wait_for(_stands, PATIENCE_S)
        return None
    began_ns = time.monotonic_ns()
    with silenced(pid):
        brake = it.log.first_brake(since_ns=began_ns, timeout_s=PATIENCE_S)
    it.operator.wait_for(_stands, PATIENCE_S)
    return (brake.at_ns - began_ns) / 1e6


def _stands(state: TrainState) -> bool:
    return state.latched and state.motion is Motion.STOPPED
