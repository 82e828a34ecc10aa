"""A virtual BlueZ in a process of its own, for a hub that is reached over HCI.

``python -m kit.sim.bluez --hub hci:tcp-client:127.0.0.1:40124`` starts a D-Bus of its own and
serves ``org.bluez`` on it. It prints one line of JSON with the bus's address. Any program that
runs with this address in ``DBUS_SYSTEM_BUS_ADDRESS`` then finds the hub as ``ble``, through
bleak's own Linux back end. The link to the hub is this process's: it outlives its clients, as
BlueZ's links do.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.child import Child, announce_ready, exit_with_parent
from kit.errors import ConfigError, HubError, KitError, missing_extra
from kit.sim.private_bus import need_dbus_daemon, private_bus
from kit.train.hub_finder import HubSource

try:
    from dbus_fast import Message, NameFlag, RequestNameReply
    from dbus_fast.aio import MessageBus
except ImportError as error:
    raise missing_extra("dbus-fast", "sim") from error

BUS_VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"
"""Environment variable that tells bleak which bus BlueZ is on."""

_REOPEN_S = 0.2
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bluez:
    """A running virtual BlueZ.

    Attributes:
        hub: What :class:`kit.train.hub.Hub` takes to find the hub there.
        environment: Variables that a program needs to use it.
        child: Its process; killing it takes the adapter and all its links away.
    """

    hub: str
    environment: dict[str, str]
    child: Child


@contextmanager
def virtual_bluez(hub: str, *, bus: str | None = None, log: Path | None = None) -> Iterator[Bluez]:
    """Run a virtual BlueZ in a process of its own.

    Args:
        hub: The virtual hub, as ``hci:<transport>``.
        bus: Address of the D-Bus to serve on; one of its own if not given.
        log: File for its messages; inherited if not given.

    Raises:
        ConfigError: If there is no ``dbus-daemon``, or ``hub`` is not one reached over HCI.
        MissionError: If it does not start.
    """
    _transport(hub)
    if bus is None:
        need_dbus_daemon()
    options = ("--hub", hub, *(() if bus is None else ("--bus", bus)))
    with Child.module("kit.sim.bluez", *options, name="virtual BlueZ", log=log) as child:
        facts = child.ready()
        yield Bluez(facts["hub"], {BUS_VARIABLE: facts["bus"]}, child)


def _transport(hub: str) -> str:
    transport = HubSource.parse(hub).transport
    if transport is None:
        raise ConfigError(
            "A virtual BlueZ needs a hub that is reached over HCI",
            expected="hci:<transport>, as the virtual set tells it",
            got=hub,
        )
    return transport


async def _bus(address: str) -> MessageBus:
    """Connect to the bus and take BlueZ's name there."""
    try:
        bus = await MessageBus(bus_address=address).connect()
    except (OSError, ValueError) as error:
        raise ConfigError("This D-Bus cannot be reached", got=f"{address}: {error}") from error
    reply = await bus.request_name("org.bluez", NameFlag.DO_NOT_QUEUE)
    if reply is not RequestNameReply.PRIMARY_OWNER:
        bus.disconnect()
        raise ConfigError("There is a BlueZ on this D-Bus already", got=address)
    rule = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"
    await bus.call(
        Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="AddMatch",
            signature="s",
            body=[rule],
        )
    )
    return bus


async def _serve(transport: str, address: str) -> None:
    from kit.sim.bluez_service import BluezService
    from kit.train.bumble_backend import BumbleAdapter

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    bus = await _bus(address)
    bus_lost = asyncio.ensure_future(bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
    bus_lost.add_done_callback(lambda _: ended.set())
    ready = False
    while not ended.is_set():
        try:
            async with BumbleAdapter(transport) as radio, BluezService(bus, radio):
                if not ready:
                    announce_ready(bus=address, hub="ble")
                    ready = True
                await _first(ended.wait(), radio.wait_lost())
                if not ended.is_set():
                    _log.warning("The adapter is gone; looking for it again")
        except HubError:
            if not ready:
                raise
        if not ended.is_set():
            await asyncio.sleep(_REOPEN_S)
    bus.disconnect()
    await asyncio.gather(bus_lost, return_exceptions=True)


async def _first(*works: Coroutine[Any, Any, object]) -> None:
    """Wait until the first of several ends, and cancel the others."""
    tasks = [asyncio.get_running_loop().create_task(work) for work in works]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main() -> int:
    """Serve until the parent ends, or SIGTERM or SIGINT comes.

    Returns:
        Exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m kit.sim.bluez", description=__doc__)
    parser.add_argument("--hub", required=True, help="hci:<transport> of the virtual hub")
    parser.add_argument("--bus", help="address of the D-Bus to serve on; one of its own if missing")
    arguments = parser.parse_args()
    exit_with_parent()
    logging.basicConfig(format="BlueZ: %(message)s", level=logging.WARNING)
    try:
        transport = _transport(arguments.hub)
        with nullcontext(arguments.bus) if arguments.bus else private_bus() as address:
            asyncio.run(_serve(transport, address))
    except KitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
