"""What the lanes know together of the way to Kafka."""

from __future__ import annotations

import threading


class Uplink:
    """Whether Kafka answers, and whether it misses topics.

    Attributes:
        topics_missing: Set when topics must be made; cleared by who makes them.
    """

    def __init__(self) -> None:
        self.topics_missing = threading.Event()
        self.topics_missing.set()
        self._up: bool | None = None

    @property
    def up(self) -> bool:
        """Whether Kafka took the last message that it answered for."""
        return self._up is True

    @property
    def down(self) -> bool:
        """Whether Kafka is known to be away; neither holds before the first answer."""
        return self._up is False

    def answered(self, *, taken: bool) -> None:
        """Note an answer, or that there is none.

        Args:
            taken: Whether Kafka took a message.
        """
        self._up = taken
