"""A virtual hub on the air in a thread of its own, for services that are tested in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kit.sim.hub import VirtualHub
from kit.sim.radio import VirtualRadio
from tests.train.hub_bench import RecordingPort
from tests.waiting import PATIENCE_S


@dataclass
class HubThread:
    """A hub that a test can touch.

    Attributes:
        source: What the control service takes.
        port: What the hub did to its train.
        hub: The hub; touch it by :meth:`call` only.
    """

    source: str
    port: RecordingPort
    hub: VirtualHub
    loop: asyncio.AbstractEventLoop

    def call(self, act: Callable[[], None]) -> None:
        """Do something in the hub's own thread."""
        self.loop.call_soon_threadsafe(act)

    @property
    def powers(self) -> list[int]:
        """Powers that the motor was given, brakes left out."""
        return [value for what, value in self.port.done if what == "motor"]


@contextmanager
def hub_thread() -> Iterator[HubThread]:
    """Put a hub on the air until the end of the block."""
    port = RecordingPort()
    hub = VirtualHub(port)
    ready, made = threading.Event(), []

    async def serve() -> None:
        ended = asyncio.Event()
        async with VirtualRadio(hub) as radio:
            loop = asyncio.get_running_loop()
            made.append((HubThread(radio.hci_address, port, hub, loop), ended))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE_S)
    it, ended = made[0]
    try:
        yield it
    finally:
        it.call(ended.set)
        thread.join(PATIENCE_S)
