"""The kiosk: what a visit is, what it is worth, and who may do what."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from kit.console.trains import PIPELINE
from kit.errors import BrokerError, EventError, KitError, MissionError
from kit.messaging.mqtt import MqttClient
from kit.presenting.kiosk.app import STATIC
from kit.presenting.kiosk.keeper import BrokerKeeper
from kit.presenting.kiosk.mission_child import PhaseDisplay
from kit.presenting.kiosk.score import score
from kit.presenting.kiosk.trouble import Kind, Trouble, trouble
from kit.presenting.kiosk.visit import IDLE_S, Phase, Visit
from kit.reasons import Reason
from kit.runtime.view import View
from tests.waiting import wait_until

WELL: dict[str, Any] = {
    "stopped": True,
    "derailed": False,
    "stop_margin_m": 1.6,
    "brake_latency_ms": 20.0,
    "verdict": "The train stopped 160 cm before the danger.",
    "error": None,
}


def begun() -> Visit:
    return Visit().start(" Ada  Lovelace ", "standard", now_s=0.0)


def at_score() -> Visit:
    return begun().ended(WELL, now_s=40.0)


@pytest.mark.parametrize(
    ("result", "total"),
    [
        (WELL, 100.0),
        (WELL | {"stop_margin_m": 0.75}, 80.0),
        (WELL | {"brake_latency_ms": 260.0}, 80.0),
        (WELL | {"brake_latency_ms": 4000.0, "stop_margin_m": 0.0}, 20.0),
        (WELL | {"stop_margin_m": None, "brake_latency_ms": 260.0}, 60.0),
        (WELL | {"stop_margin_m": None, "brake_latency_ms": None}, 20.0),
        (WELL | {"stopped": False}, 0.0),
        (WELL | {"derailed": True}, 0.0),
        ({}, 0.0),
    ],
)
def test_a_mission_is_worth_its_points(result: dict[str, Any], total: float) -> None:
    assert score(result).total == total


def test_a_visit_goes_through_its_phases_and_never_back() -> None:
    visit, seen = begun(), []
    for phase in (
        "Starting the services",
        "Arming the train",
        "Countdown",
        "Arming the train",
        "Under way",
        "Countdown",
        "Ending the services",
        "Under way",
    ):
        visit = visit.told(phase, now_s=1.0)
        seen.append(visit.phase)
    assert seen == [
        *[Phase.PREPARING] * 2,
        *[Phase.COUNTDOWN] * 2,
        *[Phase.UNDER_WAY] * 2,
        *[Phase.ENDING] * 2,
    ]
    assert visit.ended(WELL, now_s=2.0).phase is Phase.SCORE


def test_a_name_is_cleaned_and_an_empty_one_is_refused() -> None:
    assert begun().name == "Ada Lovelace"
    with pytest.raises(EventError):
        Visit().start("\u200b \n", "standard", now_s=0.0)


def test_nobody_can_push_in_while_a_mission_runs() -> None:
    visit = begun()
    assert visit.start("Eve", "night", now_s=1.0) is visit
    assert visit.next(now_s=1.0) is visit
    assert visit.idle(now_s=1e6) is visit


def test_a_score_that_nobody_leaves_makes_place_for_the_next() -> None:
    visit = at_score()
    assert visit.idle(now_s=40.0 + IDLE_S - 1) is visit
    gone = visit.idle(now_s=40.0 + IDLE_S)
    assert (gone.phase, gone.name, gone.score) == (Phase.ATTRACT, "", None)


@pytest.mark.parametrize("result", [{}, WELL | {"error": "the broker was lost"}])
def test_a_mission_that_broke_has_a_reason_and_no_score(result: dict[str, Any]) -> None:
    visit = begun().stop().ended(result, now_s=9.0)
    assert visit.score is None
    assert visit.trouble is not None
    assert visit.stopped_by_hand


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (
            MissionError(
                Reason.HALTED,
                got="no fresh decision: stopped (refused: the frame was 420 ms old)",
                fix=Reason.FIX_LATENESS,
            ),
            Kind.LATE,
            "no fresh decision: stopped (refused: the frame was 420 ms old)",
        ),
        (
            MissionError(
                Reason.SERVICE_ENDED.say(service="inference", how="SIGKILL"), got="0.3 s", fix="x"
            ),
            Kind.SERVICE,
            "The service 'inference' ended (SIGKILL)",
        ),
        (
            BrokerError(Reason.BROKER_LOST.say(address="127.0.0.1:1883"), fix=Reason.FIX_BROKER),
            Kind.BROKER,
            "The connection to the MQTT broker at 127.0.0.1:1883 was lost",
        ),
        (
            MissionError(Reason.HALTED, got=Reason.SERVICE_GONE.say(service="broker")),
            Kind.BROKER,
            "the service 'broker' is gone",
        ),
        (
            MissionError(Reason.HALTED, got=Reason.AND_UNCONFIRMED.say(reason=Reason.LINK_LOST)),
            Kind.HUB,
            "the Bluetooth link was lost; the hub does not confirm the brake",
        ),
        (MissionError(Reason.HALTED, got=Reason.HUB_BACK), Kind.RADIO, "the hub is back"),
        (MissionError("The moon fell down"), Kind.OTHER, "The moon fell down"),
    ],
)
def test_what_broke_a_mission_off_has_a_kind_and_a_sentence(
    error: KitError, kind: Kind, sentence: str
) -> None:
    assert trouble(str(error)) == Trouble(kind, sentence)


@pytest.mark.parametrize(
    "result", [{}, WELL | {"derailed": True}, WELL | {"stopped": False}, WELL | {"error": "x"}]
)
def test_who_brought_home_no_points_has_another_go(result: dict[str, Any]) -> None:
    assert not begun().may_try_again
    assert begun().ended(result, now_s=9.0).may_try_again
    assert not at_score().may_try_again


def test_the_countdown_tells_how_long_is_left() -> None:
    visit = begun().told("Countdown", now_s=10.0)
    assert visit.as_json(now_s=11.0, countdown_s=3.0)["left_s"] == 2.0
    assert visit.as_json(now_s=15.0, countdown_s=3.0)["left_s"] == 0.0


_TITLED = {Phase.PREPARING, Phase.COUNTDOWN, Phase.UNDER_WAY, Phase.ENDING}


def catalogue(language: str) -> dict[str, str]:
    return json.loads((STATIC / "words" / f"{language}.json").read_text(encoding="utf-8"))


def test_both_languages_say_everything_with_the_same_places_to_fill() -> None:
    english, french = catalogue("en"), catalogue("fr")
    assert list(english) == list(french)
    for key, text in english.items():
        assert text.count("{") == french[key].count("{"), key
        assert french[key].strip()


def test_every_text_of_the_page_is_in_the_catalogues() -> None:
    page = (STATIC / "kiosk.html").read_text(encoding="utf-8")
    wanted = {part.split('"')[0] for part in page.split('data-word="')[1:]}
    wanted |= {part.split('"')[0] for part in page.split('data-hint="')[1:]}
    assert wanted
    wanted |= (
        {f"program_{name}" for name in PIPELINE}
        | {f"trouble_{kind}" for kind in Kind}
        | {phase for phase in Phase if phase in _TITLED}
    )
    assert wanted <= set(catalogue("en"))


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.*")), ids=lambda path: path.name)
def test_the_page_asks_for_nothing_foreign_and_makes_no_markup_of_texts(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    for word in ("http://", "https://", "innerHTML", "eval(", " style=", "onclick="):
        assert word not in text


def test_a_broker_that_dies_is_followed_by_one_at_the_same_address() -> None:
    with BrokerKeeper() as keeper:
        with MqttClient(keeper.url, service="before", train_id="test"):
            pass
        first = keeper.pid
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: keeper.restarts, "a broker took its place")
        assert keeper.pid != first
        with MqttClient(keeper.url, service="after", train_id="test") as client:
            assert client.stats.connected
    assert not psutil.pid_exists(keeper.pid)


def test_a_missions_process_tells_its_result_before_the_report_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def save(run: str, verdict: str) -> None:
        (tmp_path / run).mkdir()
        (tmp_path / run / "mission.json").write_text(json.dumps({"verdict": verdict}))

    save("20260501-093000", "of somebody before")
    display = PhaseDisplay(tmp_path)
    display.show(View(phase="Under way", seconds=60))
    display.show(View(phase="Under way", seconds=60))
    save("20260501-094000", "of this one")
    display.show(View(phase="Writing the report", seconds=60))
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"phase": "Under way"},
        {"phase": "Writing the report"},
        {"result": {"verdict": "of this one"}},
    ]
