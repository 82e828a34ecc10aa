"""A client of the virtual radio: a TCP connection that speaks HCI, and its Bluetooth controller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from kit.errors import missing_extra

try:
    from bumble import hci
    from bumble.controller import Controller
    from bumble.link import LocalLink
    from bumble.transport.common import StreamPacketSink, StreamPacketSource
except ImportError as error:
    raise missing_extra("bumble", "sim") from error


class Air(Protocol):
    """What a client needs of the radio."""

    link: LocalLink | None
    clients: set[RadioClient]

    def scan_response(self) -> bytes:
        """Return what the hub answers to a scan."""

    def lost(self, client: RadioClient, /) -> None:
        """Lose the link of a client whose connection has gone."""


class ClientController(Controller):
    """The Bluetooth controller of one client; it answers scans with the hub's name too."""

    scan_response: Callable[[], bytes]

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Send a packet to the client's host."""
        # The software controller repeats the advertisement where the scan response belongs.
        if isinstance(packet, hci.HCI_LE_Extended_Advertising_Report_Event):
            kind = hci.HCI_LE_Extended_Advertising_Report_Event.EventType
            for report in packet.reports:
                if report.event_type & kind.SCAN_RESPONSE:
                    report.data = self.scan_response()
            packet = hci.HCI_LE_Extended_Advertising_Report_Event(packet.reports)
        super().send_hci_packet(packet)


class RadioClient(StreamPacketSource):
    """One TCP connection that speaks HCI."""

    def __init__(self, radio: Air) -> None:
        super().__init__()
        self._radio = radio
        self.controller: ClientController | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the client a controller on the link."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.controller = ClientController(
            "client",
            host_source=self,
            host_sink=StreamPacketSink(transport),
            link=self._radio.link,
        )
        self.controller.scan_response = self._radio.scan_response
        self._radio.clients.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell the radio that the client is gone."""
        assert self.controller is not None
        self.controller.host = None
        self._radio.lost(self)
