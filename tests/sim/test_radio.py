"""The virtual hub on the air: bleak's own client, over HCI and TCP, against real GATT."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError

from kit.errors import HubError
from kit.sim.hub import VirtualHub
from kit.sim.radio import HUB_ADDRESS, VirtualRadio, advertisement
from kit.train.bumble_backend import BumbleAdapter, BumbleClient, BumbleScanner
from kit.train.lwp3.enums import CHARACTERISTIC_UUID, COMPANY_ID, SERVICE_UUID
from tests.train.hub_bench import RecordingPort
from tests.waiting import PATIENCE_S, until


class Air:
    """A hub on the air."""

    def __init__(self, **options: float) -> None:
        self.port = RecordingPort()
        self.written: list[bytes] = []
        self.hub = VirtualHub(self.port, on_message=self.written.append)
        self.radio = VirtualRadio(self.hub, **options)

    @property
    def transport(self) -> str:
        return self.radio.hci_address.removeprefix("hci:")

    @asynccontextmanager
    async def client(self) -> AsyncIterator[BleakClient]:
        """A client with an adapter of its own, connected."""
        async with BumbleAdapter(self.transport) as adapter:
            device = await BleakScanner.find_device_by_address(
                HUB_ADDRESS, PATIENCE_S, backend=BumbleScanner, radio=adapter
            )
            assert device is not None
            async with BleakClient(device, backend=BumbleClient, radio=adapter) as client:
                yield client


@asynccontextmanager
async def on_air(**options: float) -> AsyncIterator[Air]:
    air = Air(**options)
    async with air.radio:
        yield air


async def write(client: BleakClient, text: str, *, response: bool = False) -> None:
    await client.write_gatt_char(CHARACTERISTIC_UUID, bytes.fromhex(text), response=response)


def test_the_advertisement_is_a_city_hubs_31_bytes() -> None:
    assert advertisement().hex(" ") == (
        "02 01 06 11 07 23 d1 bc ea 5f 78 23 16 de ef 12 12 23 16 00 00 "
        "09 ff 97 03 00 41 06 00 00 00"
    )


def test_a_scan_finds_the_hub_its_service_its_maker_and_its_name() -> None:
    async def run() -> None:
        async with on_air() as air, BumbleAdapter(air.transport) as adapter:
            found = asyncio.Event()
            seen = {}

            def look(device: object, data: object) -> None:
                seen["device"], seen["data"] = device, data
                if data.local_name:
                    found.set()

            scanner = BleakScanner(
                look, service_uuids=[SERVICE_UUID], backend=BumbleScanner, radio=adapter
            )
            async with scanner, asyncio.timeout(PATIENCE_S):
                await found.wait()
            assert seen["device"].address == HUB_ADDRESS
            assert seen["data"].local_name == "Runaway train"
            assert seen["data"].service_uuids == [SERVICE_UUID]
            assert seen["data"].manufacturer_data[COMPANY_ID][1] == 0x41

    asyncio.run(run())


def test_a_scan_for_another_service_finds_nothing() -> None:
    async def run() -> object:
        async with on_air() as air, BumbleAdapter(air.transport) as adapter:
            return await BleakScanner.find_device_by_filter(
                lambda *_: True,
                0.3,
                service_uuids=["0000180f-0000-1000-8000-00805f9b34fb"],
                backend=BumbleScanner,
                radio=adapter,
            )

    assert asyncio.run(run()) is None


def test_a_client_sees_one_service_with_one_characteristic() -> None:
    async def run() -> None:
        async with on_air() as air, air.client() as client:
            characteristic = client.services.get_characteristic(CHARACTERISTIC_UUID)
            assert characteristic is not None
            assert characteristic.service_uuid == SERVICE_UUID
            assert set(characteristic.properties) == {"write-without-response", "write", "notify"}
            assert "00001800-0000-1000-8000-00805f9b34fb" in {s.uuid for s in client.services}

    asyncio.run(run())


def test_devices_are_announced_when_notifications_are_enabled() -> None:
    async def run() -> list[str]:
        heard: list[str] = []
        async with on_air() as air, air.client() as client:
            await client.start_notify(
                CHARACTERISTIC_UUID, lambda _, data: heard.append(bytes(data).hex())
            )
            await until(lambda: len(heard) == 4)
        return heard

    assert asyncio.run(run())[0] == "0f0004000102000000001000000010"


@pytest.mark.parametrize("response", [False, True])
def test_a_write_drives_the_motor(*, response: bool) -> None:
    async def run() -> None:
        async with on_air() as air, air.client() as client:
            await write(client, "0800810010510046", response=response)
            await until(lambda: air.port.motor == [70])

    asyncio.run(run())


def test_a_burst_of_writes_acts_in_its_order() -> None:
    powers = [*range(20, 101)] * 3

    async def run() -> list[int]:
        async with on_air() as air, air.client() as client:
            for power in powers:
                await write(client, f"08008100105100{power:02x}")
            await write(client, "080081001051007f")
            await until(lambda: len(air.port.motor) > len(powers))
            return air.port.motor

    assert asyncio.run(run()) == [*powers, 127]


def test_two_clients_at_once_both_drive_and_both_are_answered() -> None:
    async def run() -> None:
        async with on_air() as air, air.client() as first, air.client() as second:
            heard: list[str] = []
            await second.start_notify(
                CHARACTERISTIC_UUID, lambda _, data: heard.append(bytes(data).hex())
            )
            await write(first, "0800810010510046")
            await until(lambda: air.port.motor == [70])
            await write(second, "080081001151007f")
            await until(lambda: "050082000a" in heard)
            assert air.port.motor == [70, 127]
            assert first.is_connected

    asyncio.run(run())


def test_clients_come_one_after_another() -> None:
    async def run() -> list[int]:
        async with on_air() as air:
            for power in (30, 40, 50):
                async with air.client() as client:
                    await write(client, f"08008100105100{power:02x}", response=True)
            return air.port.motor

    assert asyncio.run(run()) == [30, 40, 50]


def test_a_client_that_vanishes_leaves_the_motor_running_and_is_missed_later() -> None:
    async def run() -> None:
        async with on_air(supervision_timeout_s=0.05) as air:
            async with BumbleAdapter(air.transport) as adapter:
                client = BleakClient(HUB_ADDRESS, backend=BumbleClient, radio=adapter)
                await client.connect()
                await client.start_notify(CHARACTERISTIC_UUID, lambda *_: None)
                await write(client, "0800810010510046", response=True)
                assert len(air.hub._sessions) == 1
            await until(lambda: not air.hub._sessions, "the supervision timeout passed")
            assert air.port.motor == [70]
            async with air.client() as after:
                await write(after, "080081001051007f", response=True)
            assert air.port.motor == [70, 127]

    asyncio.run(run())


def test_the_hub_hangs_up_after_it_said_so() -> None:
    async def run() -> None:
        async with on_air() as air, air.client() as client:
            heard: list[str] = []
            await client.start_notify(
                CHARACTERISTIC_UUID, lambda _, data: heard.append(bytes(data).hex())
            )
            await write(client, "04000202")
            await until(lambda: not client.is_connected)
            assert heard[-1] == "04000231"
            with pytest.raises(BleakError):
                await write(client, "0800810010510046")

    asyncio.run(run())


def test_devices_are_announced_once_a_link() -> None:
    async def run() -> list[str]:
        heard: list[str] = []

        def hear(_characteristic: object, data: bytearray) -> None:
            heard.append(bytes(data).hex())

        async with on_air() as air, air.client() as client:
            await client.start_notify(CHARACTERISTIC_UUID, hear)
            await until(lambda: len(heard) == 4)
            await client.stop_notify(CHARACTERISTIC_UUID)
            await until(lambda: not air.hub._sessions)
            await client.start_notify(CHARACTERISTIC_UUID, hear)
            await write(client, "0500010b05")
            await until(lambda: len(heard) > 4)
        return heard[4:]

    assert asyncio.run(run()) == ["0600010b0641"]


def test_a_link_out_of_reach_is_lost_at_both_ends_and_can_be_made_again() -> None:
    async def run() -> list[int]:
        async with on_air() as air, BumbleAdapter(air.transport) as adapter:
            client = BleakClient(HUB_ADDRESS, backend=BumbleClient, radio=adapter)
            await client.connect()
            await client.start_notify(CHARACTERISTIC_UUID, lambda *_: None)
            await write(client, "0800810010510046", response=True)
            air.radio.lose_links()
            await until(lambda: not client.is_connected)
            await until(lambda: not air.hub._sessions)
            await client.connect()
            await write(client, "080081001051007f", response=True)
            return air.port.motor

    assert asyncio.run(run()) == [70, 127]


def test_a_hub_that_is_off_is_silent_until_it_is_switched_on() -> None:
    async def run() -> None:
        async with on_air() as air, BumbleAdapter(air.transport) as adapter:
            client = BleakClient(HUB_ADDRESS, backend=BumbleClient, radio=adapter)
            await client.connect()
            air.hub.switch_off()
            await until(lambda: not client.is_connected)
            await until(lambda: not air.radio._device.is_advertising)

            async def found(timeout_s: float) -> object:
                return await BleakScanner.find_device_by_address(
                    HUB_ADDRESS, timeout_s, backend=BumbleScanner, radio=adapter
                )

            assert await found(0.3) is None
            air.hub.switch_on()
            assert await found(PATIENCE_S) is not None

    asyncio.run(run())


def test_a_client_notices_that_the_radio_is_gone() -> None:
    async def run() -> None:
        lost = asyncio.Event()
        async with on_air() as air, BumbleAdapter(air.transport) as adapter:
            client = BleakClient(
                HUB_ADDRESS, lambda _: lost.set(), backend=BumbleClient, radio=adapter
            )
            await client.connect()
            await air.radio.__aexit__(None, None, None)
            await asyncio.wait_for(lost.wait(), PATIENCE_S)
            assert not client.is_connected
            assert adapter.lost
            await air.radio.__aenter__()

    asyncio.run(run())


def test_bytes_that_are_no_hci_do_not_take_the_radio_down() -> None:
    async def run() -> None:
        async with on_air() as air:
            host, port = air.transport.removeprefix("tcp-client:").split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"\xff\x00\x01hello" * 50)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            async with air.client() as client:
                await write(client, "080081001051007f", response=True)
            assert air.port.motor == [127]

    asyncio.run(run())


def test_a_transport_that_is_not_there_says_what_to_look_for() -> None:
    async def run() -> None:
        async with BumbleAdapter("tcp-client:127.0.0.1:1"):
            pass

    with pytest.raises(HubError, match="virtual set runs"):
        asyncio.run(run())
