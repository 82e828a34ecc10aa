"""The virtual BlueZ as a process: what it is asked for, and what it says no to."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from bleak.backends.bluezdbus.defs import ADAPTER_INTERFACE, DEVICE_INTERFACE
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from kit.sim.bluez import BUS_VARIABLE, Bluez, virtual_bluez
from kit.sim.bluez_service import ADAPTER_PATH
from kit.sim.radio import HUB_ADDRESS
from tests.train.conftest import serve

pytestmark = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed: apt install dbus"
)

DEVICE_PATH = f"{ADAPTER_PATH}/dev_{HUB_ADDRESS.replace(':', '_')}"


@pytest.fixture(scope="module")
def bluez(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bluez]:
    log = tmp_path_factory.mktemp("bluez") / "hub.log"
    with serve(log) as hub, virtual_bluez(hub.ready()["hub"]) as running:
        yield running


async def bus_of(bluez: Bluez) -> MessageBus:
    return await MessageBus(bus_address=bluez.environment[BUS_VARIABLE]).connect()


async def call(
    bus: MessageBus, path: str, interface: str, member: str, signature: str = "", *body: Any
) -> Message:
    return await bus.call(
        Message(
            destination="org.bluez",
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
    )


async def objects(bus: MessageBus) -> dict[str, Any]:
    manager = "org.freedesktop.DBus.ObjectManager"
    return (await call(bus, "/", manager, "GetManagedObjects")).body[0]


async def find(bus: MessageBus) -> None:
    """Have the hub's object stand in the tree."""
    await call(bus, ADAPTER_PATH, ADAPTER_INTERFACE, "StartDiscovery")
    while DEVICE_PATH not in await objects(bus):
        await asyncio.sleep(0.01)
    await call(bus, ADAPTER_PATH, ADAPTER_INTERFACE, "StopDiscovery")


def test_it_has_one_adapter_that_is_on(bluez: Bluez) -> None:
    async def run() -> dict[str, Any]:
        bus = await bus_of(bluez)
        try:
            return (await objects(bus))[ADAPTER_PATH][ADAPTER_INTERFACE]
        finally:
            bus.disconnect()

    adapter = asyncio.run(run())
    assert adapter["Powered"].value is True
    assert adapter["Roles"].value == ["central"]


@pytest.mark.parametrize(
    ("path", "interface", "member", "error"),
    [
        (ADAPTER_PATH, ADAPTER_INTERFACE, "StopDiscovery", "org.bluez.Error.Failed"),
        (ADAPTER_PATH, ADAPTER_INTERFACE, "Fly", "org.freedesktop.DBus.Error.UnknownMethod"),
        ("/nowhere", DEVICE_INTERFACE, "Connect", "org.freedesktop.DBus.Error.UnknownObject"),
        (DEVICE_PATH, DEVICE_INTERFACE, "Disconnect", "org.bluez.Error.NotConnected"),
    ],
)
def test_what_cannot_be_is_refused_as_bluez_does(
    bluez: Bluez, path: str, interface: str, member: str, error: str
) -> None:
    async def run() -> Message:
        bus = await bus_of(bluez)
        try:
            await find(bus)
            return await call(bus, path, interface, member)
        finally:
            bus.disconnect()

    answer = asyncio.run(run())
    assert answer.message_type is MessageType.ERROR
    assert answer.error_name == error


def test_a_discovery_ends_with_the_client_that_asked_for_it(bluez: Bluez) -> None:
    async def run() -> None:
        first, second = await bus_of(bluez), await bus_of(bluez)
        await call(first, ADAPTER_PATH, ADAPTER_INTERFACE, "StartDiscovery")

        async def discovering() -> bool:
            return (await objects(second))[ADAPTER_PATH][ADAPTER_INTERFACE]["Discovering"].value

        assert await discovering()
        first.disconnect()
        async with asyncio.timeout(10):
            while await discovering():
                await asyncio.sleep(0.01)
        second.disconnect()

    asyncio.run(run())
