"""The rehearsal: what passes, what does not, and the sheet that tells it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from kit.config import Settings
from kit.presenting.check import Check, State, Wanted
from kit.presenting.commanding import Command, run_command
from kit.presenting.rehearse import Rehearsal, rehearse
from kit.presenting.sheet import write_sheet
from tests.waiting import PATIENCE_S, wait_until

FLOWN: dict[str, Any] = {
    "verdict": "The train stopped 61 cm before the <danger>.",
    "stop_margin_m": 0.61,
    "brake_latency_ms": 41.2,
    "latency_ms": {"p50": 35.0, "p95": 45.0, "p99": 50.0},
    "frames": 200,
    "dropped": 1,
}
SHORT = """\
title: A warning, and not far behind it a broken rail
expect: stop
track: {pieces: [{straight_m: 3.0}]}
signs: [{face: danger_exclamation, at_m: 1.6}]
derails_at_m: 2.4
lighting: daylight
"""
BUSY = ("no fresh decision", "not over after", "did not come to its end")


def rehearsed(folder: Path, **more: Any) -> Rehearsal:
    facts: dict[str, Any] = {
        "began": datetime(2026, 5, 1, 9, 30, tzinfo=UTC),
        "took_s": 51.0,
        "checks": (
            Check("camera", State.NOT_HERE, "no camera"),
            Check("hub", State.WARNING, "31 %", "fresh batteries"),
        ),
        "mission": FLOWN,
        "problems": (),
        "cautions": (),
        "source": None,
        "hub": None,
        "folder": folder,
    }
    return Rehearsal(**(facts | more))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_mission_on_the_virtual_set_passes(tmp_path: Path) -> None:
    scenario = tmp_path / "short.yaml"
    scenario.write_text(SHORT)
    for _ in range(3):  # again if this machine is too busy for a train
        rehearsal = rehearse(
            Wanted(),
            Settings(),
            scenario=str(scenario),
            out=tmp_path,
            budget_s=280,
            runtime="processes",
        )
        if rehearsal.passed or not any(word in rehearsal.problems[0] for word in BUSY):
            break
    assert rehearsal.passed, rehearsal.problems
    assert rehearsal.mission["stopped"] is True
    sheet = write_sheet(rehearsal).read_text(encoding="utf-8")
    assert "data:image/jpeg" in sheet, "the picture of the decision is missing"
    assert f"{rehearsal.mission['stop_margin_m'] * 100:.0f} <small>cm" in sheet


def test_a_machine_that_is_not_ready_does_not_pass_and_flies_nothing(tmp_path: Path) -> None:
    rehearsal = rehearse(Wanted(source="/dev/video77"), Settings(), out=tmp_path)
    assert not rehearsal.passed
    assert rehearsal.mission == {}
    assert any("video77" in problem for problem in rehearsal.problems)


def test_what_is_not_over_in_time_is_ended_and_does_not_pass(tmp_path: Path) -> None:
    rehearsal = rehearse(Wanted(), Settings(), out=tmp_path, budget_s=0.2)
    assert not rehearsal.passed
    assert "in time" in rehearsal.problems[-1]


def test_a_command_that_is_left_is_gone_with_all_that_it_started(tmp_path: Path) -> None:
    env = {"KIT_RUNS_DIR": str(tmp_path)}
    with Command(["kiosk", "--port", "0"], log=tmp_path / "log", env=env) as command:
        process = psutil.Process(command.pid)
        started = wait_until(lambda: process.children(recursive=True), "it started something")
    psutil.wait_procs([process, *started], timeout=PATIENCE_S)
    assert not [each for each in (process, *started) if each.is_running()]


def test_a_command_brings_its_result_home(tmp_path: Path) -> None:
    ended = run_command(
        ["doctor", "--only", "power"],
        log=tmp_path / "log",
        deadline_s=time.monotonic() + PATIENCE_S,
    )
    assert ended.ok
    assert ended.result["checks"][0]["name"] == "power"


@pytest.mark.parametrize(
    ("more", "word"),
    [({}, "Passed"), ({"problems": ("the hub is <empty>",), "mission": {}}, "Not passed")],
)
def test_the_sheet_tells_the_verdict_the_figures_and_the_checks(
    tmp_path: Path, more: dict[str, Any], word: str
) -> None:
    rehearsal = rehearsed(tmp_path, **more)
    sheet = write_sheet(rehearsal).read_text(encoding="utf-8")
    assert f"<strong>{word}</strong>" in sheet
    assert "not here: no camera" in sheet
    assert "31 %" in sheet
    assert "<danger>" not in sheet, "text of the mission is markup"
    assert "<empty>" not in sheet
    assert json.loads((tmp_path / "rehearsal.json").read_text())["passed"] is (not more)


@pytest.mark.browser
def test_the_sheet_is_one_page_of_paper(tmp_path: Path, browser: Any) -> None:
    checks = tuple(Check(f"check {n}", State.FINE, "it works " * 12) for n in range(14))
    sheet = write_sheet(rehearsed(tmp_path, checks=checks, cautions=("look at this " * 8,)))
    page = browser.new_page()
    page.goto(sheet.as_uri())
    paper = page.pdf(prefer_css_page_size=True)
    page.close()
    assert paper.count(b"/Type /Page\n") == 1
