"""Missions in simulated time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from kit.errors import MissionError
from kit.events import Label
from kit.runtime.simulated import Delays, SimulatedMission, fly_simulated
from kit.runtime.simulated_batch import (
    fly_many,
    plot_simulated,
    summarise_simulated,
    went_well,
)
from kit.runtime.simulated_time import SimulatedClock, run_simulated
from kit.sim.scenario import load_scenario
from kit.vision.detector import Detector

STOPPED = SimulatedMission(
    seed=1,
    stopped=True,
    derailed=False,
    margin_m=1.0,
    label=Label.DANGER_AHEAD,
    sign_there=True,
    brake_latency_ms=40.0,
    frames=180,
    duration_s=18.0,
    reason="DangerAhead was seen: stop",
    room="home",
    lighting="lamp",
)
SHORT = """\
title: A stop sign soon
expect: stop
track: {pieces: [{straight_m: 3.0}]}
signs: [{face: stop, at_m: 1.3, side: right}]
derails_at_m: 2.2
scenery: 0
"""
DERAILED = replace(
    STOPPED, seed=2, stopped=False, derailed=True, margin_m=-0.01, label=None, brake_latency_ms=None
)


@pytest.fixture
def short(tmp_path: Path) -> str:
    path = tmp_path / "short.yaml"
    path.write_text(SHORT)
    return str(path)


def test_an_hour_of_simulated_time_passes_at_once_and_in_order() -> None:
    clock, order = SimulatedClock(), []

    async def sleep(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append((name, round(clock.now_ns() / 1e9)))

    async def both() -> None:
        await asyncio.gather(sleep("late", 3600), sleep("early", 60))

    run_simulated(both(), clock)
    assert order == [("early", 61), ("late", 3601)]


def test_waiting_for_nothing_is_an_error_and_no_endless_wait() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(MissionError, match="Simulated time stands still"):
        run_simulated(wait(), SimulatedClock())


def test_the_same_seed_gives_the_same_mission_which_stops_for_the_sign(short: str) -> None:
    first, again = fly_many(short, [3, 3])
    assert first == again
    assert first.stopped
    assert first.sign_there
    assert first.label is Label.STOP
    assert went_well(first, "stop")


def test_a_train_that_sees_nothing_derails_so_the_simulation_can_fail() -> None:
    blind = fly_simulated(load_scenario("no-sign"), seed=1, detect=lambda _image: ())
    assert blind.derailed
    assert not blind.stopped
    assert went_well(blind, "derail")
    assert not went_well(blind, "stop")


def test_frames_that_come_too_late_never_move_the_train() -> None:
    slow = Delays(decide_p50_ms=400, decide_p99_ms=500, decide_most_ms=600)
    scenario = load_scenario("standard")
    mission = fly_simulated(scenario, seed=1, detect=Detector().detect, delays=slow)
    assert mission.margin_m == scenario.derails_at_m
    assert not mission.stopped
    assert "no fresh decision came" in mission.reason


def test_a_pool_of_processes_flies_as_one_does(short: str) -> None:
    told: list[int] = []
    flown = fly_many(short, [3, 4], jobs=2, on_flown=lambda m: told.append(m.seed))
    assert told == [3, 4]
    assert [mission.seed for mission in flown] == [3, 4]
    assert flown[0] == fly_many(short, [3])[0]


def test_the_summary_counts_stops_failures_and_margins() -> None:
    elsewhere = replace(STOPPED, seed=3, margin_m=0.5, sign_there=False, brake_latency_ms=60.0)
    result = summarise_simulated([STOPPED, DERAILED, elsewhere], expect="stop")
    assert (result["missions"], result["ok"], result["stopped"], result["derailed"]) == (3, 2, 2, 1)
    assert result["failed"] == [2]
    assert result["for_a_real_sign"] == 1
    assert result["stopped_for"] == {"DangerAhead": 2}
    assert result["margins_m"]["least"] == 0.5
    assert result["margins_m"]["most"] == 1.0
    assert result["brake_latency_ms"]["median"] == 50.0


def test_the_plot_shows_failures_in_red(tmp_path: Path) -> None:
    def reds(*flown: SimulatedMission) -> int:
        plot_simulated(flown, tmp_path / "margins.png", expect="stop")
        image = cv2.imread(str(tmp_path / "margins.png")).astype(int)
        return int(((image[..., 2] > 180) & (image[..., 1] < 120)).sum())

    assert reds(STOPPED) == 0
    assert reds(STOPPED, DERAILED) > 0
