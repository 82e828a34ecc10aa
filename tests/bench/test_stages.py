"""The bench by stage runs both arrangements for real; no test looks at how long anything took."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from kit.bench.busy import crowded
from kit.bench.stages import Stages, measure_stages
from kit.bench.traces import (
    BLE_WRITE,
    PICTURE_TO_CONSOLE,
    RESULT_TO_CONSOLE,
    Arrangement,
    StageRun,
)
from kit.bench.usage import sample
from kit.child import Child
from kit.cli import main
from kit.errors import MissionError
from kit.events import Stage
from kit.runtime.outcome import STAGE_NAMES


@pytest.fixture(scope="module")
def found() -> Stages:
    """Both arrangements, measured shortly, but for longer than a busy machine keeps one waiting."""
    return measure_stages([10.0], 4.0, writes=1)


def _of(found: Stages, kind: Arrangement) -> StageRun:
    return next(run for run in found.runs if run.arrangement is kind)


def test_every_stage_of_the_kit_is_passed_by_real_frames(found: Stages) -> None:
    run = _of(found, Arrangement.KIT)
    more = (BLE_WRITE, PICTURE_TO_CONSOLE, RESULT_TO_CONSOLE)
    assert list(run.stages) == [*STAGE_NAMES.values(), *more]
    assert run.stages[BLE_WRITE].count == 2  # a brake and a set-off
    assert run.frames.acted > 0
    assert run.frames.captured == len({trace.sequence for trace in run.traces})


def test_the_marks_of_a_frame_are_in_order_in_both(found: Stages) -> None:
    for run in found.runs:
        for trace in run.traces:
            passed = [trace.marks[stage] for stage in Stage if stage in trace.marks]
            assert [trace.captured_ns, *passed] == sorted([trace.captured_ns, *passed])


def test_the_classic_arrangement_is_measured_to_its_controller(found: Stages) -> None:
    run = _of(found, Arrangement.CLASSIC)
    assert "command over MQTT" in run.stages
    assert "act" not in run.stages
    assert RESULT_TO_CONSOLE in run.stages
    assert run.latency is not None


def test_the_processes_of_each_are_told(found: Stages) -> None:
    ground = {"broker", "kafka", "hub", "camera", "bench"}
    services = {"capture", "inference", "decision", "streaming", "control"}
    programs = {"capture", "model", "decision", "controller"}
    kit, classic = (_of(found, kind) for kind in (Arrangement.KIT, Arrangement.CLASSIC))
    assert {used.part for used in kit.usage} == ground | services
    assert {used.part for used in classic.usage} == ground | programs
    assert all(used.memory_mb > 0 for used in (*kit.usage, *classic.usage))


def test_the_bench_alone_means_the_stages_shortly(
    found: Stages,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[tuple[object, ...]] = []

    def measured(*args: object, **_more: object) -> Stages:
        asked.append(args)
        return found

    monkeypatch.setenv("KIT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("kit.bench.stages.measure_stages", measured)
    with pytest.raises(SystemExit) as end:
        main(["bench", "--json"])
    assert end.value.code == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert asked == [((10.0, 30.0), 5.0)]
    assert {"p50", "p95", "p99"} <= told["stages"]["detect"].keys()
    assert {"p50", "p95", "p99"} <= told["latency_ms"].keys()
    assert Path(told["plot"]).is_file()


def test_a_wrong_rate_is_told_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["bench", "stages", "--fps", "500", "--json"])
    assert end.value.code == 1
    assert "frames a second" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]


def test_the_classic_arrangement_does_not_touch_a_real_train(tmp_path: Path) -> None:
    log = tmp_path / "log"
    arguments = ("controller", "--notes", str(tmp_path / "notes"), "--hub", "ble")
    child = Child.module(
        "kit.bench.classic",
        *arguments,
        name="classic",
        env={"KIT_MQTT_URL": "mqtt://127.0.0.1:1"},
        log=log,
    )
    with child, pytest.raises(MissionError):
        child.ready()
    assert "must not move a real train" in log.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to a processor")
def test_a_crowded_process_is_held_to_one_processor_and_let_go_again() -> None:
    with Child.module("kit.bench.busy", name="crowded") as child:
        child.ready()
        before = os.sched_getaffinity(child.pid)
        with crowded(child.pid, 1):
            assert os.sched_getaffinity(child.pid) == {min(before)}
        assert os.sched_getaffinity(child.pid) == before


def test_a_part_that_counts_for_itself_does_not_count_for_who_started_it() -> None:
    with Child.module("kit.bench.busy", name="part") as child:
        child.ready()
        apart = sample({"me": os.getpid(), "part": child.pid})
        alone = sample({}, alone={"me": os.getpid()})
        together = sample({"me": os.getpid()})
    assert together["me"].memory_mb > alone["me"].memory_mb
    assert apart["part"].memory_mb > 0
    assert apart["me"].memory_mb < together["me"].memory_mb
