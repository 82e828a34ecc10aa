"""One Bluetooth link to the hub at a time: found, connected, written to, ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from kit.errors import HubError
from kit.train.hub_finder import BLUETOOTH_ERRORS, CONNECT_TIMEOUT_S, Finder, HubSource, finder
from kit.train.lwp3.enums import CHARACTERISTIC_UUID

FIND_TIMEOUT_S = 10.0
"""How long one scan for the hub may take, seconds."""

LISTEN_TIMEOUT_S = 5.0
"""How long subscribing to the hub's messages may take, seconds."""

WRITE_TIMEOUT_S = 1.0
"""How long the system may take to accept one write before the link counts as failed, seconds."""

DISCONNECT_TIMEOUT_S = 3.0
"""How long a clean end of the link may take, seconds."""

_SPARE_S = 2.0  # for the calls around a scan and a connection, should the system not answer
_log = logging.getLogger(__name__)


class HubLink:
    """Finds the hub and holds the link to it; later links are to that same hub only.

    A write that the system does not accept ends the link: it is not known what the hub got.

    Args:
        source: Where to look.
        on_data: Called with each message that the hub notifies.
        on_lost: Called when a link is lost unasked.
    """

    def __init__(
        self,
        source: HubSource,
        *,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        self.held = False
        self.address: str | None = None
        self._source = source
        self._on_data = on_data
        self._on_lost = on_lost
        self._stack = AsyncExitStack()
        self._finder: Finder | None = None
        self._client: BleakClient | None = None
        self._ending: asyncio.Task[None] | None = None
        self._doubtful = False

    async def connect(self) -> None:
        """Find the hub and connect to it, without listening yet.

        Afterwards ``held`` tells whether the system held the link already. A held link over
        which the hub then says nothing is looked for by a scan the next time: the system may
        only believe that it holds it.

        Raises:
            HubError: If there is no adapter or no hub, or it cannot be connected.
        """
        if self._ending is not None:
            await self._ending
        if self._finder is None or self._finder.lost():
            await self._stack.aclose()
            self._finder = await self._stack.enter_async_context(finder(self._source))
        try:
            async with asyncio.timeout(FIND_TIMEOUT_S + CONNECT_TIMEOUT_S + _SPARE_S):
                found = await self._finder.find(FIND_TIMEOUT_S, trust_held=not self._doubtful)
                self.held = self._doubtful = found.held
                self._client = self._finder.open(found.device, self._lost)
                await self._client.connect()
                self._keep_to(found.device.address)
        except BLUETOOTH_ERRORS as error:
            raise HubError(
                "The hub cannot be connected",
                got=str(error) or type(error).__name__,
                fix="look whether Bluetooth is on, and the hub on and near",
            ) from error

    async def listen(self) -> None:
        """Have ``on_data`` called with what the hub says from now on.

        Raises:
            HubError: If the link is down.
        """

        def receive(_characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
            self._doubtful = False
            self._on_data(bytes(data))

        try:
            async with asyncio.timeout(LISTEN_TIMEOUT_S):
                await self._need().start_notify(CHARACTERISTIC_UUID, receive)
        except BLUETOOTH_ERRORS as error:
            raise HubError(
                "The hub's link failed while listening", got=str(error) or type(error).__name__
            ) from error

    async def write(self, message: bytes) -> None:
        """Write one message, without waiting for an answer.

        Raises:
            HubError: If the link is down; after a failed write it is.
        """
        client = self._need()
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await client.write_gatt_char(CHARACTERISTIC_UUID, message, response=False)
        except BLUETOOTH_ERRORS as error:
            self._give_up(client)
            raise HubError(
                "The hub's link failed while writing", got=str(error) or type(error).__name__
            ) from error

    async def hang_up(self) -> None:
        """End the link, if there is one; ``on_lost`` is not called."""
        client, self._client = self._client, None
        if client is not None:
            await _end(client)

    async def close(self) -> None:
        """End the link and give the adapter back."""
        await self.hang_up()
        if self._ending is not None:
            await self._ending
        await self._stack.aclose()
        self._finder = None

    def _keep_to(self, address: str) -> None:
        """Never take another train for this one, should its link be lost."""
        self.address = address
        self._source = replace(self._source, target=address)
        if self._finder is not None:
            self._finder = replace(self._finder, source=self._source)

    def _need(self) -> BleakClient:
        if self._client is None:
            raise HubError("The hub is not connected")
        return self._client

    def _give_up(self, client: BleakClient) -> None:
        """End a link that failed, and tell so once whoever wrote knows it."""
        if client is self._client:
            self._client = None
            self._ending = asyncio.get_running_loop().create_task(_end(client))
            asyncio.get_running_loop().call_soon(self._on_lost)

    def _lost(self, client: BleakClient) -> None:
        if client is self._client:
            self._client = None
            # Over BlueZ each link has a connection to the D-Bus, which only this closes.
            self._ending = asyncio.get_running_loop().create_task(_end(client))
            self._on_lost()


async def _end(client: BleakClient) -> None:
    try:
        async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
            await client.disconnect()
    except BLUETOOTH_ERRORS as error:
        _log.warning("The hub's link did not end cleanly: %s", error)
