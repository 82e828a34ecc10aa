"""The second way to the virtual hub: bleak's own Linux back end, over a D-Bus with a BlueZ on it.

The hub, BlueZ and, where one is killed, the client are processes of their own.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from bleak import BleakAdapter, BleakScanner
from bleak.backends.bluezdbus.manager import get_global_bluez_manager
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from kit.child import Child
from kit.errors import HubError
from kit.events import Action, Motion
from kit.sim.bluez import BUS_VARIABLE, Bluez, virtual_bluez
from kit.sim.private_bus import private_bus
from kit.sim.radio import HUB_ADDRESS
from kit.train import hub_link
from kit.train.controller import Controller
from kit.train.hub import Hub
from kit.train.hub_facts import HubEventKind
from kit.train.hub_finder import Finder, HubSource, SeenHub
from kit.train.lwp3.enums import COMPANY_ID, SERVICE_UUID, SystemType
from tests.train.conftest import RemoteHub, serve
from tests.train.hub_bench import ARM_KEY, command, give
from tests.train.test_guardian import gone
from tests.waiting import PATIENCE_S, until, wait_until

pytestmark = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed: apt install dbus"
)

BRAKE = 127
HUB_NAME = "Runaway train"
BRAKES = {"080081001051007f", "080081011051007f"}


@dataclass
class Set:
    """A hub and a BlueZ that reaches it, each a process."""

    hub_process: Child
    source: str
    bluez: Bluez
    log: Path

    def lose_link(self) -> None:
        self.hub_process.signal(signal.SIGUSR1)

    def press_power(self) -> None:
        self.hub_process.signal(signal.SIGUSR2)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Set]:
    log = tmp_path_factory.mktemp("bluez") / "hub.log"
    with serve(log) as hub:
        source = hub.ready(timeout_s=PATIENCE_S)["hub"]
        with virtual_bluez(source) as bluez:
            yield Set(hub, source, bluez, log)


@pytest.fixture
def stage(running: Set, monkeypatch: pytest.MonkeyPatch) -> Set:
    """The set, and this process uses its BlueZ."""
    monkeypatch.setenv(BUS_VARIABLE, running.bluez.environment[BUS_VARIABLE])
    return running


@pytest.fixture
def hub_log(running: Set) -> RemoteHub:
    """What the hub is told from now on."""
    return RemoteHub.unlinked("ble", running.log)


@asynccontextmanager
async def bus_closed() -> AsyncIterator[None]:
    """Close bleak's connection to the bus at the end; it would stay open for the next loop."""
    try:
        yield
    finally:
        manager = await get_global_bluez_manager()
        assert manager._bus is not None
        manager._bus.disconnect()
        with suppress(EOFError):
            await manager._bus.wait_for_disconnect()


@asynccontextmanager
async def opened(source: str = "ble") -> AsyncIterator[tuple[Hub, list[HubEventKind]]]:
    kinds: list[HubEventKind] = []
    async with bus_closed(), Hub(source) as hub:
        hub.on_event(lambda event: kinds.append(event.kind))
        yield hub, kinds


async def held() -> int:
    """How many hubs BlueZ holds a link to."""
    adapter = await BleakAdapter.get()
    return len(await adapter.get_connected_devices([SERVICE_UUID]))


def told(scanner: BleakScanner) -> list[tuple[BLEDevice, AdvertisementData]]:
    """What a scan has found until now."""
    return list(scanner.discovered_devices_and_advertisement_data.values())


def test_a_scan_tells_the_hubs_service_its_maker_its_kind_and_its_name(stage: Set) -> None:
    async def run() -> None:
        async with bus_closed():
            async with BleakScanner(service_uuids=[SERVICE_UUID]) as scanner:
                # The hub's name comes later than the rest: it is in the answer to the scan.
                await until(lambda: [n for _, n in told(scanner) if n.local_name == HUB_NAME])
            ((device, advertised),) = told(scanner)
            assert device.address == HUB_ADDRESS
            assert advertised.service_uuids == [SERVICE_UUID]
            assert advertised.manufacturer_data[COMPANY_ID][1] == SystemType.CITY
            assert advertised.rssi < 0

    asyncio.run(run())


def test_the_hubs_in_reach_are_listed(stage: Set) -> None:
    async def run() -> None:
        async with bus_closed():
            hubs: list[SeenHub] = []
            while HUB_NAME not in [hub.name for hub in hubs]:
                hubs = await Finder(HubSource()).scan(0.5)
            (hub,) = hubs
            assert hub.address == HUB_ADDRESS
            assert hub.system_type is SystemType.CITY

    asyncio.run(run())


def test_a_hub_that_is_not_there_tells_which_ones_are(
    stage: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_link, "FIND_TIMEOUT_S", 0.5)

    async def run() -> None:
        async with bus_closed(), Hub("ble:Percy", attempts=1):
            pass

    def look() -> str:
        with pytest.raises(HubError, match="'Percy'") as refused:
            asyncio.run(run())
        return str(refused.value) if HUB_NAME in str(refused.value) else ""

    assert f"seen: '{HUB_NAME}' ({HUB_ADDRESS}, CITY" in wait_until(look, "it has seen a hub")


@pytest.mark.parametrize("source", ["ble", f"ble:{HUB_NAME}", f"ble:{HUB_ADDRESS.lower()}"])
def test_it_is_found_by_service_by_name_and_by_address(
    stage: Set, hub_log: RemoteHub, source: str
) -> None:
    async def run() -> None:
        async with opened(source) as (hub, _):
            assert hub.connected
        await until(lambda: hub_log.last_link)
        assert hub_log.last_link[0] in BRAKES

    asyncio.run(run())


def test_it_drives_brakes_and_hears_the_hub(stage: Set, hub_log: RemoteHub) -> None:
    async def run() -> None:
        async with opened() as (hub, _):
            await hub.set_power(60)
            await hub.brake()
            assert await hub.braked(PATIENCE_S)
            await until(lambda: hub.voltage_v and hub.rssi_dbm and hub.facts.name)
            assert hub.battery_percent == 87
            assert hub.voltage_v == pytest.approx(7.4, abs=0.01)

    asyncio.run(run())
    assert hub_log.motor == [BRAKE, 60, BRAKE]


def test_writes_arrive_in_their_order(stage: Set, hub_log: RemoteHub) -> None:
    powers = [*range(20, 101)]

    async def run() -> None:
        async with opened() as (hub, _):
            for power in powers:
                await hub.set_power(power)
            await hub.brake()
            assert await hub.braked(PATIENCE_S)

    asyncio.run(run())
    assert hub_log.motor == [BRAKE, *powers, BRAKE]


def test_a_lost_link_is_told_and_the_first_write_on_the_next_one_is_a_brake(
    stage: Set, hub_log: RemoteHub
) -> None:
    async def run() -> None:
        async with opened() as (hub, kinds):
            await hub.set_power(60)
            await until(lambda: hub_log.motor[-1] == 60)
            stage.lose_link()
            await until(lambda: HubEventKind.DISCONNECTED in kinds)
            await until(lambda: HubEventKind.CONNECTED in kinds)

    asyncio.run(run())
    assert hub_log.last_link[0] == "080081001051007f"


def test_two_clients_share_one_link_and_either_may_end_it(stage: Set, hub_log: RemoteHub) -> None:
    async def run() -> None:
        async with opened() as (first, kinds):
            await first.set_power(60)
            await until(lambda: hub_log.motor[-1] == 60)
            async with Hub("ble") as second:
                await until(lambda: hub_log.motor[-1] == BRAKE)
                await second.brake()
                assert await second.braked(PATIENCE_S)
            await until(lambda: HubEventKind.DISCONNECTED in kinds)
            await until(lambda: HubEventKind.CONNECTED in kinds)

    asyncio.run(run())


def _start_controller(stage: Set, *flags: str) -> Child:
    argv = [sys.executable, "-m", "tests.train.control_process", "--hub", "ble", *flags]
    return Child(argv, name="controller", env=stage.bluez.environment)


def _kill_while_it_cruises(stage: Set, hub_log: RemoteHub) -> None:
    with _start_controller(stage, "--no-guardian") as control:
        control.ready(timeout_s=PATIENCE_S)
        hub_log.wait(lambda: hub_log.motor[-1] == 60)
        control.signal(signal.SIGKILL)


def test_a_killed_clients_link_is_held_and_the_next_client_brakes_over_it_first(
    stage: Set, hub_log: RemoteHub
) -> None:
    _kill_while_it_cruises(stage, hub_log)

    async def run() -> None:
        async with bus_closed():
            assert await held() == 1
            assert await Finder(HubSource()).scan(0.3) == []  # it advertises to nobody
            assert hub_log.motor[-1] == 60  # nobody has stopped it
            before = len(hub_log.written)
            async with Hub("ble") as hub:
                assert hub._link.held
                await until(lambda: len(hub_log.written) >= before + 2)
                assert {data for _, data in hub_log.written[before : before + 2]} == BRAKES
                await hub.brake()
                assert await hub.braked(PATIENCE_S)
                assert hub.facts.devices[0] == 2
            assert await held() == 0

    asyncio.run(run())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_the_guardian_of_a_dead_or_hung_controller_brakes_over_its_link(
    stage: Set, hub_log: RemoteHub, number: signal.Signals
) -> None:
    with _start_controller(stage) as control:
        guardian = control.ready(timeout_s=PATIENCE_S)["guardian"]
        hub_log.wait(lambda: 60 in hub_log.motor)
        control.signal(number)
        hub_log.wait(lambda: hub_log.motor[-1] == BRAKE)
        control.signal(signal.SIGKILL)
        hub_log.wait(lambda: gone(guardian))


@asynccontextmanager
async def controlled() -> AsyncIterator[Controller]:
    async with (
        bus_closed(),
        Hub("ble") as hub,
        Controller(hub, train_id="train-1", arm_key=ARM_KEY, on_state=lambda _: None) as controller,
    ):
        yield controller


async def _stays_latched(controller: Controller, hub_log: RemoteHub) -> None:
    await until(lambda: controller.motion is Motion.STOPPED)
    assert controller.latched
    ignored = controller.ignored
    give(controller, command(Action.CRUISE))
    assert controller.ignored == ignored + 1
    assert hub_log.motor[-1] == BRAKE


def test_a_controller_that_follows_a_killed_one_comes_up_braked_and_latched(
    stage: Set, hub_log: RemoteHub
) -> None:
    _kill_while_it_cruises(stage, hub_log)

    async def run() -> None:
        async with controlled() as controller:
            await _stays_latched(controller, hub_log)

    asyncio.run(run())


def test_a_hub_that_is_switched_off_and_on_comes_back_to_a_latched_and_braked_train(
    stage: Set, hub_log: RemoteHub
) -> None:
    async def run() -> None:
        async with controlled() as controller:
            await until(lambda: controller.motion is Motion.STOPPED)
            stage.press_power()
            await until(lambda: controller.motion is Motion.DISCONNECTED)
            stage.press_power()
            await until(lambda: controller.motion is Motion.STOPPED)
            await until(lambda: hub_log.last_link)
            assert hub_log.last_link[0] in BRAKES
            await _stays_latched(controller, hub_log)

    asyncio.run(run())


def test_an_adapter_that_is_unplugged_and_plugged_in_again_is_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(source: str, first: Child) -> None:
        async with opened() as (_, kinds):
            first.signal(signal.SIGKILL)
            await until(lambda: HubEventKind.DISCONNECTED in kinds)
            with serve(tmp_path / "second.log", int(source.rsplit(":", 1)[1])) as second:
                await asyncio.to_thread(second.ready, timeout_s=PATIENCE_S)
                await until(lambda: HubEventKind.CONNECTED in kinds)
        assert RemoteHub(source, tmp_path / "second.log").last_link[0] in BRAKES

    with serve(tmp_path / "first.log") as first:
        source = first.ready(timeout_s=PATIENCE_S)["hub"]
        with virtual_bluez(source) as bluez:
            monkeypatch.setenv(BUS_VARIABLE, bluez.environment[BUS_VARIABLE])
            asyncio.run(run(source, first))


def test_a_bluez_that_dies_is_noticed_by_a_write_and_used_again_when_it_is_back(
    running: Set, hub_log: RemoteHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_link, "FIND_TIMEOUT_S", 1.0)

    async def run(source: str, bus: str) -> None:
        with virtual_bluez(source, bus=bus) as first:
            async with opened() as (hub, kinds):
                first.child.signal(signal.SIGKILL)
                first.child.stop()
                with pytest.raises(HubError, match="failed while writing"):
                    await hub.set_power(60)
                await until(lambda: HubEventKind.DISCONNECTED in kinds)
                with virtual_bluez(source, bus=bus):
                    await until(lambda: HubEventKind.CONNECTED in kinds)
                    await until(lambda: hub_log.last_link)
                    assert hub_log.last_link[0] in BRAKES

    with private_bus() as bus:
        monkeypatch.setenv(BUS_VARIABLE, bus)
        asyncio.run(run(running.source, bus))
