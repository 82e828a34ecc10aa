"""Going first: a thread that must not wait for the processor asks for real-time priority."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

REAL_TIME = 1
"""Real-time priority that is asked for: the lowest, above all that has none."""

_log = logging.getLogger(__name__)


@contextmanager
def going_first() -> Iterator[bool]:
    """Run this thread, and the threads and processes that it starts, ahead of ordinary ones.

    It takes the right to, which root has, and users to whom the system grants ``rtprio``. Where it
    is not granted, everything goes on as before. The kernel keeps a share of each processor for
    the others, so that no thread can hang the machine.

    Yields:
        Whether it was granted.
    """
    if sys.platform != "linux":
        yield False
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REAL_TIME))
    except PermissionError:
        _log.info("No real-time priority is granted: control waits for its turn as others do")
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, *before)
