"""The memory of all processes of a mission is counted together."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from kit.runtime.memory import MemoryWatch, sample_memory_mb
from tests.waiting import PATIENCE_S


def test_this_process_and_its_children_are_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        sizes = sample_memory_mb()
        child.communicate(b"\n")

    assert sizes[os.getpid()] > 0
    assert sizes[child.pid] > 0


def test_samples_are_told_while_it_watches() -> None:
    samples: list[tuple[float, int]] = []
    told = threading.Event()

    def tell(total_mb: float, processes: int) -> None:
        samples.append((total_mb, processes))
        told.set()

    with MemoryWatch(tell):
        assert told.wait(PATIENCE_S)

    assert samples[0][0] > 1
    assert samples[0][1] >= 1
