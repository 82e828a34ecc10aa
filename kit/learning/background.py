"""Hard work in the background of a notebook, with what the processor has left over."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

NICENESS = 5
"""How much the work stands back behind everything else on this machine, 0 to 19."""


def in_background(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Begin to call a function in a thread that stands back, and return at once.

    On Linux a thread has a priority of its own, and what it starts inherits it: the threads of
    torch, the processes that draw. So a train that runs on the same machine is hardly disturbed.

    Args:
        call: The function.
        *args: Its arguments.
        **kwargs: Its named arguments.

    Returns:
        What will hold its result, or raise its error, when asked for ``result()``.
    """
    pool = ThreadPoolExecutor(1, "background", initializer=os.nice, initargs=(NICENESS,))
    future = pool.submit(call, *args, **kwargs)
    pool.shutdown(wait=False)  # it ends when the work does
    return future
