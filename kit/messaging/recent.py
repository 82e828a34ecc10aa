"""What came lately: enough of it to know it again."""

from __future__ import annotations

from collections import deque


class Recent:
    """Remembers the latest texts, such as ids.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._order: deque[str] = deque()
        self._known: set[str] = set()
        self._most = most

    def __contains__(self, text: str) -> bool:
        return text in self._known

    def add(self, text: str) -> None:
        """Remember a text, and forget the oldest if there are too many."""
        if text in self._known:
            return
        self._known.add(text)
        self._order.append(text)
        if len(self._order) > self._most:
            self._known.discard(self._order.popleft())
