"""What the virtual hub answers and does, message by message, without a radio."""

from __future__ import annotations

import pytest

from kit.sim.hub import Session, VirtualHub
from kit.train.lwp3.enums import AlertType, IoType
from tests.train.hub_bench import RecordingPort


class Desk:
    """A hub with one client at it."""

    def __init__(self) -> None:
        self.port = RecordingPort()
        self.written: list[bytes] = []
        self.hub = VirtualHub(self.port, on_message=self.written.append)
        self.heard: list[str] = []
        self.hung_up = 0
        self.session = self.join(self.heard)

    def join(self, heard: list[str]) -> Session:
        def hang_up() -> None:
            self.hung_up += 1

        return self.hub.connect(lambda data: heard.append(data.hex()), hang_up)

    def write(self, text: str) -> list[str]:
        """Write a message and return what the hub said to it."""
        before = len(self.heard)
        self.hub.write(self.session, bytes.fromhex(text))
        return self.heard[before:]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_it_announces_its_devices_to_who_listens(desk: Desk) -> None:
    assert desk.heard[:2] == [
        "0f0004000102000000001000000010",
        "0f0004010108000000001000000010",
    ]


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("0800810011510064", ("motor", 100)),
        ("08008100115100ba", ("motor", -70)),
        ("080081001151007f", ("brake", 127)),
        ("0800810011510000", ("float", 0)),
        ("0800810111510032", ("light", 50)),
    ],
)
def test_a_command_acts_and_is_confirmed(desk: Desk, text: str, done: tuple[str, int]) -> None:
    port = text[6:8]
    assert desk.write(text) == [f"050082{port}0a"]
    assert desk.port.done == [done]


def test_a_command_that_asks_for_no_feedback_gets_none(desk: Desk) -> None:
    assert desk.write("0800810010510064") == []
    assert desk.port.motor == [100]


def test_start_power_is_discarded_as_the_trains_hub_does(desk: Desk) -> None:
    assert desk.write("07008100110132") == ["050082000e"]
    assert desk.port.done == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("0800810511510064", "0500058106"),  # nothing on port 5
        ("0800810011510065", "0500058106"),  # power 101
        ("0800810111510065", "0500058106"),  # brightness 101
        ("080081001151007f00", "0500058106"),  # one byte too long
        ("0800810011510164", "0500058106"),  # mode 1
        ("0500777777", "0500057705"),  # no such type
        ("050010abcd", "0500051006"),  # a firmware update
        ("04000203", "0500050206"),  # an action that is not modelled
        ("0500010f05", "0500050106"),  # a property that is not told
        ("0500010104", "0500050106"),  # a reset that is not modelled
        ("0a0041000001000000 01".replace(" ", ""), "0500054106"),  # a motor cannot be read
        ("060022003300", "0500052206"),
        ("", "0500050005"),
    ],
)
def test_what_it_cannot_do_is_refused_and_moves_nothing(desk: Desk, text: str, error: str) -> None:
    assert desk.write(text) == [error]
    assert desk.port.done == []


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("0500010605", "060001060657"),
        ("0500010b05", "0600010b0641"),
        ("0500010505", "0600010506c8"),
        ("0500010205", "060001020600"),
        ("0500010105", "12000101065275 6e61776179 20747261696e".replace(" ", "")),
        ("0500030103", "060003010400"),
        ("0500210001", "0b00430001010100000100"),
        ("060022000000", "110044000000" + b"LPF2-TRAIN\0".hex()),
        ("0600223c0001", "0e00443c000100000000" + "00507345"),
        ("060022000001", "0e0044000001" + "0000c8c2" + "0000c842"),
        ("060022000005", "080044000005" + "0018"),
        ("060022000080", "0a0044000080" + "01000400"),
        ("0600223c0080", "0a00443c0080" + "01010400"),
    ],
)
def test_a_request_is_answered(desk: Desk, request_: str, answer: str) -> None:
    assert desk.write(request_) == [answer]


def test_the_voltage_sensor_is_set_up_and_told(desk: Desk) -> None:
    desk.port.voltage_v = 3000 / 3893 * 9.6
    assert desk.write("0a00413c000100000001") == ["0a00473c000100000001", "0600453cb80b"]


def test_a_change_is_told_once_to_who_asked_for_it(desk: Desk) -> None:
    other: list[str] = []
    desk.join(other)
    desk.write("0500010602")
    heard, others = len(desk.heard), len(other)
    desk.port.battery_percent = 50.4
    desk.hub.refresh()
    desk.hub.refresh()
    assert desk.heard[heard:] == ["060001060632"]
    assert other[others:] == []


def test_updates_end_when_they_are_disabled(desk: Desk) -> None:
    desk.write("0500010602")
    desk.write("0500010603")
    heard = len(desk.heard)
    desk.port.battery_percent = 1
    desk.hub.refresh()
    assert desk.heard[heard:] == []


def test_the_button_is_told(desk: Desk) -> None:
    desk.write("0500010202")
    desk.hub.press_button()
    desk.hub.press_button(pressed=False)
    assert desk.heard[-2:] == ["060001020601", "060001020600"]


def test_a_low_battery_raises_the_alert_and_a_new_one_ends_it(desk: Desk) -> None:
    assert desk.write("0500030101") == ["060003010400"]
    desk.port.voltage_v = 5.5
    desk.hub.refresh()
    assert desk.heard[-1] == "0600030104ff"
    desk.port.voltage_v = 7.0
    desk.hub.refresh()
    assert desk.heard[-1] == "060003010400"


def test_another_alert_can_be_raised(desk: Desk) -> None:
    desk.write("0500030201")
    desk.hub.raise_alert(AlertType.HIGH_CURRENT)
    assert desk.heard[-1] == "0600030204ff"


def test_a_motor_that_is_unplugged_runs_out_and_can_come_back(desk: Desk) -> None:
    desk.hub.unplug(0)
    assert desk.heard[-1] == "0500040000"
    assert desk.port.motor == [0]
    assert desk.write("080081001151007f") == ["0500058106"]
    desk.hub.plug(0, IoType.TRAIN_MOTOR)
    assert desk.write("080081001151007f") == ["050082000a"]


def test_disconnect_says_so_and_hangs_up(desk: Desk) -> None:
    assert desk.write("04000202") == ["04000231"]
    assert desk.hung_up == 1
    assert desk.port.done == []


def test_switching_off_lets_the_motor_run_out_and_tells_everyone(desk: Desk) -> None:
    other: list[str] = []
    desk.join(other)
    desk.write("04000201")
    assert desk.heard[-1] == other[-1] == "04000230"
    assert desk.hung_up == 2
    assert desk.port.motor == [0]
    assert not desk.hub.switched_on


def test_its_button_switches_it_off_and_on_and_the_radio_is_told(desk: Desk) -> None:
    told: list[bool] = []
    desk.hub.on_switch(told.append)
    desk.hub.press_power()
    desk.hub.switch_off()
    desk.hub.press_power()
    desk.hub.switch_on()
    assert told == [False, True]
    assert desk.port.motor == [0]


def test_a_client_that_listens_again_over_the_same_link_is_told_nothing_anew(desk: Desk) -> None:
    heard: list[bytes] = []
    desk.hub.connect(heard.append, lambda: None, announce=False)
    assert heard == []


def test_the_motor_goes_on_when_its_client_leaves(desk: Desk) -> None:
    desk.write("0800810010510046")
    desk.hub.leave(desk.session)
    assert desk.port.motor == [70]


def test_every_message_is_noted_before_it_acts(desk: Desk) -> None:
    desk.write("080081001151007f")
    desk.write("ffff")
    assert [data.hex() for data in desk.written] == ["080081001151007f", "ffff"]


def test_a_new_name_is_told(desk: Desk) -> None:
    desk.write("0700010101" + b"IC".hex())
    assert desk.write("0500010105") == ["0700010106" + b"IC".hex()]
