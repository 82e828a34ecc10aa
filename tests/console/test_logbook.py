from __future__ import annotations

from kit.console.logbook import ENTRIES, SERVICES, Logbook
from kit.events import Action, Alive, CaptureSwitch, Command, Motion, Origin
from tests.console import make


def texts(log: Logbook) -> list[str]:
    return [f"{entry.who}: {entry.what}: {entry.reason}" for entry in log.after(0)]


def test_the_same_decision_frame_after_frame_is_written_once() -> None:
    log = Logbook()
    for _ in range(3):
        log.observe(make.command("t", Action.CRUISE, reason="no sign"))
    log.observe(make.command("t", Action.STOP, reason="danger"))
    assert texts(log) == ["decision: action.cruise: no sign", "decision: action.stop: danger"]


def test_every_word_of_an_operator_is_written() -> None:
    log = Logbook()
    stop = Command(
        train_id="t", action=Action.EMERGENCY_STOP, reason="hand", origin=Origin.OPERATOR
    )
    log.observe(stop)
    log.observe(stop)
    assert texts(log) == ["operator: action.emergency_stop: hand"] * 2
    assert {entry.tone for entry in log.after(0)} == {"stop"}


def test_a_latch_is_a_change_of_the_train() -> None:
    log = Logbook()
    log.observe(make.state("t", Motion.STOPPED))
    log.observe(make.state("t", Motion.STOPPED, latched=True, reason="danger"))
    log.observe(make.state("t", Motion.STOPPED, latched=True, reason="danger"))
    assert texts(log) == [
        "train: motion.stopped: because",
        "train: motion.stopped.latched: danger",
    ]


def test_a_service_is_written_when_it_comes_and_when_it_goes() -> None:
    log = Logbook()
    log.observe(Alive(train_id="t", service="capture"))
    log.observe(Alive(train_id="t", service="capture"))
    log.observe(Alive(train_id="t", service="capture", status="offline", detail="no camera"))
    assert texts(log) == ["capture: alive.online: ", "capture: alive.offline: no camera"]


def test_only_newer_entries_are_told_and_old_ones_are_forgotten() -> None:
    log = Logbook()
    for turn in range(ENTRIES + 5):
        log.observe(make.command("t", (Action.SLOW, Action.CRUISE)[turn % 2]))
    assert len(log.after(0)) == ENTRIES
    assert [entry.number for entry in log.after(ENTRIES + 3)] == [ENTRIES + 4, ENTRIES + 5]


def test_a_flood_of_made_up_services_is_not_remembered() -> None:
    log = Logbook()
    for number in range(SERVICES + 10):
        log.observe(Alive(train_id="t", service=f"s{number}"))
    assert len(log.after(0)) == SERVICES


def test_who_paused_the_pictures_is_written() -> None:
    log = Logbook()
    log.observe(CaptureSwitch(train_id="t", on=False, reason="at the console"))
    log.observe(CaptureSwitch(train_id="t", on=True, reason="at the console"))
    assert texts(log) == [
        "capture: capture.off: at the console",
        "capture: capture.on: at the console",
    ]
