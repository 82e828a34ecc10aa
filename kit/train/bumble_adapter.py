"""A Bluetooth adapter made of Google's bumble and any HCI transport, and a scan with it.

The transport may be the virtual set's (``tcp-client:127.0.0.1:40001``) or a real dongle that the
operating system leaves alone (``usb:0``). See :mod:`kit.train.bumble_backend` for the client.
"""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Any, Self

from bleak.backends.scanner import (
    AdvertisementData,
    AdvertisementDataCallback,
    BaseBleakScanner,
)
from bleak.exc import BleakError

from kit.errors import HubError, missing_extra

try:
    from bumble import core, hci
    from bumble.device import Advertisement, Device
    from bumble.transport import open_transport
    from bumble.transport.common import Transport
except ImportError as error:
    raise missing_extra("bumble", "sim") from error

# Its failures reach us as exceptions; it would also print them, with colours, into notebooks.
logging.getLogger("bumble.host").setLevel(logging.CRITICAL)

OPEN_TIMEOUT_S = 10.0
"""How long opening the transport and waking its controller may take, seconds."""


class BumbleAdapter:
    """An opened HCI transport with a host stack on it; an async context manager.

    Args:
        transport: A transport of bumble's, see
            https://google.github.io/bumble/transports/index.html
    """

    def __init__(self, transport: str) -> None:
        self.transport = transport
        self._transport: Transport | None = None
        self._device: Device | None = None

    @property
    def device(self) -> Device:
        """The host stack, as bumble has it.

        Raises:
            BleakError: If the transport is not open.
        """
        if self._device is None:
            raise BleakError(f"The transport '{self.transport}' is not open")
        return self._device

    @property
    def lost(self) -> bool:
        """Whether the transport broke down."""
        return self._transport is None or self._transport.source.terminated.done()

    async def wait_lost(self) -> None:
        """Wait until the transport breaks down."""
        if self._transport is not None:
            await asyncio.wait([self._transport.source.terminated])

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                self._transport = await open_transport(self.transport)
                self._device = Device.with_hci(
                    "kit",
                    hci.Address.generate_static_address(),
                    self._transport.source,
                    self._transport.sink,
                )
                await self._device.power_on()
        except (OSError, TimeoutError, core.BaseBumbleError, ValueError) as error:
            await self.__aexit__(None, None, None)
            raise HubError(
                f"The Bluetooth transport '{self.transport}' cannot be opened",
                got=str(error) or type(error).__name__,
                fix="look whether the virtual set runs, or whether the dongle is plugged in",
            ) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        device, self._device = self._device, None
        transport, self._transport = self._transport, None
        if device is not None and transport and not transport.source.terminated.done():
            await device.power_off()
        if transport is not None:
            await transport.close()


class BumbleScanner(BaseBleakScanner):
    """Finds devices over a :class:`BumbleAdapter`; made by ``BleakScanner``."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        _scanning_mode: str,
        *,
        radio: BumbleAdapter,
        **_kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._adapter = radio

    async def start(self) -> None:
        """Start scanning."""
        self.seen_devices = {}
        device = self._adapter.device
        device.on(Device.EVENT_ADVERTISEMENT, self._seen)
        await device.start_scanning(filter_duplicates=False)

    async def stop(self) -> None:
        """Stop scanning."""
        device = self._adapter.device
        device.remove_listener(Device.EVENT_ADVERTISEMENT, self._seen)
        if not self._adapter.lost:
            await device.stop_scanning()

    def _seen(self, advertisement: Advertisement) -> None:
        found = _advertisement_data(advertisement)
        if not self.is_allowed_uuid(found.service_uuids):
            return
        address = advertisement.address.to_string(with_type_qualifier=False)
        device = self.create_or_update_device(
            address, address, found.local_name, advertisement.address, found
        )
        self.call_detection_callbacks(device, found)


def _advertisement_data(advertisement: Advertisement) -> AdvertisementData:
    kind = core.AdvertisingData.Type
    data = advertisement.data
    name = data.get(kind.COMPLETE_LOCAL_NAME) or data.get(kind.SHORTENED_LOCAL_NAME)
    uuids = data.get_all(kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS)
    makers = data.get_all(kind.MANUFACTURER_SPECIFIC_DATA)
    return AdvertisementData(
        local_name=name,
        manufacturer_data=dict(makers),
        service_data={},
        service_uuids=[uuid.to_hex_str("-").lower() for group in uuids for uuid in group],
        tx_power=None,
        rssi=advertisement.rssi,
        platform_data=(),
    )
