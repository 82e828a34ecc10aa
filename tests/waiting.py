"""Waiting for what nothing announces."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 60.0
"""So long a test waits for what should come true at once on a calm machine."""

Seen = TypeVar("Seen")


def wait_until(
    seen: Callable[[], Seen], what: str | Callable[[], object] = "", *, pause_s: float = 0.005
) -> Seen:
    """Ask again and again until something is true.

    Args:
        seen: What to ask.
        what: What is waited for, or a question whose answer tells why it never came.
        pause_s: Between two questions.

    Returns:
        What was seen: the first answer that is true.

    Raises:
        AssertionError: If none was for ``PATIENCE_S``.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not (found := seen()):
        if time.monotonic() > deadline:
            told = what() if callable(what) else what
            raise AssertionError(f"waited {PATIENCE_S:g} s in vain: {told or seen}")
        threading.Event().wait(pause_s)
    return found


async def until(
    seen: Callable[[], object], what: str | Callable[[], object] = "", *, pause_s: float = 0.002
) -> None:
    """Let the event loop run until something is true; else as :func:`wait_until`."""
    deadline = time.monotonic() + PATIENCE_S
    while not seen():
        if time.monotonic() > deadline:
            told = what() if callable(what) else what
            raise AssertionError(f"waited {PATIENCE_S:g} s in vain: {told or seen}")
        await asyncio.sleep(pause_s)
