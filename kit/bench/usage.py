"""What processes use of the machine: processor time and memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil


@dataclass(frozen=True)
class Sample:
    """What a part had used at one moment.

    Attributes:
        cpu_s: Processor time since it started, seconds.
        memory_mb: Resident memory, millions of bytes.
    """

    cpu_s: float
    memory_mb: float


@dataclass(frozen=True)
class Usage:
    """What a part used while it was measured.

    Attributes:
        part: Such as ``inference``.
        cpu_s: Processor time, seconds.
        cpu_percent: The same in percent of one processor.
        memory_mb: Resident memory, millions of bytes: the more of begin and end.
    """

    part: str
    cpu_s: float
    cpu_percent: float
    memory_mb: float

    @classmethod
    def between(cls, part: str, first: Sample, then: Sample, *, seconds: float) -> Usage:
        """Tell what was used between two moments.

        Args:
            part: Name of the part.
            first: At the begin.
            then: At the end.
            seconds: Time between them, above 0.
        """
        used_s = max(0.0, then.cpu_s - first.cpu_s)
        memory_mb = max(first.memory_mb, then.memory_mb)
        share = 100 * used_s / seconds
        return cls(part, round(used_s, 2), round(share, 1), round(memory_mb, 1))

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


def sample(pids: Mapping[str, int], *, alone: Mapping[str, int] | None = None) -> dict[str, Sample]:
    """Look at parts and whatever they started, each process once.

    A process that is a part of its own does not count for the part that started it. Memory that
    processes share counts for each of them.

    Args:
        pids: Process by name of the part; one that has ended is left out of the answer.
        alone: The same, of parts that count without what they started.
    """
    own = set(pids.values())
    found = {part: _family(pid, without=own - {pid}) for part, pid in pids.items()}
    found |= {part: [psutil.Process(pid)] for part, pid in (alone or {}).items()}
    return {part: _sum(family) for part, family in found.items() if family}


def usage(
    first: Mapping[str, Sample], then: Mapping[str, Sample], *, seconds: float
) -> tuple[Usage, ...]:
    """Tell what was used between two looks, by the parts that were there in both.

    Args:
        first: What :func:`sample` returned at the begin.
        then: What it returned at the end.
        seconds: Time between them, above 0.
    """
    return tuple(
        Usage.between(part, first[part], then[part], seconds=seconds)
        for part in first
        if part in then
    )


def _family(pid: int, *, without: set[int]) -> list[psutil.Process]:
    """Return a process and all below it, but for those that are parts of their own."""
    try:
        head = psutil.Process(pid)
        below = [child.pid for child in head.children() if child.pid not in without]
    except psutil.NoSuchProcess:  # it ended a moment ago
        return []
    return [head, *(member for child in below for member in _family(child, without=without))]


def _sum(family: list[psutil.Process]) -> Sample:
    cpu_s = memory_mb = 0.0
    for process in family:
        try:
            times, memory = process.cpu_times(), process.memory_info()
        except psutil.NoSuchProcess:  # it ended a moment ago
            continue
        cpu_s += times.user + times.system
        memory_mb += memory.rss / 1e6
    return Sample(cpu_s, memory_mb)
