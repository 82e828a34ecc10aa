"""Numbers that several threads count and anyone may read."""

from __future__ import annotations

import threading
from collections import Counter, deque

KEPT_ERRORS = 20
"""How many of the newest reasons are kept."""

_MAX_REASON = 300


class Counters:
    """Counts by name, and the newest reasons why something went wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()
        self._reasons: deque[str] = deque(maxlen=KEPT_ERRORS)

    def add(self, name: str) -> None:
        """Count one more."""
        with self._lock:
            self._numbers[name] += 1

    def fault(self, name: str, reason: object) -> None:
        """Count one more and keep the reason, shortened.

        Args:
            name: What to count.
            reason: An error or a sentence; must hold no secret.
        """
        with self._lock:
            self._numbers[name] += 1
            self._reasons.append(f"{name}: {str(reason)[:_MAX_REASON]}")

    def __getitem__(self, name: str) -> int:
        with self._lock:
            return self._numbers[name]

    @property
    def numbers(self) -> dict[str, int]:
        """A copy of all counts."""
        with self._lock:
            return dict(self._numbers)

    @property
    def last_errors(self) -> tuple[str, ...]:
        """The newest reasons, oldest first."""
        with self._lock:
            return tuple(self._reasons)
