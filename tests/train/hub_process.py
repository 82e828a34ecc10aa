"""A virtual hub in a process of its own: ``python -m tests.train.hub_process --log FILE``.

It writes one line for each message that the hub receives, monotonic nanoseconds and the bytes; and
one for each link that comes up or ends.
SIGUSR1 loses its links, SIGUSR2 switches it off and on again.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from pathlib import Path

from bumble.device import Connection

from kit.child import announce_ready, exit_with_parent
from kit.sim.hub import VirtualHub
from kit.sim.radio import VirtualRadio
from tests.train.hub_bench import RecordingPort

LINKED, ENDED = "linked", "ended"


async def _serve(log: Path, port: int) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    with log.open("a", buffering=1) as lines:

        def note(what: str) -> None:
            lines.write(f"{time.monotonic_ns()} {what}\n")

        def linked(connection: Connection) -> None:
            note(LINKED)
            connection.on("disconnection", lambda _reason: note(ENDED))

        hub = VirtualHub(RecordingPort(), on_message=lambda message: note(message.hex()))
        async with VirtualRadio(hub, port=port) as radio:
            radio._device.on("connection", linked)
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, radio.lose_links)
            loop.add_signal_handler(signal.SIGUSR2, hub.press_power)
            announce_ready(hub=radio.hci_address)
            await ended.wait()


def main() -> None:
    """Serve until the parent ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    exit_with_parent()
    asyncio.run(_serve(arguments.log, arguments.port))


if __name__ == "__main__":
    main()
