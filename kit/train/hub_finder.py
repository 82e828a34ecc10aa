"""Finds a LEGO hub: over the platform's Bluetooth, or over any HCI transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.client import get_platform_client_backend_type
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, get_platform_scanner_backend_type
from bleak.exc import BleakError

from kit.errors import ConfigError, HubError
from kit.train.lwp3.enums import COMPANY_ID, SERVICE_UUID, SystemType

CONNECT_TIMEOUT_S = 10.0
"""How long one attempt to connect may take, seconds."""

_SYSTEM_TYPE = 1  # offset in the manufacturer's data


def _system_type(manufacturer_data: Mapping[int, bytes]) -> int | None:
    data = manufacturer_data.get(COMPANY_ID, b"")
    return data[_SYSTEM_TYPE] if len(data) > _SYSTEM_TYPE else None


def _remembered(device: BLEDevice) -> Mapping[int, bytes]:
    """Return the manufacturer's data that BlueZ remembers of a connected device."""
    details = device.details if isinstance(device.details, dict) else {}
    remembered: Mapping[int, bytes] = details.get("props", {}).get("ManufacturerData", {})
    return remembered


@dataclass(frozen=True)
class HubSource:
    """Where to look for the hub.

    Attributes:
        transport: HCI transport to open with bumble; None means the platform's Bluetooth.
        target: Name or address of the hub; None means any City hub.
    """

    transport: str | None = None
    target: str | None = None

    @classmethod
    def parse(cls, text: str) -> HubSource:
        """Read ``ble``, ``ble:<name or address>`` or ``hci:<transport>``.

        Raises:
            ConfigError: If it is none of these.
        """
        kind, _, rest = text.partition(":")
        if kind == "ble":
            return cls(target=rest or None)
        if kind == "hci" and rest:
            return cls(transport=rest)
        raise ConfigError(
            "This hub cannot be understood",
            expected="'ble', 'ble:<name or address>', or 'hci:<transport>' for the virtual set",
            got=text,
        )

    def preload(self) -> None:
        """Import now what finding the hub will need, for who must be quick then."""
        if self.transport is None:
            get_platform_client_backend_type()
            get_platform_scanner_backend_type()
        else:
            import kit.train.bumble_backend  # noqa: F401

    def fits(self, device: BLEDevice, advertised: AdvertisementData | None = None) -> bool:
        """Return whether a device is the hub that is looked for.

        Args:
            device: The device, which has LEGO's service.
            advertised: What it advertised, if it was found by a scan.
        """
        if self.target is not None:
            names = {device.name, advertised.local_name if advertised else None}
            return self.target in names or self.target.upper() == device.address.upper()
        kind = _system_type(advertised.manufacturer_data if advertised else _remembered(device))
        return kind is None or kind == SystemType.CITY


@dataclass(frozen=True)
class SeenHub:
    """A LEGO hub that advertises.

    Attributes:
        address: Its address; on macOS a number that stands for it.
        name: Its name, if it told.
        system_type: Which hub it is, if it told.
        rssi_dbm: Strength of its signal here.
    """

    address: str
    name: str | None
    system_type: SystemType | None
    rssi_dbm: int

    @classmethod
    def of(cls, device: BLEDevice, advertised: AdvertisementData) -> SeenHub:
        """Read an advertisement."""
        kind = _system_type(advertised.manufacturer_data)
        known = None if kind is None else SystemType(kind)
        name = advertised.local_name or device.name
        return cls(device.address, name, known, advertised.rssi)

    def __str__(self) -> str:
        kind = "unknown hub" if self.system_type is None else self.system_type.name
        return f"'{self.name or 'no name'}' ({self.address}, {kind}, {self.rssi_dbm} dBm)"


@dataclass(frozen=True)
class Found:
    """The hub that was looked for.

    Attributes:
        device: The device.
        held: Whether the system has it connected already.
    """

    device: BLEDevice
    held: bool = False


@dataclass(frozen=True)
class Finder:
    """An opened Bluetooth adapter.

    Attributes:
        source: What to look for.
        scanner: Arguments that ``BleakScanner`` needs.
        client: Arguments that ``BleakClient`` needs.
        lost: Tells whether the adapter broke down.
    """

    source: HubSource
    scanner: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] = field(default_factory=dict)
    lost: Callable[[], bool] = lambda: False

    async def find(self, timeout_s: float, *, trust_held: bool = True) -> Found:
        """Find the hub: first among the devices that are connected already, then by a scan.

        After a client was killed, BlueZ keeps its link: the hub advertises no more, and a scan
        would never find it.

        Args:
            timeout_s: How long to scan, seconds.
            trust_held: Whether to look among the connected devices at all.

        Raises:
            HubError: If it is not there; tells which hubs were seen.
        """
        if trust_held and (held := await self._held()) is not None:
            return Found(held, held=True)
        seen: dict[str, SeenHub] = {}

        def fits(device: BLEDevice, advertised: AdvertisementData) -> bool:
            seen[device.address] = SeenHub.of(device, advertised)
            return self.source.fits(device, advertised)

        device = await BleakScanner.find_device_by_filter(
            fits, timeout_s, service_uuids=[SERVICE_UUID], **self.scanner
        )
        if device is None:
            others = f"; seen: {', '.join(map(str, seen.values()))}" if seen else ""
            raise HubError(
                "No LEGO hub is in reach" if not seen else "The right LEGO hub is not in reach",
                expected=f"the hub '{self.source.target}'" if self.source.target else "a City hub",
                got=f"none within {timeout_s:g} s{others}",
                fix="press the hub's green button until it blinks, and close LEGO's app",
            )
        return Found(device)

    async def scan(self, timeout_s: float) -> list[SeenHub]:
        """List the LEGO hubs that advertise, the nearest first, whether they fit or not.

        Args:
            timeout_s: How long to scan, seconds.
        """
        found = await BleakScanner.discover(
            timeout_s, return_adv=True, service_uuids=[SERVICE_UUID], **self.scanner
        )
        seen = [SeenHub.of(*each) for each in found.values()]
        return sorted(seen, key=lambda hub: -hub.rssi_dbm)

    def open(self, device: BLEDevice, on_disconnect: Callable[[BleakClient], None]) -> BleakClient:
        """Return a client for a device that was found, not yet connected."""
        return BleakClient(
            device, on_disconnect, timeout=CONNECT_TIMEOUT_S, services=[SERVICE_UUID], **self.client
        )

    async def _held(self) -> BLEDevice | None:
        if self.source.transport is not None:
            return None
        try:
            adapter = await BleakAdapter.get()
            devices = await adapter.get_connected_devices([SERVICE_UUID])
        except NotImplementedError:  # this platform cannot tell
            return None
        return next((device for device in devices if self.source.fits(device)), None)


@asynccontextmanager
async def finder(source: HubSource) -> AsyncIterator[Finder]:
    """Open the Bluetooth adapter that a source needs, and close it at the end.

    Raises:
        HubError: If there is no such adapter.
    """
    if source.transport is None:
        yield Finder(source)
        return
    from kit.train.bumble_backend import BumbleAdapter, BumbleClient, BumbleScanner

    async with BumbleAdapter(source.transport) as radio:
        yield Finder(
            source,
            scanner={"backend": BumbleScanner, "radio": radio},
            client={"backend": BumbleClient, "radio": radio},
            lost=lambda: radio.lost,
        )


BLUETOOTH_ERRORS = (BleakError, OSError, TimeoutError, EOFError)
"""What bleak and the systems below it raise when the radio or the link fails."""
