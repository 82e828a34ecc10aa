"""A bleak back end over Google's bumble: any HCI transport becomes a Bluetooth adapter.

bleak takes a back end as ``backend=`` and passes other keyword arguments on to it, here the
opened adapter::

    async with BumbleAdapter("usb:0") as radio:
        device = await BleakScanner.find_device_by_name("HUB", backend=BumbleScanner, radio=radio)
        async with BleakClient(device, backend=BumbleClient, radio=radio) as client: ...

Documentation of the interface: https://bleak.readthedocs.io/en/latest/backends/index.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CHARACTERISTIC_PROPERTIES, CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_str

from kit.errors import missing_extra

try:
    from bumble import core, gatt_client, hci
    from bumble.device import Connection, Peer
except ImportError as error:
    raise missing_extra("bumble", "sim") from error

from kit.train.bumble_adapter import BumbleAdapter, BumbleScanner

__all__ = ["BumbleAdapter", "BumbleClient", "BumbleScanner"]

MTU = 185
"""Largest ATT packet asked for, bytes; no LWP3 message of a train needs more."""

_ATT_OVERHEAD = 3


class BumbleClient(BaseBleakClient):
    """Talks to one device over a :class:`BumbleAdapter`; made by ``BleakClient``."""

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        radio: BumbleAdapter,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **_kwargs: Any,
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout
        )
        self._adapter = radio
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._name = self.address
        if isinstance(address_or_ble_device, BLEDevice) and address_or_ble_device.name:
            self._name = address_or_ble_device.name

    @property
    def name(self) -> str:
        """Name of the device, or its address."""
        return self._name

    @property
    def mtu_size(self) -> int:
        """Largest ATT packet agreed on, bytes."""
        return self._need_peer().gatt_client.mtu

    @property
    def is_connected(self) -> bool:
        """Whether the link is up."""
        return self._connection is not None and not self._adapter.lost

    async def connect(self, pair: bool, **_kwargs: Any) -> None:  # noqa: FBT001
        """Connect and look up the device's services; pairing is not needed and not done."""
        del pair
        address = hci.Address(self.address, hci.Address.RANDOM_DEVICE_ADDRESS)
        with _bleak_errors(f"cannot connect to {self.address}"):
            connection = await self._adapter.device.connect(address, timeout=self._timeout)
            connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)
            peer = Peer(connection)
            self._connection, self._peer = connection, peer
            await peer.request_mtu(MTU)
            await peer.discover_all()  # type: ignore[no-untyped-call]
            self.services = _collect(peer)

    async def disconnect(self) -> None:
        """End the link, if it is up."""
        if self._connection is not None and self.is_connected:
            with _bleak_errors(f"cannot disconnect from {self.address}"):
                await self._connection.disconnect()

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        """Refuse: a LEGO hub is never paired."""
        raise NotImplementedError("a LEGO hub is never paired")

    async def unpair(self) -> None:
        """Refuse: a LEGO hub is never paired."""
        raise NotImplementedError("a LEGO hub is never paired")

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        """Read a characteristic."""
        del use_cached
        return await self._read(characteristic.handle)

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        """Read a descriptor."""
        del use_cached
        return await self._read(descriptor.handle)

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: FBT001
    ) -> None:
        """Write a characteristic; without response it returns once the bytes are on their way."""
        await self._write(characteristic.handle, data, with_response=response)

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        """Write a descriptor."""
        await self._write(descriptor.handle, data, with_response=True)

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: NotifyCallback,
        **_kwargs: Any,
    ) -> None:
        """Have a callback called with each notification."""
        proxy = cast("gatt_client.CharacteristicProxy[bytes]", characteristic.obj)
        self._need_peer()
        with _bleak_errors(f"cannot subscribe to {characteristic.uuid}"):
            await proxy.subscribe(lambda value: callback(bytearray(value)))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """End the notifications."""
        proxy = cast("gatt_client.CharacteristicProxy[bytes]", characteristic.obj)
        self._need_peer()
        with _bleak_errors(f"cannot unsubscribe from {characteristic.uuid}"):
            await proxy.unsubscribe(force=True)

    def _need_peer(self) -> Peer:
        if self._peer is None or not self.is_connected:
            raise BleakError("Not connected")
        return self._peer

    async def _read(self, handle: int) -> bytearray:
        with _bleak_errors(f"cannot read handle {handle}"):
            return bytearray(await self._need_peer().gatt_client.read_value(handle))

    async def _write(self, handle: int, data: SizedBuffer, *, with_response: bool) -> None:
        client = self._need_peer().gatt_client
        with _bleak_errors(f"cannot write handle {handle}"):
            await client.write_value(handle, bytes(data), with_response=with_response)

    def _disconnected(self, _reason: int) -> None:
        self._connection, self._peer = None, None
        if self._disconnected_callback is not None:
            self._disconnected_callback()


def _collect(peer: Peer) -> BleakGATTServiceCollection:
    found = BleakGATTServiceCollection()
    for service in peer.services:
        bleak_service = BleakGATTService(service, service.handle, _uuid(service.uuid))
        found.add_service(bleak_service)
        for characteristic in service.characteristics:
            bleak_characteristic = BleakGATTCharacteristic(
                characteristic,
                characteristic.handle,
                _uuid(characteristic.uuid),
                _properties(characteristic.properties),
                lambda: peer.gatt_client.mtu - _ATT_OVERHEAD,
                bleak_service,
            )
            found.add_characteristic(bleak_characteristic)
            for descriptor in characteristic.descriptors:
                found.add_descriptor(
                    BleakGATTDescriptor(
                        descriptor, descriptor.handle, _uuid(descriptor.type), bleak_characteristic
                    )
                )
    return found


def _uuid(uuid: core.UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))


def _properties(bits: int) -> list[CharacteristicPropertyName]:
    return [name for bit, name in CHARACTERISTIC_PROPERTIES.items() if bits & bit]


@contextmanager
def _bleak_errors(what: str) -> Iterator[None]:
    """Turn bumble's errors into bleak's."""
    try:
        yield
    except asyncio.CancelledError as error:
        # bumble cancels the answers it waits for when the link goes; we may be cancelled too.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BleakError(f"{what}: the link went down") from error
    except (core.BaseBumbleError, OSError) as error:
        raise BleakError(f"{what}: {error}") from error
