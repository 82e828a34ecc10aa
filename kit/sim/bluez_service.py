"""The virtual BlueZ: ``org.bluez`` on a D-Bus, with one adapter.

It has what bleak asks of it, so that bleak's own Linux back end runs unchanged where there is no
Bluetooth: discovery, links, GATT. As in the real one, discoveries and notifications end with the
client that asked for them, and links do not.
Source: https://github.com/bluez/bluez/blob/master/doc/org.bluez.Adapter.rst
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from dbus_fast import DBusError, Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.constants import ErrorType

from kit.sim.bluez_device import DEVICE, GATT_CHARACTERISTIC, BluezDevice, refusal
from kit.sim.bluez_objects import ObjectTree
from kit.train.bumble_backend import BumbleAdapter, BumbleScanner

ADAPTER = "org.bluez.Adapter1"
MODALIAS = "usb:v1D6Bp0246d0542"  # the last four digits are BlueZ's version: 5.66

ADAPTER_PATH = "/org/bluez/hci0"
"""Path of the only adapter."""

TEMPORARY_S = 30.0
"""How long a device without a link stays known when nobody looks for devices, seconds."""

_Method = Callable[[Message], Awaitable[None]]


class BluezService:
    """An adapter and its devices on a bus; an async context manager.

    Args:
        bus: The connected bus, which owns the name ``org.bluez``.
        radio: The opened adapter.
    """

    def __init__(self, bus: MessageBus, radio: BumbleAdapter) -> None:
        self._bus = bus
        self._radio = radio
        self._tree = ObjectTree(bus)
        self._devices: dict[str, BluezDevice] = {}
        self._filters: dict[str, frozenset[str]] = {}
        self._discovering: set[str] = set()
        self._scanner: BleakScanner | None = None
        self._scan_lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._expiry: asyncio.TimerHandle | None = None
        self._methods: dict[tuple[str, str], _Method] = {
            (ADAPTER, "SetDiscoveryFilter"): self._set_filter,
            (ADAPTER, "StartDiscovery"): self._start_discovery,
            (ADAPTER, "StopDiscovery"): self._stop_discovery,
            (ADAPTER, "RemoveDevice"): self._remove_device,
            (DEVICE, "Connect"): self._connect,
            (DEVICE, "Disconnect"): self._disconnect,
            (GATT_CHARACTERISTIC, "WriteValue"): self._write,
            (GATT_CHARACTERISTIC, "StartNotify"): self._start_notify,
            (GATT_CHARACTERISTIC, "StopNotify"): self._stop_notify,
        }

    async def __aenter__(self) -> Self:
        self._tree.add(
            ADAPTER_PATH,
            ADAPTER,
            {
                "Address": Variant("s", "00:00:00:00:00:01"),
                "AddressType": Variant("s", "public"),
                "Name": Variant("s", "virtual"),
                "Alias": Variant("s", "virtual"),
                "Modalias": Variant("s", MODALIAS),
                "Powered": Variant("b", True),
                "Discovering": Variant("b", False),
                "Roles": Variant("as", ["central"]),
                "UUIDs": Variant("as", []),
            },
        )
        self._bus.add_message_handler(self._receive)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bus.remove_message_handler(self._receive)
        if self._expiry is not None:
            self._expiry.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tree.remove(ADAPTER_PATH)

    def _receive(self, message: Message) -> Message | bool | None:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, new_owner = message.body
            if not new_owner:
                self._spawn(self._forget(name))
            return None
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if (answer := self._tree.answer(message)) is not None:
            return answer
        method = self._methods.get((message.interface or "", message.member or ""))
        if not self._tree.has(message.path, message.interface):
            text = f"there is no {message.interface} at {message.path}"
            return Message.new_error(message, ErrorType.UNKNOWN_OBJECT, text)
        if method is None:
            return Message.new_error(message, ErrorType.UNKNOWN_METHOD, str(message.member))
        self._spawn(self._run(method, message))
        return True

    async def _run(self, method: _Method, call: Message) -> None:
        try:
            await method(call)
            answer = Message.new_method_return(call)
        except DBusError as error:
            answer = Message.new_error(call, error.type, error.text)
        except (BleakError, TimeoutError) as error:
            answer = Message.new_error(call, "org.bluez.Error.Failed", str(error))
        except asyncio.CancelledError:  # the adapter goes, and whoever called must not wait for it
            self._reply(call, Message.new_error(call, "org.bluez.Error.NotReady", "Not Ready"))
            raise
        self._reply(call, answer)

    def _reply(self, call: Message, answer: Message) -> None:
        if not call.flags & MessageFlag.NO_REPLY_EXPECTED:
            self._bus.send(answer)

    async def _set_filter(self, call: Message) -> None:
        wanted = call.body[0].get("UUIDs")
        self._filters[_sender(call)] = frozenset(wanted.value if wanted else ())

    async def _start_discovery(self, call: Message) -> None:
        if _sender(call) in self._discovering:
            raise refusal("InProgress", "Operation already in progress")
        self._discovering.add(_sender(call))
        await self._scan_if_wanted()

    async def _stop_discovery(self, call: Message) -> None:
        if _sender(call) not in self._discovering:
            raise refusal("Failed", "No discovery started")
        self._discovering.discard(_sender(call))
        await self._scan_if_wanted()

    async def _scan_if_wanted(self) -> None:
        async with self._scan_lock:
            if self._discovering and self._scanner is None:
                self._scanner = BleakScanner(self._seen, backend=BumbleScanner, radio=self._radio)
                await self._scanner.start()
            elif not self._discovering and self._scanner is not None:
                scanner, self._scanner = self._scanner, None
                await scanner.stop()
                for device in self._devices.values():
                    device.unseen()
                self._expire_later()
        discovering = Variant("b", self._scanner is not None)
        self._tree.change(ADAPTER_PATH, ADAPTER, {"Discovering": discovering})

    def _seen(self, found: BLEDevice, data: AdvertisementData) -> None:
        filters = [self._filters.get(sender, frozenset()) for sender in self._discovering]
        if not any(not wanted or wanted & set(data.service_uuids) for wanted in filters):
            return
        device = self._devices.get(found.address)
        if device is None:
            device = BluezDevice(self._tree, ADAPTER_PATH, self._radio, found)
            self._devices[found.address] = device
        if not device.connected:  # a LEGO hub does not advertise then
            device.advertised(data)

    def _expire_later(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry = asyncio.get_running_loop().call_later(TEMPORARY_S, self._expire)

    def _expire(self) -> None:
        if not self._discovering:
            for address, device in tuple(self._devices.items()):
                if not device.busy:
                    del self._devices[address]
                    self._tree.remove(device.path)

    async def _remove_device(self, call: Message) -> None:
        for address, device in tuple(self._devices.items()):
            if device.path == call.body[0]:
                if device.busy:
                    await device.disconnect()
                del self._devices[address]
                self._tree.remove(device.path)
                return
        raise refusal("DoesNotExist", "Does Not Exist")

    async def _connect(self, call: Message) -> None:
        await self._device(call).connect()

    async def _disconnect(self, call: Message) -> None:
        await self._device(call).disconnect()
        self._expire_later()

    async def _write(self, call: Message) -> None:
        value, options = call.body
        kind = options.get("type")
        request = kind is None or kind.value == "request"
        await self._device(call).write(str(call.path), bytes(value), request=request)

    async def _start_notify(self, call: Message) -> None:
        await self._device(call).start_notify(str(call.path), _sender(call))

    async def _stop_notify(self, call: Message) -> None:
        await self._device(call).stop_notify(str(call.path), _sender(call))

    async def _forget(self, sender: str) -> None:
        """End what a client asked for that has left the bus; but not its links."""
        self._filters.pop(sender, None)
        if sender in self._discovering:
            self._discovering.discard(sender)
            await self._scan_if_wanted()
        for device in tuple(self._devices.values()):
            await device.forget(sender)

    def _device(self, call: Message) -> BluezDevice:
        for device in self._devices.values():
            if str(call.path).startswith(device.path):
                return device
        raise refusal("DoesNotExist", "Does Not Exist")

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _sender(call: Message) -> str:
    return call.sender or ""
