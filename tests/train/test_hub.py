"""The hub client over bleak: finding, driving, listening, losing and finding again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from kit.child import Child
from kit.errors import ConfigError, HubError
from kit.sim.hub import VirtualHub
from kit.sim.radio import HUB_ADDRESS, VirtualRadio
from kit.train import hub as hub_module
from kit.train import hub_link
from kit.train.hub import Hub
from kit.train.hub_facts import STOPPING_ALERTS, HubEvent, HubEventKind
from kit.train.hub_finder import HubSource, SeenHub
from kit.train.lwp3.enums import COMPANY_ID, AlertType, Colour, IoType, SystemType
from tests.train.conftest import RemoteHub, serve
from tests.train.hub_bench import RecordingPort
from tests.waiting import PATIENCE_S, until


class Stage:
    """A virtual hub on the air and a client of it."""

    def __init__(self) -> None:
        self.port = RecordingPort()
        self.virtual = VirtualHub(self.port)
        self.radio = VirtualRadio(self.virtual, supervision_timeout_s=0.02)
        self.events: list[HubEvent] = []
        self.hub: Hub

    @property
    def kinds(self) -> list[HubEventKind]:
        return [event.kind for event in self.events]


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    it = Stage()
    async with it.radio, Hub(it.radio.hci_address) as it.hub:
        it.hub.on_event(it.events.append)
        yield it


def test_the_first_thing_a_found_hub_does_is_brake() -> None:
    async def run() -> None:
        async with stage() as it:
            await until(lambda: it.port.done)
            assert it.port.done[0] == ("brake", 127)
            assert it.hub.connected

    asyncio.run(run())


def test_it_drives_brakes_floats_and_lights() -> None:
    async def run() -> list[tuple[str, int]]:
        async with stage() as it:
            await it.hub.set_power(60)
            await it.hub.brake()
            assert await it.hub.braked(PATIENCE_S)
            await it.hub.float_()
            await it.hub.set_light(50)
            await it.hub.set_colour(Colour.GREEN)
            await until(lambda: it.virtual.colour == Colour.GREEN)
            return it.port.done

    assert asyncio.run(run()) == [
        ("brake", 127),
        ("motor", 60),
        ("brake", 127),
        ("float", 0),
        ("light", 50),
    ]


def test_a_brake_that_was_not_confirmed_says_so() -> None:
    async def run() -> bool:
        async with stage() as it:
            it.hub._braked.clear()
            return await it.hub.braked(0.01)

    assert asyncio.run(run()) is False


def test_it_learns_battery_voltage_signal_name_and_kind() -> None:
    async def run() -> None:
        async with stage() as it:
            await until(lambda: it.hub.voltage_v and it.hub.facts.name and it.hub.facts.firmware)
            assert it.hub.battery_percent == 87
            assert it.hub.voltage_v == pytest.approx(7.4, abs=0.01)
            assert it.hub.rssi_dbm == -56
            assert it.hub.facts.name == "Runaway train"
            assert it.hub.facts.system_type is SystemType.CITY
            assert it.hub.facts.firmware == "1.0.00.0000"

    asyncio.run(run())


def test_it_tells_of_its_button_and_its_alerts() -> None:
    async def run() -> list[HubEventKind]:
        async with stage() as it:
            await until(lambda: it.hub.voltage_v)
            it.virtual.press_button()
            it.virtual.raise_alert(AlertType.HIGH_CURRENT)
            it.virtual.raise_alert(AlertType.HIGH_CURRENT, on=False)
            await until(lambda: HubEventKind.ALERT_OVER in it.kinds)
            return it.kinds

    kinds = asyncio.run(run())
    assert {HubEventKind.BUTTON_PRESSED, HubEventKind.ALERT} <= set(kinds)


def test_the_motor_is_found_by_its_type_wherever_it_is_plugged_in() -> None:
    async def run() -> list[int]:
        it = Stage()
        it.virtual.unplug(0)
        it.virtual.unplug(1)
        it.virtual.plug(1, IoType.TRAIN_MOTOR)
        it.virtual.plug(0, IoType.LIGHT)
        it.port.done.clear()
        async with it.radio, Hub(it.radio.hci_address) as hub:
            await hub.set_power(40)
            await until(lambda: 40 in it.port.motor)
        return it.port.motor

    assert asyncio.run(run()) == [127, 40]


def test_a_motor_that_was_announced_to_a_dead_client_is_asked_for_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "ANNOUNCE_TIMEOUT_S", 0.2)

    class Silent(VirtualHub):
        """A hub whose link was up already: it announces nothing."""

        def connect(self, notify, disconnect, **_options):  # type: ignore[no-untyped-def]
            return super().connect(notify, disconnect, announce=False)

    async def run() -> list[int]:
        port = RecordingPort()
        async with VirtualRadio(Silent(port)) as radio, Hub(radio.hci_address) as hub:
            await hub.set_power(40)
            await until(lambda: 40 in port.motor)
        return port.motor

    assert asyncio.run(run()) == [127, 40]


def test_a_hub_without_a_motor_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "ANNOUNCE_TIMEOUT_S", 0.1)

    async def run() -> None:
        it = Stage()
        it.virtual.unplug(0)
        async with it.radio, Hub(it.radio.hci_address, attempts=1):
            pass

    with pytest.raises(HubError, match="plug the train's motor into port A"):
        asyncio.run(run())


def test_an_unplugged_motor_is_told_and_cannot_be_driven() -> None:
    async def run() -> None:
        async with stage() as it:
            it.virtual.unplug(0)
            await until(lambda: HubEventKind.DETACHED in it.kinds)
            with pytest.raises(HubError, match="No train motor"):
                await it.hub.set_power(40)

    asyncio.run(run())


def test_a_lost_link_is_told_and_the_first_write_when_it_is_back_is_a_brake() -> None:
    async def run() -> list[tuple[str, int]]:
        async with stage() as it:
            await it.hub.set_power(60)
            await until(lambda: 60 in it.port.motor)
            it.port.done.clear()
            told: list[tuple[HubEventKind, bool]] = []
            it.hub.on_event(lambda event: told.append((event.kind, it.hub.connected)))
            for session in tuple(it.virtual._sessions):
                session.disconnect()
            await until(lambda: (HubEventKind.CONNECTED, True) in told)
            assert (HubEventKind.DISCONNECTED, False) in told
            return it.port.done

    assert asyncio.run(run())[0] == ("brake", 127)


def test_writing_without_a_link_is_an_error() -> None:
    async def run() -> None:
        async with stage() as it:
            for session in tuple(it.virtual._sessions):
                session.disconnect()
            await until(lambda: HubEventKind.DISCONNECTED in it.kinds)
            with pytest.raises(HubError, match="not connected"):
                await it.hub._link.write(b"\x04\x00\x02\x02")

    asyncio.run(run())


def test_after_a_lost_link_only_the_same_hub_is_looked_for() -> None:
    async def run() -> str | None:
        async with stage() as it:
            return it.hub._link._source.target

    assert asyncio.run(run()) == HUB_ADDRESS


@pytest.mark.parametrize("fails", ["at once", "by silence"])
def test_a_write_that_is_not_accepted_ends_the_link_and_the_next_one_begins_with_a_brake(
    monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    async def refuse(*_args: object, **_kwargs: object) -> None:
        if fails == "at once":
            raise BleakError("in trouble")
        await asyncio.Event().wait()

    async def run() -> list[tuple[str, int]]:
        async with stage() as it:
            await it.hub.set_power(60)
            await until(lambda: 60 in it.port.motor)
            it.port.done.clear()
            assert it.hub._link._client is not None
            monkeypatch.setattr(hub_link, "WRITE_TIMEOUT_S", 0.05)
            monkeypatch.setattr(it.hub._link._client, "write_gatt_char", refuse)
            with pytest.raises(HubError, match="failed while writing"):
                await it.hub.set_power(70)
            monkeypatch.setattr(hub_link, "WRITE_TIMEOUT_S", 5)
            await until(lambda: HubEventKind.DISCONNECTED in it.kinds)
            await until(lambda: HubEventKind.CONNECTED in it.kinds)
            return it.port.done

    assert asyncio.run(run())[0] == ("brake", 127)


def test_a_link_that_is_lost_while_it_is_set_up_is_made_again() -> None:
    class Shy(VirtualHub):
        """A hub that hangs up on its first client as soon as it listens."""

        met = 0

        def connect(self, notify, disconnect, **options):  # type: ignore[no-untyped-def]
            session = super().connect(notify, disconnect, **options)
            self.met += 1
            if self.met == 1:
                disconnect()
            return session

    async def run() -> int:
        hub = Shy(RecordingPort())
        radio = VirtualRadio(hub, supervision_timeout_s=0.02)
        async with radio, Hub(radio.hci_address) as client:
            await client.brake()
            assert await client.braked(PATIENCE_S)
        return hub.met

    assert asyncio.run(run()) == 2


@pytest.mark.parametrize(
    ("feedback", "braked"),
    [
        ("050082000a", True),
        ("0700820101000a", True),  # of two ports, the motor's is the second
        ("050082010a", False),  # of the light
        ("050082000e", False),  # discarded
        ("0500820001", False),  # still under way
    ],
)
def test_a_brake_is_confirmed_by_word_that_the_motors_command_is_done(
    feedback: str, *, braked: bool
) -> None:
    async def run() -> bool:
        async with stage() as it:
            it.hub._braked.clear()
            it.hub._receive(bytes.fromhex(feedback))
            return it.hub._braked.is_set()

    assert asyncio.run(run()) is braked


@pytest.mark.parametrize("alert", STOPPING_ALERTS)
def test_an_alert_of_the_battery_or_the_current_keeps_the_train_from_moving(
    alert: AlertType,
) -> None:
    async def run() -> None:
        async with stage() as it:
            await until(lambda: it.hub.voltage_v)
            it.virtual.raise_alert(alert)
            await until(lambda: HubEventKind.ALERT in it.kinds)
            assert it.hub.facts.alerts == {alert}

    asyncio.run(run())


def test_a_weak_signal_is_told_and_keeps_no_train_from_moving() -> None:
    async def run() -> None:
        async with stage() as it:
            await until(lambda: it.hub.voltage_v)
            it.virtual.raise_alert(AlertType.LOW_SIGNAL)
            await until(lambda: HubEventKind.ALERT in it.kinds)
            assert it.hub.facts.weak_signal
            assert it.hub.facts.alerts == set()
            it.virtual.raise_alert(AlertType.LOW_SIGNAL, on=False)
            await until(lambda: HubEventKind.ALERT_OVER in it.kinds)
            assert not it.hub.facts.weak_signal

    asyncio.run(run())


def test_a_callback_is_told_of_a_lost_link() -> None:
    async def run() -> int:
        lost: list[None] = []
        async with stage() as it:
            it.hub.on_disconnect(lambda: lost.append(None))
            it.radio.lose_links()
            await until(lambda: lost)
        return len(lost)

    assert asyncio.run(run()) == 1


def test_a_hub_that_is_switched_off_is_waited_for() -> None:
    async def run() -> list[tuple[str, int]]:
        async with stage() as it:
            it.virtual.switch_off()
            await until(lambda: HubEventKind.DISCONNECTED in it.kinds)
            it.port.done.clear()
            it.virtual.switch_on()
            await until(lambda: HubEventKind.CONNECTED in it.kinds)
            assert HubEventKind.GOING in it.kinds
            return it.port.done

    assert asyncio.run(run())[0] == ("brake", 127)


def test_a_clean_end_is_no_loss() -> None:
    async def run() -> list[HubEventKind]:
        async with stage() as it:
            await until(lambda: it.hub.voltage_v)
        await asyncio.sleep(0.05)
        return it.kinds

    assert HubEventKind.DISCONNECTED not in asyncio.run(run())


def test_a_hub_in_another_process_is_driven_over_tcp(remote_hub: RemoteHub) -> None:
    async def run() -> None:
        async with Hub(remote_hub.source) as hub:
            await hub.set_power(60)
            await hub.brake()
            assert await hub.braked(PATIENCE_S)

    asyncio.run(run())
    assert remote_hub.motor[-2:] == [60, 127]


def test_a_hub_process_that_dies_and_comes_back_is_found_again(tmp_path: Path) -> None:
    async def run(source: str, first: Child) -> None:
        events: list[HubEventKind] = []
        async with Hub(source) as hub:
            hub.on_event(lambda event: events.append(event.kind))
            first.signal(signal.SIGKILL)
            await until(lambda: HubEventKind.DISCONNECTED in events)
            with serve(tmp_path / "second.log", int(source.rsplit(":", 1)[1])) as second:
                await asyncio.to_thread(second.ready, timeout_s=PATIENCE_S)
                await until(lambda: HubEventKind.CONNECTED in events)
                assert hub.connected

    with serve(tmp_path / "first.log") as first:
        asyncio.run(run(first.ready(timeout_s=PATIENCE_S)["hub"], first))


def test_a_hub_that_is_not_there_gives_up_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "FIRST_PAUSE_S", 0.01)

    async def run() -> None:
        async with Hub("hci:tcp-client:127.0.0.1:1", attempts=2):
            pass

    with pytest.raises(HubError, match="cannot be opened"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("ble", HubSource()),
        ("ble:My train", HubSource(target="My train")),
        ("ble:90:84:2B:00:00:01", HubSource(target="90:84:2B:00:00:01")),
        ("hci:usb:0", HubSource(transport="usb:0")),
        ("hci:tcp-client:127.0.0.1:5", HubSource(transport="tcp-client:127.0.0.1:5")),
    ],
)
def test_a_source_is_understood(text: str, source: HubSource) -> None:
    assert HubSource.parse(text) == source


@pytest.mark.parametrize("text", ["", "hci", "hci:", "usb", "bluetooth"])
def test_a_source_that_is_none_says_what_would_be(text: str) -> None:
    with pytest.raises(ConfigError, match="ble:<name or address>"):
        HubSource.parse(text)


def _advertised(kind: int, name: str | None = None) -> AdvertisementData:
    return AdvertisementData(name, {COMPANY_ID: bytes([0, kind])}, {}, [], None, -50, ())


@pytest.mark.parametrize(
    ("target", "kind", "fits"),
    [
        (None, 0x41, True),
        (None, 0x42, False),  # a handset is no train
        ("Thomas", 0x41, True),
        ("thomas", 0x41, False),
        ("f0:9e:9e:00:60:33", 0x41, True),
        ("Percy", 0x41, False),
    ],
)
def test_the_right_hub_is_chosen_among_several(
    target: str | None, kind: int, *, fits: bool
) -> None:
    device = BLEDevice("F0:9E:9E:00:60:33", None, None)
    assert HubSource(target=target).fits(device, _advertised(kind, "Thomas")) is fits


@pytest.mark.parametrize(
    ("details", "fits"),
    [
        ({"path": "/", "props": {"ManufacturerData": {COMPANY_ID: b"\0\x41"}}}, True),
        ({"path": "/", "props": {"ManufacturerData": {COMPANY_ID: b"\0\x42"}}}, False),
        ({"path": "/", "props": {}}, True),  # it may be
        (object(), True),  # nor do other platforms tell
    ],
)
def test_a_connected_handset_is_not_taken_for_a_train(details: object, *, fits: bool) -> None:
    device = BLEDevice("F0:9E:9E:00:60:33", None, details)
    assert HubSource().fits(device) is fits


def test_a_hub_that_was_seen_is_named_for_people() -> None:
    device = BLEDevice("F0:9E:9E:00:60:33", None, None)
    seen = SeenHub.of(device, _advertised(0x42, "Remote"))
    assert str(seen) == "'Remote' (F0:9E:9E:00:60:33, HANDSET, -50 dBm)"
