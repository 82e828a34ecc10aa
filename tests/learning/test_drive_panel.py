"""The drive panel without a browser: its ticks are given by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.errors import HubError
from kit.events import Motion, TrainState
from kit.learning.drive_panel import (
    DrivePanel,
    Pulse,
    last_speed_mps,
    open_drive_panel,
    status_html,
)
from kit.runtime.stage import Stage
from tests.services.hub_thread import HubThread, hub_thread
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def hub() -> Iterator[HubThread]:
    with hub_thread() as it:
        yield it


@contextmanager
def opened(hub: HubThread, mqtt_url: str, train_id: str) -> Iterator[DrivePanel]:
    settings = Settings(mqtt_url=SecretStr(mqtt_url), arm_key=SecretStr("a key"))
    with ExitStack() as resources:
        stage = Stage(
            train_id=train_id, settings=settings, source="", hub=hub.source, resources=resources
        )
        hub.port.done.clear()
        yield open_drive_panel(stage)


def ticking(panel: DrivePanel, true: Callable[[], object], what: str) -> None:
    """Tick as a browser does until a condition holds."""

    def ticked() -> object:
        panel.ticks.value += 1
        return true()

    wait_until(ticked, lambda: f"{what}; {panel.status.value}", pause_s=0.05)


def run_up(panel: DrivePanel, hub: HubThread) -> None:
    """Arm the train and have it driven, again whenever a busy machine held up the ticks."""
    powered = len(hub.powers)

    def moves() -> bool:
        if not panel.arm.disabled:
            panel.arm.click()
        elif not panel.throttle.disabled:
            panel.throttle.value = 40
        return len(hub.powers) > powered

    ticking(panel, moves, "it moves")


def test_a_train_is_armed_driven_and_stopped(hub: HubThread, mqtt_url: str, train_id: str) -> None:
    with opened(hub, mqtt_url, train_id) as panel:
        run_up(panel, hub)
        panel.stop.click()
        ticking(panel, lambda: hub.port.motor[-1] == 127, "braked")
        ticking(panel, lambda: panel.throttle.disabled, "the throttle is locked")
        assert panel.throttle.value == 0


def test_the_emergency_stop_brakes_without_any_tick(
    hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    with opened(hub, mqtt_url, train_id) as panel:
        run_up(panel, hub)
        panel.emergency.click()
        wait_until(lambda: hub.port.motor[-1] == 127, "it brakes")


def test_a_browser_that_falls_silent_brakes_the_train(
    hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    with opened(hub, mqtt_url, train_id) as panel:
        run_up(panel, hub)
        wait_until(lambda: hub.port.motor[-1] == 127, "it brakes")
        ticking(panel, lambda: "fell silent" in panel.status.value, "the reason is told")
        assert "latched" in panel.status.value


def test_a_latched_train_does_not_follow_the_throttle(
    hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    with opened(hub, mqtt_url, train_id) as panel:
        panel.throttle.value = 80
        for _ in range(10):
            panel.ticks.value += 1
            threading.Event().wait(0.06)
        assert hub.powers == []


def test_the_end_of_the_stage_brakes_the_train(
    hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    with opened(hub, mqtt_url, train_id) as panel:
        run_up(panel, hub)
    wait_until(lambda: hub.port.motor[-1] == 127, "it brakes")


def test_the_panel_shows_what_goes_over_the_air_in_words(
    hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    with opened(hub, mqtt_url, train_id) as panel:

        def told() -> bool:
            # Again and again: the trace shows the newest messages only, and the hub says much.
            panel.light.value = 130 - panel.light.value if panel.light.value else 60
            return "port B: power 60 %" in panel.trace.value

        ticking(panel, told, "the light is told")
        assert "messages so far" in panel.trace.value


def test_a_hub_that_is_not_there_is_told(
    mqtt_url: str, train_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.train.hub.ATTEMPTS", 1)
    settings = Settings(mqtt_url=SecretStr(mqtt_url))
    nowhere = "hci:tcp-client:127.0.0.1:1"
    stage = Stage(train_id=train_id, settings=settings, source="", hub=nowhere)
    with pytest.raises(HubError):
        open_drive_panel(stage)
    stage.close()


def test_one_tick_proves_nothing_and_neither_does_a_burst() -> None:
    pulse = Pulse()
    assert [pulse.tick(now) for now in (0.0, 0.001, 0.002)] == [False] * 3
    assert [pulse.tick(now) for now in (0.1, 0.2, 0.3)] == [True, True, True]


def test_a_browser_that_comes_back_must_tick_again() -> None:
    pulse = Pulse()
    for now in (0.0, 0.1, 0.2):
        pulse.tick(now)
    assert [pulse.tick(now) for now in (9.0, 9.1, 9.2)] == [False, False, True]


def test_the_speed_is_the_newest_in_the_file(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    assert last_speed_mps(truth) is None
    lines = [{"kind": "physics", "speed_mps": 0.1}] * 500
    lines += [{"kind": "physics", "speed_mps": 0.42}, {"kind": "hub", "message": "00"}]
    text = "\n".join(json.dumps(line) for line in lines) + '\n{"kind": "phys'
    truth.write_text(text)
    assert last_speed_mps(truth) == 0.42


def test_the_status_escapes_what_others_wrote() -> None:
    state = TrainState(
        train_id="train-1",
        motion=Motion.STOPPED,
        reason="<script>",
        latched=True,
        battery_percent=80,
        voltage_v=8.4,
        rssi_dbm=-60,
    )
    page = status_html(state, speed="0 m/s")
    assert "&lt;script&gt;" in page
    for told in ("stopped · latched", "80 %, 8.40 V", "-60 dBm", "0 m/s"):
        assert told in page


def test_without_a_state_it_says_so() -> None:
    assert "looking for the hub" in status_html(None, speed="")
