"""The virtual hub on the air: real GATT on a software link, offered as HCI over TCP.

The link, the hub and one Bluetooth controller a client live here; a client brings its own host
stack and opens ``tcp-client:HOST:PORT``, as it would open a USB dongle. Two things differ from a
real City hub. It goes on advertising while a client is connected, since on a real train two
processes share one adapter and its link. And the link has no radio in it: its delays are those
of this machine, never to be quoted as Bluetooth's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from kit.errors import missing_extra
from kit.sim.hub import Session, VirtualHub
from kit.sim.radio_client import RadioClient
from kit.train.lwp3.enums import CHARACTERISTIC_UUID, COMPANY_ID, SERVICE_UUID, SystemType

try:
    from bumble import core, data_types, gatt, hci
    from bumble.controller import Controller
    from bumble.device import Connection, Device, DeviceConfiguration
    from bumble.host import Host
    from bumble.link import LocalLink
except ImportError as error:
    raise missing_extra("bumble", "sim") from error

# It warns of each message to a client that has just left, which is what radios are like.
logging.getLogger("bumble.controller").setLevel(logging.ERROR)

HUB_ADDRESS = "F0:9E:9E:00:60:33"
"""Random static address of the virtual hub."""

SUPERVISION_TIMEOUT_S = 0.5
"""How long the hub takes to notice that a client is gone, seconds."""

ADVERTISING_INTERVAL_MS = 50.0
"""Time between two advertisements, milliseconds."""

REFRESH_S = 0.25
"""How often the hub looks whether something changed that a client wants to know, seconds."""

_OUT_OF_REACH = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
_CAPABILITIES = 0x04 | 0x02  # peripheral with ports
_WRITE = (
    gatt.Characteristic.Properties.WRITE | gatt.Characteristic.Properties.WRITE_WITHOUT_RESPONSE
)


def advertisement(*, pressed: bool = False) -> bytes:
    """Return the 31 bytes that a City hub advertises.

    Args:
        pressed: Whether its button is pressed.
    """
    status = bytes([pressed, SystemType.CITY, _CAPABILITIES, 0, 0, 0])
    fields = core.AdvertisingData(
        [
            data_types.Flags(
                core.AdvertisingData.Flags.LE_GENERAL_DISCOVERABLE_MODE
                | core.AdvertisingData.Flags.BR_EDR_NOT_SUPPORTED
            ),
            data_types.CompleteListOf128BitServiceUUIDs([core.UUID(SERVICE_UUID)]),
            data_types.ManufacturerSpecificData(COMPANY_ID, status),
        ]
    )
    return bytes(fields)


class VirtualRadio:
    """Puts a virtual hub on the air; an async context manager.

    Args:
        hub: The hub.
        host: Address to listen on.
        port: TCP port to listen on, 0 for any free one.
        supervision_timeout_s: How long after a client's TCP connection has gone the hub loses
            the link, seconds.
    """

    def __init__(
        self,
        hub: VirtualHub,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        supervision_timeout_s: float = SUPERVISION_TIMEOUT_S,
    ) -> None:
        self.hub = hub
        self.address = HUB_ADDRESS
        self.link: LocalLink | None = None
        self.clients: set[RadioClient] = set()
        self._host, self._port = host, port
        self._supervision_timeout_s = supervision_timeout_s
        self._advertising = asyncio.Lock()
        self._closing = False
        self._connections: set[Connection] = set()
        self._announced: set[Connection] = set()
        self._sessions: dict[Connection, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._reachable = True

    @property
    def hci_address(self) -> str:
        """What a client opens, such as ``hci:tcp-client:127.0.0.1:40001``."""
        return f"hci:tcp-client:{self._host}:{self._port}"

    def scan_response(self) -> bytes:
        """Return what the hub answers to a scan: its name."""
        return bytes(core.AdvertisingData([data_types.CompleteLocalName(self.hub.name)]))

    async def __aenter__(self) -> Self:
        self._closing = False
        self.link = LocalLink()  # type: ignore[no-untyped-call]
        self._controller = Controller("hub", link=self.link)
        self._device = Device(
            config=DeviceConfiguration(name=self.hub.name, address=hci.Address(self.address)),
            host=Host(self._controller, self._controller),
        )
        on_write: gatt.CharacteristicValue[bytes] = gatt.CharacteristicValue(write=self._on_write)
        self._characteristic: gatt.Characteristic[bytes] = gatt.Characteristic(
            CHARACTERISTIC_UUID,
            _WRITE | gatt.Characteristic.Properties.NOTIFY,
            gatt.Characteristic.WRITEABLE,
            on_write,
        )
        self._characteristic.on("subscription", self._on_subscription)
        self._device.add_service(gatt.Service(SERVICE_UUID, [self._characteristic]))
        self._device.on("connection", self._on_connection)
        await self._device.power_on()
        await self._advertise()
        self.hub.on_switch(self._switched)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: RadioClient(self), self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self._spawn(self._refresh())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.hub.on_switch(lambda _on: None)
        self._closing = True
        await self._advertise()
        self._server.close()
        for client in tuple(self.clients):
            assert client.transport is not None
            client.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for timer in self._timers:
            timer.cancel()
        await self._device.power_off()
        await self._server.wait_closed()

    def lost(self, client: RadioClient) -> None:
        """Lose a client's link once the supervision timeout has passed."""
        self.clients.discard(client)
        loop = asyncio.get_running_loop()
        self._timers.add(loop.call_later(self._supervision_timeout_s, self._drop, client))

    def lose_links(self) -> None:
        """Lose every link at both ends, as when the train is out of reach."""
        for client in self.clients:
            self._lose_link(client)
            assert client.controller is not None
            for connection in tuple(client.controller.le_connections.values()):
                client.controller.on_le_disconnected(connection, _OUT_OF_REACH)

    async def go_out_of_reach(self) -> None:
        """Lose every link, and be found by nobody until :meth:`come_back`."""
        self._reachable = False
        await self._advertise()
        self.lose_links()

    async def come_back(self) -> None:
        """Be in reach again."""
        if not self._reachable:
            self._reachable = True
            await self._advertise()

    def _drop(self, client: RadioClient) -> None:
        self._lose_link(client)
        assert self.link is not None
        assert client.controller is not None
        self.link.remove_controller(client.controller)

    def _lose_link(self, client: RadioClient) -> None:
        """Lose a client's link at the hub's end."""
        assert client.controller is not None
        theirs = {each.self_address for each in client.controller.le_connections.values()}
        for peer, connection in tuple(self._controller.le_connections.items()):
            if peer in theirs:
                self._controller.on_le_disconnected(connection, _OUT_OF_REACH)

    async def _advertise(self) -> None:
        """Advertise if the hub is on and in reach; the stack cannot start and stop at once."""
        async with self._advertising:
            if not (self.hub.switched_on and self._reachable) or self._closing:
                await self._device.stop_advertising()
                return
            await self._device.start_advertising(
                advertising_data=advertisement(pressed=self.hub.button_pressed),
                scan_response_data=self.scan_response(),
                advertising_interval_min=ADVERTISING_INTERVAL_MS,
                advertising_interval_max=ADVERTISING_INTERVAL_MS,
            )

    def _on_connection(self, connection: Connection) -> None:
        self._connections.add(connection)
        connection.on("disconnection", lambda _reason: self._ended(connection))
        self._spawn(self._advertise())

    def _ended(self, connection: Connection) -> None:
        self._leave(connection)
        self._announced.discard(connection)
        self._connections.discard(connection)

    def _switched(self, on: bool) -> None:  # noqa: FBT001
        self._spawn(self._advertise() if on else self._go_silent())

    async def _go_silent(self) -> None:
        await self._advertise()
        # Those that listen are told first, and hung up on by the hub.
        for connection in self._connections - self._sessions.keys():
            await connection.disconnect()

    def _on_subscription(self, connection: Connection, notify: bool, _indicate: bool) -> None:  # noqa: FBT001
        if notify and connection not in self._sessions:
            outbox: asyncio.Queue[bytes] = asyncio.Queue()
            task = self._spawn(self._deliver(connection, outbox))
            connection.on("disconnection", lambda _reason: task.cancel())
            self._sessions[connection] = self.hub.connect(
                outbox.put_nowait,
                lambda: self._hang_up(connection, outbox),
                announce=connection not in self._announced,
            )
            self._announced.add(connection)
        elif not notify:
            self._leave(connection)

    def _on_write(self, connection: Connection, data: bytes) -> None:
        # The GATT server starts one task a write, in order of arrival; this one never waits,
        # so that the hub acts in that order too.
        session = self._sessions.get(connection) or Session(lambda _: None, lambda: None)
        self.hub.write(session, bytes(data))

    def _leave(self, connection: Connection) -> None:
        if session := self._sessions.pop(connection, None):
            self.hub.leave(session)

    def _hang_up(self, connection: Connection, outbox: asyncio.Queue[bytes]) -> None:
        async def hang_up() -> None:
            await outbox.join()
            await connection.disconnect()

        self._spawn(hang_up())

    async def _deliver(self, connection: Connection, outbox: asyncio.Queue[bytes]) -> None:
        while True:
            message = await outbox.get()
            await self._device.notify_subscriber(connection, self._characteristic, message)
            outbox.task_done()

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            self.hub.refresh()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
