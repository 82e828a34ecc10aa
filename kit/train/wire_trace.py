"""What goes over the air, kept for people to read: the newest messages, both ways."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from kit.train.hub_finder import HubSource
from kit.train.hub_link import HubLink

KEPT = 400
"""How many messages are kept; older ones make room."""


@dataclass(frozen=True)
class Passed:
    """One message that went over the air.

    Attributes:
        at_ns: When, monotonic nanoseconds.
        sent: Whether it went to the hub; else it came from there.
        data: The whole message.
    """

    at_ns: int
    sent: bool
    data: bytes


class WireTrace:
    """Keeps the newest messages; any thread may read it.

    Args:
        kept: How many.
    """

    def __init__(self, *, kept: int = KEPT) -> None:
        self._passed: deque[Passed] = deque(maxlen=kept)
        self.count = 0

    @property
    def passed(self) -> tuple[Passed, ...]:
        """The messages that are kept, oldest first."""
        return tuple(self._passed)

    def note(self, data: bytes, *, sent: bool) -> None:
        """Keep one message; quick, for the event loop.

        Args:
            data: The whole message.
            sent: Whether it went to the hub.
        """
        self.count += 1
        self._passed.append(Passed(time.monotonic_ns(), sent, data))

    def link(
        self,
        source: HubSource,
        *,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[], None],
    ) -> HubLink:
        """Make a link that notes what it carries, for :class:`~kit.train.hub.Hub`."""
        return _NotingLink(self, source, on_data=on_data, on_lost=on_lost)


class _NotingLink(HubLink):
    def __init__(
        self,
        trace: WireTrace,
        source: HubSource,
        *,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        def note(data: bytes) -> None:
            trace.note(data, sent=False)
            on_data(data)

        super().__init__(source, on_data=note, on_lost=on_lost)
        self._trace = trace

    async def write(self, message: bytes) -> None:
        """Write one message, and note it once it is out."""
        await super().write(message)
        self._trace.note(message, sent=True)
