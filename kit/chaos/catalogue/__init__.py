"""Every fault that ``kit chaos`` tries, with what must come of it, in the order of trial."""

from __future__ import annotations

from kit.chaos.catalogue import messages, processes, surroundings
from kit.chaos.fault import Fault


def all_faults() -> tuple[Fault, ...]:
    """Return all faults; those of one stage stand together."""
    return (
        *processes.killed(),
        *processes.halted(),
        *processes.half_open(),
        *processes.brokers(),
        *surroundings.camera(),
        *surroundings.inference(),
        *surroundings.hub(),
        *messages.messages(),
        *surroundings.disk(),
        *surroundings.clock(),
        *processes.bluez(),
        *processes.supervisor(),
    )
