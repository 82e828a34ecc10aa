"""Bluetooth: the adapter and its BlueZ, asked over D-Bus, and the hub, asked over the air."""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import suppress
from typing import Any

from kit.config import Settings
from kit.errors import HubError
from kit.presenting.check import Check, State, Wanted, absent

OLDEST_BLUEZ = (5, 55)
"""Oldest BlueZ that bleak supports, by its documentation."""

WEAK_PERCENT = 40
"""Charge of the hub below which a show should begin with fresh batteries, percent."""

EMPTY_PERCENT = 20
"""Charge below which no show should begin: the hub warns and the train stops, percent."""

WEAK_DBM = -85
"""Signal below which the link is likely to break while the train goes round, dBm."""

HUB_TIMEOUT_S = 45.0
"""How long finding and asking the hub may take, seconds."""

FACTS_TIMEOUT_S = 4.0
"""How long the hub may take to tell its charge once it is connected, seconds."""

_ADAPTER = "org.bluez.Adapter1"
_MODALIAS = re.compile(r"^usb:v1D6Bp0246d([0-9A-F]{2})([0-9A-F]{2})$", re.IGNORECASE)
_BATTERIES = "put fresh batteries into the hub: six AAA, all new, all of one kind"


def check_adapter(wanted: Wanted, _settings: Settings) -> Check:
    """Ask BlueZ for its adapters: is there one, is it powered, and is BlueZ new enough?"""
    if sys.platform != "linux":
        return Check(
            "bluetooth", State.FINE, "the system's own Bluetooth; the hub's check tries it"
        )
    needed = wanted.hardware or (wanted.hub or "").startswith("ble")
    try:
        adapters = asyncio.run(_adapters())
    except HubError as error:
        return absent(
            "bluetooth", error.problem, needed=needed, fix="run: sudo systemctl start bluetooth"
        )
    if not adapters:
        return absent(
            "bluetooth",
            "BlueZ has no adapter",
            needed=needed,
            fix="plug a Bluetooth adapter in; 'rfkill list' tells whether one is blocked",
        )
    return _judge(adapters)


def check_hub(wanted: Wanted, settings: Settings) -> Check:
    """Connect the hub, and read its charge and signal; the first thing it is told is to brake."""
    needed = wanted.hardware or wanted.hub is not None
    source = wanted.hub or "ble"
    fix = "press the hub's green button until its light blinks, and close LEGO's app"
    if source.startswith("ble") and not needed:
        adapter = check_adapter(wanted, settings)
        if adapter.state in {State.NOT_HERE, State.FAILED}:
            return absent("hub", "no Bluetooth to reach one", needed=False, fix=fix)
    try:
        return asyncio.run(_ask(source))
    except HubError as error:
        detail = error.problem + (f"; {error.got}" if error.got else "")
        return absent("hub", detail, needed=needed, fix=error.fix or fix)


def bluez_version(modalias: str) -> tuple[int, int] | None:
    """Read BlueZ's version from what its adapter says of itself.

    Args:
        modalias: Such as ``usb:v1D6Bp0246d0542``, which is BlueZ 5.66.
    """
    match = _MODALIAS.match(modalias)
    return None if match is None else (int(match[1], 16), int(match[2], 16))


def _judge(adapters: list[dict[str, Any]]) -> Check:
    powered = [adapter for adapter in adapters if adapter.get("Powered")]
    adapter = (powered or adapters)[0]
    version = bluez_version(str(adapter.get("Modalias", "")))
    words = "BlueZ of unknown version" if version is None else f"BlueZ {version[0]}.{version[1]}"
    detail = f"{words}, adapter '{adapter.get('Name')}' ({adapter.get('Address')})"
    if len(adapters) > 1:
        detail += f", the first powered of {len(adapters)}"
    if not powered:
        fix = "run: bluetoothctl power on; if it stays off: rfkill unblock bluetooth"
        return Check("bluetooth", State.FAILED, f"{detail} is switched off", fix)
    if version is not None and version < OLDEST_BLUEZ:
        oldest = ".".join(map(str, OLDEST_BLUEZ))
        return Check(
            "bluetooth", State.FAILED, detail, f"bleak needs BlueZ {oldest} or newer: update it"
        )
    return Check("bluetooth", State.FINE, f"{detail}, powered")


async def _adapters() -> list[dict[str, Any]]:
    """Return the properties of BlueZ's adapters.

    Raises:
        HubError: If nobody answers as BlueZ.
    """
    from dbus_fast import BusType, Message, MessageType
    from dbus_fast.aio import MessageBus

    question = Message(
        destination="org.bluez",
        path="/",
        interface="org.freedesktop.DBus.ObjectManager",
        member="GetManagedObjects",
    )
    try:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except (OSError, EOFError) as error:
        raise HubError("There is no system D-Bus, and so no BlueZ", got=str(error)) from error
    try:
        answer = await bus.call(question)
    finally:
        bus.disconnect()
    if answer is None or answer.message_type is not MessageType.METHOD_RETURN:
        raise HubError("BlueZ does not answer on D-Bus")
    objects: dict[str, dict[str, dict[str, Any]]] = answer.body[0]
    found = [parts[_ADAPTER] for _, parts in sorted(objects.items()) if _ADAPTER in parts]
    return [{name: variant.value for name, variant in each.items()} for each in found]


async def _ask(source: str) -> Check:
    from kit.train.hub import Hub

    told = asyncio.Event()
    hub = Hub(source, attempts=2)

    def heard(_event: object) -> None:
        if hub.battery_percent is not None and hub.rssi_dbm is not None:
            told.set()

    hub.on_event(heard)
    try:
        async with asyncio.timeout(HUB_TIMEOUT_S), hub:
            with suppress(TimeoutError):  # what it did not tell is named below
                await asyncio.wait_for(told.wait(), FACTS_TIMEOUT_S)
            facts = hub.facts
            return _judge_hub(
                facts.name or source,
                firmware=facts.firmware,
                battery_percent=hub.battery_percent,
                voltage_v=hub.voltage_v,
                rssi_dbm=hub.rssi_dbm,
            )
    except TimeoutError as error:
        raise HubError(
            f"The hub '{source}' did not answer within {HUB_TIMEOUT_S:g} s",
            fix="take its batteries out and in again",
        ) from error


def _judge_hub(
    name: str,
    *,
    firmware: str | None,
    battery_percent: int | None,
    voltage_v: float | None,
    rssi_dbm: int | None,
) -> Check:
    parts = [f"'{name}'" + (f", firmware {firmware}" if firmware else "")]
    parts.append("no word of its charge" if battery_percent is None else f"{battery_percent} %")
    parts += [f"{voltage_v:.1f} V"] if voltage_v is not None else []
    parts += [f"signal {rssi_dbm} dBm"] if rssi_dbm is not None else []
    detail = ", ".join(parts)
    if battery_percent is None:
        return Check("hub", State.WARNING, detail, "switch the hub off and on")
    if battery_percent < EMPTY_PERCENT:
        return Check("hub", State.FAILED, detail, _BATTERIES)
    if battery_percent < WEAK_PERCENT:
        return Check("hub", State.WARNING, detail, _BATTERIES)
    if rssi_dbm is not None and rssi_dbm < WEAK_DBM:
        return Check("hub", State.WARNING, detail, "bring the adapter closer to the track")
    return Check("hub", State.FINE, detail)
