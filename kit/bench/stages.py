"""The bench by stage: the kit's services and the classic arrangement, in turns, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.bench.figures import machine
from kit.bench.traces import Arrangement, FrameCount, StageRun, Trace
from kit.errors import ConfigError

RESULT = "stages.json"
"""Name of the file with all figures in the bench's folder."""

PLOT = "stages.png"
"""Name of the plot in it."""

FRAMES = "frames.jsonl"
"""Name of the file in it that has the way of each frame, one a line."""

MAX_FPS = 30.0
"""The most frames a second that the capture service takes."""


@dataclass(frozen=True)
class Goal:
    """What the kit promises at one rate, on two processors of its own, no radio.

    Attributes:
        p50_ms: Half of the frames are acted on within this time; None for no promise.
        p99_ms: 99 of 100 are.
    """

    p50_ms: float | None
    p99_ms: float


GOALS = {10.0: Goal(20.0, 60.0), 30.0: Goal(None, 80.0)}
"""The promises by frames a second."""


@dataclass(frozen=True)
class Stages:
    """All runs of one bench.

    Attributes:
        runs: In the order in which they were measured.
        busy: How many other programs computed on the model's processor meanwhile.
        before: The machine before; see :func:`kit.bench.figures.machine`.
        after: The machine after.
    """

    runs: tuple[StageRun, ...]
    busy: int
    before: dict[str, float | int]
    after: dict[str, float | int]

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, as JSON can hold them.

        ``stages`` and ``latency_ms`` are those of the kit's first run; ``runs`` has all.
        """
        first = next(run for run in self.runs if run.arrangement is Arrangement.KIT)
        figures = first.as_dict()
        return {
            "fps": first.fps,
            "stages": figures["stages"],
            "latency_ms": figures["latency_ms"],
            "runs": [run.as_dict() | {"goal_kept": goal_kept(run)} for run in self.runs],
            "busy": self.busy,
            "machine": {"before": self.before, "after": self.after},
        }


def goal_kept(run: StageRun) -> bool | None:
    """Tell whether a run kept what the kit promises; None where it promises nothing."""
    goal, latency = GOALS.get(run.fps), run.latency
    if goal is None or latency is None or run.arrangement is not Arrangement.KIT:
        return None
    return latency.p99 <= goal.p99_ms and (goal.p50_ms is None or latency.p50 <= goal.p50_ms)


def parse_rates(text: str) -> tuple[float, ...]:
    """Read frames a second from a command line, such as ``10,30``.

    Raises:
        ConfigError: If one is no number from 1 to 30, or there is none.
    """
    try:
        rates = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        rates = ()
    if not rates or not all(1 <= rate <= MAX_FPS for rate in rates):
        raise ConfigError(
            "These are no frames a second",
            expected=f"numbers from 1 to {MAX_FPS:g}, with commas",
            got=text,
        )
    return rates


def measure_stages(
    rates: Sequence[float],
    seconds: float,
    *,
    classic: bool = True,
    busy: int = 0,
    writes: int = 10,
    told: Callable[[StageRun], None] = lambda _run: None,
) -> Stages:
    """Measure each arrangement at each rate, one after the other.

    Args:
        rates: Frames a second, each to 30.
        seconds: How long each run is measured.
        classic: Whether the classic arrangement is measured as well.
        busy: How many other programs are to compute on the model's processor meanwhile; see
            :func:`kit.bench.busy.crowded`.
        writes: How often the train is stopped and set off again for the Bluetooth stage.
        told: Called after each run.

    Raises:
        KitError: If something does not start, or the train does not answer.
    """
    from kit.bench.classic_run import measure_classic
    from kit.bench.kit_run import measure_kit

    before = machine()
    runs: list[StageRun] = []
    for fps in rates:
        runs.append(measure_kit(fps, seconds, busy=busy, writes=writes))
        told(runs[-1])
        if classic:
            runs.append(measure_classic(fps, seconds, busy=busy))
            told(runs[-1])
    return Stages(tuple(runs), busy, before, machine())


def save(found: Stages, folder: Path) -> None:
    """Write the figures, the way of each frame and the plot into a folder.

    Args:
        found: What was measured.
        folder: An existing folder.
    """
    from kit.bench.stage_plot import plot_stages

    text = json.dumps(found.as_dict(), indent=2)
    (folder / RESULT).write_text(text + "\n", encoding="utf-8")
    with (folder / FRAMES).open("w", encoding="utf-8") as file:
        for run in found.runs:
            for trace in run.traces:
                file.write(json.dumps(_line(run, trace)) + "\n")
    plot_stages(found.runs, folder / PLOT)


def tell(run: StageRun) -> str:
    """Return a table of a run for people: stages, frames, processes."""
    latency = run.latency
    whole = {"capture to controller": latency} if latency else {}
    lines = [
        f"{run.arrangement}, {run.fps:g} frames a second",
        f"  {_frames(run.frames)}",
        f"  {'':<36} {'p50':>8} {'p95':>8} {'p99':>8} ms",
    ]
    lines += [
        f"  {name:<36} {one.p50:>8.1f} {one.p95:>8.1f} {one.p99:>8.1f}"
        for name, one in (run.stages | whole).items()
    ]
    lines.append(f"  {'process':<36} {'CPU s':>8} {'% of 1':>8} {'MB':>8}")
    lines += [
        f"  {used.part:<36} {used.cpu_s:>8.2f} {used.cpu_percent:>8.1f} {used.memory_mb:>8.0f}"
        for used in run.usage
    ]
    if run.stopped:
        lines.append(f"  this machine was late: the train stopped {run.stopped} times")
    return "\n".join(lines) + "\n"


def _frames(frames: FrameCount) -> str:
    return (
        f"{frames.captured} captured, {frames.acted} acted on, "
        f"{frames.dropped} dropped, {frames.waiting} waiting"
    )


def _line(run: StageRun, trace: Trace) -> dict[str, Any]:
    return {
        "arrangement": str(run.arrangement),
        "fps": run.fps,
        "sequence": trace.sequence,
        "captured_ns": trace.captured_ns,
        "marks": {str(stage): at_ns for stage, at_ns in trace.marks.items()},
    }
