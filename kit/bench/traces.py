"""What frames went through, stage by stage: from marks to figures. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any

from kit.bench.figures import Figures
from kit.bench.usage import Usage
from kit.events import Stage
from kit.runtime.outcome import STAGE_NAMES

BLE_WRITE = "command to hub (BLE write)"
"""From a command's arrival in the control service until the hub has got the write."""

PICTURE_TO_CONSOLE = "picture to the console (MQTT, Kafka)"
"""From the finished JPEG until a reader of Kafka has the picture."""

RESULT_TO_CONSOLE = "result to the console (MQTT, Kafka)"
"""From the last thing that was done with a frame until a reader of Kafka knows of it."""

ENDS = 5
"""Growth compares the first and the last of this many parts of a run."""


class Arrangement(StrEnum):
    """Who does the work, and how it is joined."""

    KIT = "kit"
    CLASSIC = "classic"


@dataclass(frozen=True)
class Trace:
    """The way of one frame.

    Attributes:
        sequence: Of the capture service, from 0.
        captured_ns: Monotonic time of capture, nanoseconds.
        marks: Monotonic nanoseconds of the stages that it passed.
    """

    sequence: int
    captured_ns: int
    marks: Mapping[Stage, int] = field(default_factory=dict)

    def until_ms(self, stage: Stage) -> float | None:
        """Return the time from capture until a stage, milliseconds; None if it never got there."""
        at_ns = self.marks.get(stage)
        return None if at_ns is None else (at_ns - self.captured_ns) / 1e6


@dataclass(frozen=True)
class FrameCount:
    """What became of the frames that were captured in the time of the measurement.

    Attributes:
        captured: How many there were.
        acted: Frames whose command the controller acted on.
        dropped: Frames that were passed over: one that was captured later was acted on.
        waiting: Frames later than all that were acted on: on their way when the time was over.
    """

    captured: int
    acted: int
    dropped: int
    waiting: int


def count_frames(traces: Iterable[Trace], *, last: Stage) -> FrameCount:
    """Count what became of some frames.

    Args:
        traces: Of all frames, those that got nowhere too; in any order.
        last: The stage at which a frame counts as acted on.
    """
    done = {trace.sequence: last in trace.marks for trace in traces}
    newest = max((sequence for sequence, acted in done.items() if acted), default=-1)
    missed = [sequence for sequence, acted in done.items() if not acted]
    dropped = sum(sequence < newest for sequence in missed)
    return FrameCount(len(done), len(done) - len(missed), dropped, len(missed) - dropped)


def fill_gaps(traces: Iterable[Trace]) -> list[Trace]:
    """Add a trace without marks for each sequence number that is missing between two others.

    Args:
        traces: In any order; the first of each sequence number counts.

    Returns:
        All of them by sequence; an added one has the time of capture of the one before it.
    """
    known: dict[int, Trace] = {}
    for trace in traces:
        known.setdefault(trace.sequence, trace)
    filled: list[Trace] = []
    for sequence in sorted(known):
        while filled and filled[-1].sequence < sequence - 1:
            filled.append(Trace(filled[-1].sequence + 1, filled[-1].captured_ns))
        filled.append(known[sequence])
    return filled


def stage_durations(traces: Iterable[Trace]) -> dict[str, list[float]]:
    """Return how long each stage took, milliseconds, one a frame that passed it.

    A stage lasts from the mark before it, whichever that is, as in a run's report.

    Args:
        traces: In any order.
    """
    taken: dict[str, list[float]] = {}
    for trace in traces:
        before_ns = trace.captured_ns
        for stage, name in STAGE_NAMES.items():
            if stage in trace.marks:
                taken.setdefault(name, []).append((trace.marks[stage] - before_ns) / 1e6)
                before_ns = trace.marks[stage]
    return {name: taken[name] for name in STAGE_NAMES.values() if name in taken}


@dataclass(frozen=True)
class Growth:
    """Whether the latency grows while frames keep coming.

    Attributes:
        first_ms: Median of the first fifth of the frames, milliseconds.
        last_ms: Median of the last fifth.
        ms_per_s: How much the latency grew in each second from the one to the other.
    """

    first_ms: float
    last_ms: float
    ms_per_s: float

    @classmethod
    def of(cls, points: Sequence[tuple[float, float]]) -> Growth | None:
        """Tell the growth of a run.

        Args:
            points: Seconds of capture and milliseconds of latency, by time.

        Returns:
            The growth; None of fewer than ten frames.
        """
        part = len(points) // ENDS
        if part < 2:
            return None
        (first_s, first_ms), (last_s, last_ms) = (
            (median(s for s, _ in some), median(ms for _, ms in some))
            for some in (points[:part], points[-part:])
        )
        per_s = (last_ms - first_ms) / (last_s - first_s) if last_s > first_s else 0.0
        return cls(round(first_ms, 2), round(last_ms, 2), round(per_s, 2))


@dataclass(frozen=True)
class StageRun:
    """One arrangement, measured for some seconds at one rate.

    Attributes:
        arrangement: Which one.
        fps: Frames a second asked for.
        seconds: How long it was measured.
        last: The stage at which a frame counts as acted on.
        traces: Of each frame that was captured meanwhile, by sequence.
        more: Durations in milliseconds that no frame's marks tell, by name.
        usage: What each process used meanwhile.
        stopped: How often the train stopped by itself, since a busy machine was late, and was
            armed again.
        frame_kb: Median size of a frame's MQTT message, thousands of bytes; None if not known.
    """

    arrangement: Arrangement
    fps: float
    seconds: float
    last: Stage
    traces: tuple[Trace, ...]
    more: Mapping[str, Sequence[float]]
    usage: tuple[Usage, ...]
    stopped: int = 0
    frame_kb: float | None = None

    @property
    def points(self) -> list[tuple[float, float]]:
        """Seconds of capture since the first frame, and milliseconds until the last stage."""
        began_ns = self.traces[0].captured_ns if self.traces else 0
        timed = ((trace, trace.until_ms(self.last)) for trace in self.traces)
        return [((t.captured_ns - began_ns) / 1e9, ms) for t, ms in timed if ms is not None]

    @property
    def frames(self) -> FrameCount:
        """What became of the frames."""
        return count_frames(self.traces, last=self.last)

    @property
    def latency(self) -> Figures | None:
        """From capture until the last stage, milliseconds; None if no frame got there."""
        taken = [ms for _, ms in self.points]
        return Figures.of(taken) if taken else None

    @property
    def stages(self) -> dict[str, Figures]:
        """Figures by stage, in the order of the flow; those that nothing passed are left out."""
        taken = {**stage_durations(self.traces), **self.more}
        return {name: Figures.of(list(values)) for name, values in taken.items() if values}

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, as JSON can hold them."""
        growth, latency = Growth.of(self.points), self.latency
        return {
            "arrangement": str(self.arrangement),
            "fps": self.fps,
            "seconds": self.seconds,
            "latency_ms": latency.as_dict() if latency else None,
            "growth": vars(growth) if growth else None,
            "frames": vars(self.frames),
            "stages": {name: figures.as_dict() for name, figures in self.stages.items()},
            "processes": [used.as_dict() for used in self.usage],
            "stopped": self.stopped,
            "frame_kb": self.frame_kb,
        }
