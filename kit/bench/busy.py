"""A program that keeps a processor busy until its parent ends: ``python -m kit.bench.busy``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil

from kit.child import Child, announce_ready, exit_with_parent
from kit.errors import ConfigError


def main() -> None:
    """Compute, and never wait."""
    exit_with_parent()
    announce_ready()
    while True:
        pass


@contextmanager
def crowded(pid: int, programs: int) -> Iterator[None]:
    """Hold a process to one processor and let others compute there, while the block lasts.

    It gets about one part in ``programs + 1`` of that processor: as if its work were so much
    longer, or the computer so much smaller, while all else runs as before.

    Args:
        pid: The process.
        programs: How many others compute without a pause; 0 leaves everything as it is.

    Raises:
        ConfigError: If this system cannot hold a process to a processor.
    """
    if not programs:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        raise ConfigError(
            "This system cannot hold a process to one processor",
            expected="Linux",
            fix="leave the option --busy out",
        )
    before = os.sched_getaffinity(pid)
    processor = min(before)
    with ExitStack() as stack:
        for _ in range(programs):
            child = stack.enter_context(Child.module("kit.bench.busy", name="busy program"))
            child.ready()
            os.sched_setaffinity(child.pid, {processor})
        stack.callback(_hold, pid, before)
        _hold(pid, {processor})
        yield


def _hold(pid: int, processors: set[int]) -> None:
    """Let a process, if it is still there, run on some processors only."""
    with suppress(psutil.NoSuchProcess):
        for thread in psutil.Process(pid).threads():  # each has an affinity of its own
            with suppress(ProcessLookupError):  # it ended a moment ago
                os.sched_setaffinity(thread.id, processors)


if __name__ == "__main__":
    main()
