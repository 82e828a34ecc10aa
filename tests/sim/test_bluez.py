"""The virtual BlueZ as a process: what it is asked for, what it says no to, and how it ends."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from bleak.backends.bluezdbus.defs import (
    ADAPTER_INTERFACE,
    DEVICE_INTERFACE,
    GATT_CHARACTERISTIC_INTERFACE,
)
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from kit.errors import ConfigError, MissionError
from kit.sim import bluez as bluez_module
from kit.sim import bluez_service, private_bus
from kit.sim.bluez import BUS_VARIABLE, Bluez, virtual_bluez
from kit.sim.bluez_objects import OBJECT_MANAGER, PROPERTIES
from kit.sim.bluez_service import ADAPTER_PATH, BluezService
from kit.sim.hub import VirtualHub
from kit.sim.radio import HUB_ADDRESS, VirtualRadio
from kit.train.bumble_backend import BumbleAdapter
from kit.train.lwp3.enums import CHARACTERISTIC_UUID
from tests.train.conftest import serve
from tests.train.hub_bench import RecordingPort
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed: apt install dbus"
)

DEVICE_PATH = f"{ADAPTER_PATH}/dev_{HUB_ADDRESS.replace(':', '_')}"
NO_SUCH_HUB = "hci:tcp-client:127.0.0.1:1"


@pytest.fixture(scope="module")
def bluez(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bluez]:
    log = tmp_path_factory.mktemp("bluez") / "hub.log"
    with serve(log) as hub, virtual_bluez(hub.ready(timeout_s=PATIENCE_S)["hub"]) as running:
        yield running


class Client:
    """A program on the bus that speaks D-Bus by hand."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.heard: list[Message] = []
        bus.add_message_handler(self._hear)

    def _hear(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            self.heard.append(message)

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: Any
    ) -> Message:
        return await self.bus.call(
            Message(
                destination="org.bluez",
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )

    async def ok(self, path: str, interface: str, member: str, *rest: Any) -> list[Any]:
        answer = await self.call(path, interface, member, *rest)
        assert answer.message_type is MessageType.METHOD_RETURN, answer.body
        return answer.body

    async def objects(self) -> dict[str, Any]:
        return (await self.ok("/", OBJECT_MANAGER, "GetManagedObjects"))[0]

    async def discovering(self) -> bool:
        (value,) = await self.ok(
            ADAPTER_PATH, PROPERTIES, "Get", "ss", ADAPTER_INTERFACE, "Discovering"
        )
        return value.value

    async def find(self) -> None:
        """Have the hub's object stand in the tree."""
        await self.ok(ADAPTER_PATH, ADAPTER_INTERFACE, "StartDiscovery")
        await self.until(self._knows_hub)
        await self.ok(ADAPTER_PATH, ADAPTER_INTERFACE, "StopDiscovery")

    async def _knows_hub(self) -> bool:
        return DEVICE_PATH in await self.objects()

    async def until(self, true: Any) -> None:
        end = time.monotonic() + PATIENCE_S
        while not await true():
            assert time.monotonic() < end, f"never came true: {true}"
            await asyncio.sleep(0.005)

    async def characteristic(self, uuid: str = CHARACTERISTIC_UUID) -> str:
        tree = await self.objects()
        found = {path: tree[path].get(GATT_CHARACTERISTIC_INTERFACE) for path in tree}
        return next(path for path, its in found.items() if its and its["UUID"].value == uuid)


@asynccontextmanager
async def client_of(address: str) -> AsyncIterator[Client]:
    bus = await MessageBus(bus_address=address).connect()
    client = Client(bus)
    rule = "type='signal',sender='org.bluez'"
    await bus.call(
        Message(
            "org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus",
            "AddMatch",
            signature="s",
            body=[rule],
        )
    )
    try:
        yield client
    finally:
        bus.disconnect()


def on(bluez: Bluez) -> Any:
    return client_of(bluez.environment[BUS_VARIABLE])


def test_it_has_one_adapter_that_is_on(bluez: Bluez) -> None:
    async def run() -> dict[str, Any]:
        async with on(bluez) as client:
            (tree,) = await client.ok(ADAPTER_PATH, PROPERTIES, "GetAll", "s", ADAPTER_INTERFACE)
            return tree

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
        async with on(bluez) as client:
            await client.find()
            return await client.call(path, interface, member)

    answer = asyncio.run(run())
    assert answer.message_type is MessageType.ERROR
    assert answer.error_name == error


def test_a_property_that_is_not_there_is_refused(bluez: Bluez) -> None:
    async def run() -> list[str | None]:
        async with on(bluez) as client:
            asked = [
                (ADAPTER_PATH, "Get", "ss", ADAPTER_INTERFACE, "Colour"),
                ("/nowhere", "Get", "ss", ADAPTER_INTERFACE, "Powered"),
                (ADAPTER_PATH, "GetAll", "s", "org.bluez.Nothing1"),
            ]
            answers = [
                await client.call(path, PROPERTIES, member, *rest) for path, member, *rest in asked
            ]
            return [answer.error_name for answer in answers]

    assert asyncio.run(run()) == [
        "org.freedesktop.DBus.Error.UnknownProperty",
        "org.freedesktop.DBus.Error.UnknownObject",
        "org.freedesktop.DBus.Error.UnknownObject",
    ]


def test_a_link_comes_with_services_and_goes_with_them(bluez: Bluez) -> None:
    async def run() -> None:
        async with on(bluez) as client:
            await client.find()
            await client.ok(DEVICE_PATH, DEVICE_INTERFACE, "Connect")
            again = await client.call(DEVICE_PATH, DEVICE_INTERFACE, "Connect")
            assert again.error_name == "org.bluez.Error.AlreadyConnected"
            changed = await client.characteristic("00002b29-0000-1000-8000-00805f9b34fb")
            cannot = await client.call(changed, GATT_CHARACTERISTIC_INTERFACE, "StartNotify")
            assert cannot.error_name == "org.bluez.Error.NotSupported"
            path = await client.characteristic()
            await client.ok(path, GATT_CHARACTERISTIC_INTERFACE, "StartNotify")
            twice = await client.call(path, GATT_CHARACTERISTIC_INTERFACE, "StartNotify")
            assert twice.error_name == "org.bluez.Error.InProgress"
            message = bytes.fromhex("0500010605")
            write = ("WriteValue", "aya{sv}", message, {"type": Variant("s", "request")})
            await client.ok(path, GATT_CHARACTERISTIC_INTERFACE, *write)
            await until(lambda: "060001060657" in values(client))
            await client.ok(DEVICE_PATH, DEVICE_INTERFACE, "Disconnect")
            assert path not in await client.objects()
            late = await client.call(path, GATT_CHARACTERISTIC_INTERFACE, *write)
            assert late.error_name == "org.freedesktop.DBus.Error.UnknownObject"

    asyncio.run(run())


def values(client: Client) -> list[str]:
    """What the client was told that the characteristic has, in hexadecimal."""
    changes = [message.body[1] for message in client.heard if message.member == "PropertiesChanged"]
    return [changed["Value"].value.hex() for changed in changes if "Value" in changed]


def test_what_a_client_asked_for_ends_with_it_but_its_link_stays(bluez: Bluez) -> None:
    async def run() -> None:
        async with on(bluez) as watching:
            async with on(bluez) as leaving:
                await leaving.find()
                await leaving.ok(DEVICE_PATH, DEVICE_INTERFACE, "Connect")
                path = await leaving.characteristic()
                await leaving.ok(path, GATT_CHARACTERISTIC_INTERFACE, "StartNotify")
                await leaving.ok(ADAPTER_PATH, ADAPTER_INTERFACE, "StartDiscovery")
                assert await watching.discovering()

            async def forgotten() -> bool:
                notifying = (await watching.objects())[path][GATT_CHARACTERISTIC_INTERFACE]
                return not notifying["Notifying"].value and not await watching.discovering()

            await watching.until(forgotten)
            tree = await watching.objects()
            assert tree[DEVICE_PATH][DEVICE_INTERFACE]["Connected"].value is True
            await watching.ok(DEVICE_PATH, DEVICE_INTERFACE, "Disconnect")

    asyncio.run(run())


def test_a_filter_for_another_service_finds_nothing(bluez: Bluez) -> None:
    async def run() -> None:
        async with on(bluez) as client, on(bluez) as other:
            await client.find()
            await client.ok(ADAPTER_PATH, ADAPTER_INTERFACE, "RemoveDevice", "o", DEVICE_PATH)
            wanted = {"UUIDs": Variant("as", ["0000180f-0000-1000-8000-00805f9b34fb"])}
            await client.ok(ADAPTER_PATH, ADAPTER_INTERFACE, "SetDiscoveryFilter", "a{sv}", wanted)
            await client.ok(ADAPTER_PATH, ADAPTER_INTERFACE, "StartDiscovery")
            await asyncio.sleep(0.3)  # six advertisements
            assert DEVICE_PATH not in await client.objects()
            await other.find()  # which has no filter

    asyncio.run(run())


@asynccontextmanager
async def bus_and_adapter(address: str) -> AsyncIterator[tuple[MessageBus, BumbleAdapter]]:
    """What a BlueZ in this process needs: its name on a bus, and an adapter that hears a hub."""
    bus = await MessageBus(bus_address=address).connect()
    await bus.request_name("org.bluez")
    async with (
        VirtualRadio(VirtualHub(RecordingPort())) as radio,
        BumbleAdapter(radio.hci_address.removeprefix("hci:")) as adapter,
    ):
        yield bus, adapter
    bus.disconnect()


def test_a_device_without_a_link_is_forgotten_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bluez_service, "TEMPORARY_S", 0.05)

    async def run() -> None:
        with private_bus.private_bus() as address:
            async with (
                bus_and_adapter(address) as (bus, adapter),
                BluezService(bus, adapter),
                client_of(address) as client,
            ):
                await client.find()

                async def forgotten() -> bool:
                    return DEVICE_PATH not in await client.objects()

                await client.until(forgotten)

    asyncio.run(run())


def test_who_has_called_an_adapter_that_goes_gets_an_answer() -> None:
    async def run() -> Message:
        with private_bus.private_bus() as address:
            async with (
                bus_and_adapter(address) as (bus, adapter),
                client_of(address) as client,
            ):
                async with BluezService(bus, adapter) as service, asyncio.timeout(PATIENCE_S):
                    await service._scan_lock.acquire()
                    start = client.call(ADAPTER_PATH, ADAPTER_INTERFACE, "StartDiscovery")
                    calling = asyncio.create_task(start)
                    await until(lambda: service._discovering)
                async with asyncio.timeout(PATIENCE_S):
                    return await calling

    answer = asyncio.run(run())
    assert answer.message_type is MessageType.ERROR
    assert answer.error_name == "org.bluez.Error.NotReady"


def test_it_ends_with_its_parent_and_takes_its_bus_along(tmp_path: Path) -> None:
    with (
        serve(tmp_path / "hub.log") as hub,
        virtual_bluez(hub.ready(timeout_s=PATIENCE_S)["hub"]) as running,
    ):
        family = psutil.Process(running.child.pid).children(recursive=True)
        assert any(process.name() == "dbus-daemon" for process in family)
        assert running.child.stop(timeout_s=PATIENCE_S) == 0
        assert psutil.wait_procs(family, timeout=PATIENCE_S)[1] == []


def test_without_dbus_daemon_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_bus.shutil, "which", lambda _program: None)
    with pytest.raises(ConfigError, match="apt install dbus"), virtual_bluez(NO_SUCH_HUB):
        pass


def test_a_hub_that_is_not_reached_over_hci_is_refused() -> None:
    with pytest.raises(ConfigError, match="hci:<transport>"), virtual_bluez("ble"):
        pass


def test_a_hub_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with pytest.raises(MissionError), virtual_bluez(NO_SUCH_HUB, log=log):
        pass
    assert "look whether the virtual set runs" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_bus_that_is_not_there_or_has_a_bluez_already_is_told_in_words(bluez: Bluez) -> None:
    async def run(address: str) -> None:
        await bluez_module._bus(address)

    with pytest.raises(ConfigError, match="cannot be reached"):
        asyncio.run(run("unix:abstract=no-such-bus"))
    with pytest.raises(ConfigError, match="There is a BlueZ on this D-Bus already"):
        asyncio.run(run(bluez.environment[BUS_VARIABLE]))
