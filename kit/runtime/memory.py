"""How much memory all processes of a mission hold together."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from kit.background import Background

EVERY_S = 2.0
"""Time between two samples, seconds."""


class MemoryWatch(Background):
    """Samples the resident memory of this process and all below it; a context manager.

    Pages that processes share are counted once for each, so the sum is an upper bound.

    Args:
        on_sample: Called with the sum in millions of bytes and the number of processes.
    """

    def __init__(self, on_sample: Callable[[float, int], None]) -> None:
        super().__init__("memory")
        self._on_sample = on_sample

    def _run(self) -> None:
        while not self._ended.is_set():
            sizes = sample_memory_mb()
            self._on_sample(sum(sizes.values()), len(sizes))
            self._ended.wait(EVERY_S)


def sample_memory_mb() -> dict[int, float]:
    """Return the resident memory of this process and all below it.

    Returns:
        Millions of bytes by process id.
    """
    sizes: dict[int, float] = {}
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        try:
            sizes[process.pid] = process.memory_info().rss / 1e6
        except psutil.Error:  # it ended a moment ago
            continue
    return sizes
