"""One device of the virtual BlueZ: its link, and its GATT services as D-Bus objects.

Source: https://github.com/bluez/bluez/blob/master/doc/org.bluez.Device.rst and
org.bluez.GattCharacteristic.rst beside it.
"""

from __future__ import annotations

import asyncio

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from dbus_fast import DBusError, Variant

from kit.sim.bluez_objects import ObjectTree, Properties
from kit.train.bumble_backend import BumbleAdapter, BumbleClient

DEVICE = "org.bluez.Device1"
GATT_SERVICE = "org.bluez.GattService1"
GATT_CHARACTERISTIC = "org.bluez.GattCharacteristic1"

CONNECT_TIMEOUT_S = 20.0
"""How long one attempt to connect may take, seconds; the Linux kernel's own."""

_GAP_SERVICE = "00001800-0000-1000-8000-00805f9b34fb"  # BlueZ keeps it to itself


def refusal(name: str, text: str) -> DBusError:
    """Return one of BlueZ's errors, such as ``InProgress``."""
    return DBusError(f"org.bluez.Error.{name}", text)


class BluezDevice:
    """A device that was seen; its object stands in the tree from then on.

    Its link belongs to nobody: whoever has it connected may die, and it stays up until somebody
    disconnects it or the device goes.

    Args:
        tree: Where its objects stand.
        adapter: Path of the adapter.
        radio: The adapter itself.
        found: The device.
    """

    def __init__(
        self, tree: ObjectTree, adapter: str, radio: BumbleAdapter, found: BLEDevice
    ) -> None:
        self.path = f"{adapter}/dev_{found.address.replace(':', '_')}"
        self._tree = tree
        self._radio = radio
        self._found = found
        self._client: BleakClient | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()  # writes leave in the order in which they came
        self._characteristics: dict[str, BleakGATTCharacteristic] = {}
        self._listeners: dict[str, set[str]] = {}
        alias = found.address.replace(":", "-")
        tree.add(
            self.path,
            DEVICE,
            {
                "Address": Variant("s", found.address),
                "AddressType": Variant("s", "random"),
                "Adapter": Variant("o", adapter),
                "Alias": Variant("s", alias),
                **{name: Variant("b", False) for name in ("Paired", "Bonded", "Trusted")},
                **{name: Variant("b", False) for name in ("Blocked", "LegacyPairing")},
                **{name: Variant("b", False) for name in ("Connected", "ServicesResolved")},
                "UUIDs": Variant("as", []),
            },
        )

    @property
    def connected(self) -> bool:
        """Whether its link is up."""
        return bool(self._tree.value(self.path, DEVICE, "Connected"))

    @property
    def busy(self) -> bool:
        """Whether its link is up, or coming up."""
        return self._client is not None or self._connecting is not None

    def advertised(self, data: AdvertisementData) -> None:
        """Note what it advertised."""
        makers = {key: Variant("ay", value) for key, value in data.manufacturer_data.items()}
        changed: Properties = {"RSSI": Variant("n", data.rssi)}
        if makers:
            changed["ManufacturerData"] = Variant("a{qv}", makers)
        if data.service_uuids:
            changed["UUIDs"] = Variant("as", data.service_uuids)
        if data.local_name:
            changed["Name"] = changed["Alias"] = Variant("s", data.local_name)
        self._tree.change(self.path, DEVICE, changed)

    def unseen(self) -> None:
        """Note that nobody looks for devices any more."""
        self._tree.change(self.path, DEVICE, {}, invalidated=["RSSI"])

    async def connect(self) -> None:
        """Bring the link up and show its services.

        Raises:
            DBusError: If that is under way already, or fails.
        """
        if self.connected:
            raise refusal("AlreadyConnected", "Already Connected")
        if self._connecting is not None:
            raise refusal("InProgress", "Operation already in progress")
        self._connecting = asyncio.create_task(self._connect())
        try:
            await self._connecting
        except asyncio.CancelledError as error:
            raise refusal("Failed", "le-connection-canceled") from error
        except (BleakError, TimeoutError) as error:
            raise refusal("Failed", str(error) or "le-connection-timeout") from error
        finally:
            self._connecting = None

    async def disconnect(self) -> None:
        """End the link for everyone, or the attempt to bring it up."""
        if self._connecting is not None:
            self._connecting.cancel()
        elif self._client is not None:
            await self._client.disconnect()
        else:
            raise refusal("NotConnected", "Not Connected")

    async def write(self, path: str, value: bytes, *, request: bool) -> None:
        """Write a characteristic; a request waits for the device's answer, a command does not."""
        async with self._writing:
            client, characteristic = self._need(path)
            try:
                await client.write_gatt_char(characteristic, value, response=request)
            except BleakError as error:
                raise refusal("Failed", str(error)) from error

    async def start_notify(self, path: str, sender: str) -> None:
        """Tell a characteristic's notifications, from now on for this client too."""
        client, characteristic = self._need(path)
        if "notify" not in characteristic.properties:
            raise refusal("NotSupported", "Operation is not supported")
        listeners = self._listeners.setdefault(path, set())
        if sender in listeners:
            raise refusal("InProgress", "Already notifying")
        listeners.add(sender)
        if len(listeners) > 1:
            return

        def tell(_characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
            changed = {"Value": Variant("ay", bytes(value))}
            self._tree.change(path, GATT_CHARACTERISTIC, changed)

        await client.start_notify(characteristic, tell)
        self._notifying(path, now=True)

    async def stop_notify(self, path: str, sender: str) -> None:
        """Tell no more notifications to this client; the last one ends them."""
        listeners = self._listeners.get(path, set())
        if sender not in listeners:
            raise refusal("Failed", "No notify session started")
        listeners.discard(sender)
        if not listeners and self.connected:
            client, characteristic = self._need(path)
            await client.stop_notify(characteristic)
            self._notifying(path, now=False)

    async def forget(self, sender: str) -> None:
        """Forget a client that left the bus; the link stays."""
        for path, listeners in tuple(self._listeners.items()):
            if sender in listeners:
                await self.stop_notify(path, sender)

    async def _connect(self) -> None:
        client = BleakClient(
            self._found,
            self._gone,
            timeout=CONNECT_TIMEOUT_S,
            backend=BumbleClient,
            radio=self._radio,
        )
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await client.connect()
        self._client = client
        self._tree.change(self.path, DEVICE, {"Connected": Variant("b", True)})
        for service in client.services:
            if service.uuid != _GAP_SERVICE:
                path = f"{self.path}/service{service.handle:04x}"
                self._show_service(path, service.uuid, service.characteristics)
        self._tree.change(self.path, DEVICE, {"ServicesResolved": Variant("b", True)})

    def _show_service(
        self, service: str, uuid: str, characteristics: list[BleakGATTCharacteristic]
    ) -> None:
        properties = {
            "UUID": Variant("s", uuid),
            "Device": Variant("o", self.path),
            "Primary": Variant("b", True),
            "Includes": Variant("ao", []),
        }
        self._tree.add(service, GATT_SERVICE, properties)
        for characteristic in characteristics:
            path = f"{service}/char{characteristic.handle:04x}"
            self._characteristics[path] = characteristic
            properties = {
                "UUID": Variant("s", characteristic.uuid),
                "Service": Variant("o", service),
                "Flags": Variant("as", list(characteristic.properties)),
                "Notifying": Variant("b", False),
                "MTU": Variant("q", characteristic.max_write_without_response_size + 3),
            }
            self._tree.add(path, GATT_CHARACTERISTIC, properties)

    def _gone(self, client: BleakClient) -> None:
        """Take the services away: without a bond, BlueZ does not remember them."""
        if client is not self._client:
            return
        self._client = None
        self._listeners.clear()
        self._tree.change(self.path, DEVICE, {"ServicesResolved": Variant("b", False)})
        for service in {path.rpartition("/")[0] for path in self._characteristics}:
            self._tree.remove(service)
        self._characteristics.clear()
        self._tree.change(self.path, DEVICE, {"Connected": Variant("b", False)})

    def _need(self, path: str) -> tuple[BleakClient, BleakGATTCharacteristic]:
        if self._client is None or path not in self._characteristics:
            raise refusal("NotConnected", "Not Connected")
        return self._client, self._characteristics[path]

    def _notifying(self, path: str, *, now: bool) -> None:
        self._tree.change(path, GATT_CHARACTERISTIC, {"Notifying": Variant("b", now)})
