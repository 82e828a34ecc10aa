"""A mailbox with one slot: who is late gets the newest item, never a queue."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestMailbox(Generic[T]):
    """Hands the newest item from one thread to another and counts what was overtaken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._full = False
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        """How many items nobody took before a newer one came."""
        with self._changed:
            return self._dropped

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        with self._changed:
            return self._closed

    def put(self, item: T) -> None:
        """Replace what is in the slot; never blocks. Does nothing once closed.

        Args:
            item: Anything; the mailbox does not copy it.
        """
        with self._changed:
            if self._closed:
                return
            self._dropped += self._full
            self._item, self._full = item, True
            self._changed.notify()

    def get(self, timeout_s: float | None = None) -> T | None:
        """Take the item, waiting for one if the slot is empty.

        Args:
            timeout_s: How long to wait, seconds; None means until there is one.

        Returns:
            The newest item; None if the time was up or the mailbox was closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._full or self._closed, timeout_s)
            item, self._item, self._full = self._item, None, False
            return item

    def close(self) -> None:
        """Empty the slot and wake everyone who waits; they get None, now and for ever."""
        with self._changed:
            self._closed = True
            self._item, self._full = None, False
            self._changed.notify_all()
