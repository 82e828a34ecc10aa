"""The right of way for a whole mission, whose train stops when other tests hold its messages up."""

from __future__ import annotations

from contextlib import suppress

import psutil

AHEAD = -10
"""How far it goes ahead of the other programs, as ``nice`` counts it."""


def give_way_to(pid: int) -> None:
    """Let a process, and those that it starts from now on, go first where the system grants it.

    Args:
        pid: The process.
    """
    with suppress(psutil.AccessDenied):
        psutil.Process(pid).nice(AHEAD)
