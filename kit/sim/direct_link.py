"""A link to the virtual hub without any Bluetooth, for simulations faster than life.

What the hub's client writes and what the hub answers are LWP3's bytes, as on the air. They
arrive in order, each after a delay in the event loop's own time, which may be simulated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from kit.errors import HubError
from kit.sim.hub import Session, VirtualHub
from kit.train.hub_finder import HubSource
from kit.train.hub_link import HubLink

_APART_S = 1e-6  # two messages never arrive at the same moment: asyncio would not keep their order


class _Way:
    """One direction: first in, first out, each later than sent."""

    def __init__(self, delay_s: Callable[[], float]) -> None:
        self._delay_s = delay_s
        self._last_s = 0.0

    def send(self, deliver: Callable[..., Any], *what: object) -> None:
        loop = asyncio.get_running_loop()
        self._last_s = max(self._last_s + _APART_S, loop.time() + self._delay_s())
        loop.call_at(self._last_s, deliver, *what)


class DirectLink(HubLink):
    """Joins :class:`kit.train.hub.Hub` to a virtual hub in the same process.

    Args:
        source: What the client looks for; this hub is found whatever it is.
        on_data: Called with each message that the hub notifies.
        on_lost: Called when the hub ends the link.
        hub: The hub.
        delay_s: Drawn for each message: how long it takes, seconds.
    """

    def __init__(
        self,
        source: HubSource,
        *,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[], None],
        hub: VirtualHub,
        delay_s: Callable[[], float],
    ) -> None:
        super().__init__(source, on_data=on_data, on_lost=on_lost)
        self._hub = hub
        self._there, self._back = _Way(delay_s), _Way(delay_s)
        self._session: Session | None = None
        self._up = False

    async def connect(self) -> None:
        """Connect; the hub is always there."""
        self._up = True

    async def listen(self) -> None:
        """Have ``on_data`` called with what the hub says from now on."""

        def receive(message: bytes) -> None:
            if self._up:
                self._on_data(message)

        self._session = self._hub.connect(
            lambda message: self._back.send(receive, message),
            lambda: self._back.send(self._hung_up),
        )

    async def write(self, message: bytes) -> None:
        """Write one message, without waiting for an answer.

        Raises:
            HubError: If the link is down.
        """
        if not self._up:
            raise HubError("The hub is not connected")
        session = self._session or Session(lambda _: None, lambda: None)
        self._there.send(self._hub.write, session, message)

    async def hang_up(self) -> None:
        """End the link; ``on_lost`` is not called."""
        self._leave()

    async def close(self) -> None:
        """End the link."""
        self._leave()

    def _hung_up(self) -> None:
        if self._up:
            self._leave()
            self._on_lost()

    def _leave(self) -> None:
        self._up = False
        session, self._session = self._session, None
        if session is not None:
            self._hub.leave(session)
