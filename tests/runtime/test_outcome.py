"""A run's folder is judged by what it tells, and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.errors import ConfigError
from kit.events import Action, Motion
from kit.runtime.outcome import Outcome, Percentiles, judge
from kit.runtime.run import read_run
from tests.runtime.runs import ARMED_NS, FRAME_NS, SECOND_NS, RunFolder, good_run


def outcome_of(run: RunFolder) -> Outcome:
    return judge(read_run(run.write()))


@pytest.fixture
def good(tmp_path: Path) -> Outcome:
    return outcome_of(good_run(tmp_path / "run"))


def test_a_train_that_stands_after_a_stop_has_stopped(good: Outcome) -> None:
    assert (good.ok, good.stopped, good.derailed) == (True, True, False)
    assert good.verdict == "The train stopped 42 cm before the danger."


def test_the_margin_is_the_way_left_where_it_stands(good: Outcome) -> None:
    assert good.stop_margin_m == 0.42


def test_latency_runs_from_capture_to_action(good: Outcome) -> None:
    assert good.latency_ms == Percentiles(40.0, 40.0, 40.0)


def test_the_stages_add_up_to_the_latency(good: Outcome) -> None:
    assert sum(spread.p50 for spread in good.stages_ms.values()) == 40.0
    assert len(good.stages_ms) == 8


def test_brake_latency_runs_from_the_deciding_frame_to_the_hub(good: Outcome) -> None:
    assert good.brake_latency_ms == 42.0


def test_frames_and_drops_are_what_the_services_counted(good: Outcome) -> None:
    assert (good.frames, good.dropped) == (22, 4)


def test_memory_is_the_most_that_was_held(good: Outcome) -> None:
    assert good.memory_mb == 704.0


def test_the_outcome_can_be_written_as_json(good: Outcome) -> None:
    assert json.loads(json.dumps(good.as_json()))["latency_ms"]["p95"] == 40.0


def test_a_brake_before_the_deciding_frame_does_not_count(tmp_path: Path) -> None:
    run = good_run(tmp_path / "run")
    run.truth(kind="brake", t_ns=ARMED_NS)

    assert outcome_of(run).brake_latency_ms == 42.0


def test_a_train_that_derails_has_not_stopped(tmp_path: Path) -> None:
    run = good_run(tmp_path / "run")
    run.truth(kind="derailed", t_ns=ARMED_NS + 3 * SECOND_NS, reason="reached the broken rail")

    outcome = outcome_of(run)

    assert (outcome.ok, outcome.stopped, outcome.derailed) == (False, False, True)
    assert outcome.stop_margin_m is None
    assert outcome.verdict == "The train derailed: it reached the broken rail."


def test_a_derailment_is_no_success_even_where_it_is_expected(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", expect="derail")
    run.note("armed", ARMED_NS)
    run.truth(kind="derailed", t_ns=ARMED_NS + SECOND_NS, reason="reached the broken rail")
    run.note("ended", ARMED_NS + 2 * SECOND_NS, ended_by="derailed", error=None)

    assert not outcome_of(run).ok


def test_a_train_that_never_saw_the_sign_has_missed(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.note("armed", ARMED_NS)
    run.frame(0, Action.CRUISE, Motion.CRUISING)
    run.physics(ARMED_NS + SECOND_NS, speed_mps=0.5, danger_m=3.0)
    run.note("ended", ARMED_NS + SECOND_NS, ended_by="seconds", error=None)

    outcome = outcome_of(run)

    assert (outcome.ok, outcome.stopped, outcome.stop_margin_m) == (False, False, None)


def test_a_stop_that_was_decided_before_arming_is_no_stop(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.frame(0, Action.STOP, Motion.STOPPED, latched=True)
    run.note("armed", ARMED_NS + SECOND_NS)
    run.physics(ARMED_NS + 2 * SECOND_NS, speed_mps=0.0, danger_m=3.0)
    run.note("ended", ARMED_NS + 3 * SECOND_NS, ended_by="seconds", error=None)

    assert not outcome_of(run).stopped


def test_a_train_that_stands_because_services_failed_has_not_stopped(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.note("armed", ARMED_NS)
    run.frame(0, Action.CRUISE, Motion.CRUISING)
    run.physics(ARMED_NS + 2 * SECOND_NS, speed_mps=0.0, danger_m=3.0)
    run.note("ended", ARMED_NS + 3 * SECOND_NS, ended_by="failure", error="the kernel died")

    outcome = outcome_of(run)

    assert (outcome.ok, outcome.stopped, outcome.error) == (False, False, "the kernel died")
    assert outcome.verdict == "The mission failed; the train stands."


@pytest.mark.parametrize(("motion", "ok"), [(Motion.SLOWED, True), (Motion.CRUISING, False)])
def test_where_slowing_is_expected_the_train_must_slow(
    tmp_path: Path, motion: Motion, *, ok: bool
) -> None:
    run = RunFolder(tmp_path / "run", expect="slow")
    run.note("armed", ARMED_NS)
    run.frame(0, Action.SLOW, motion)
    run.note("ended", ARMED_NS + SECOND_NS, ended_by="finished", error=None)

    assert outcome_of(run).ok is ok


def test_where_nothing_asks_for_a_stop_stopping_is_a_miss(tmp_path: Path) -> None:
    assert not outcome_of(good_run(tmp_path / "run", expect="run")).ok


def test_off_the_track_the_controllers_word_counts(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", on_track=False, expect=None, scenario=None)
    run.note("armed", ARMED_NS)
    run.frame(0, Action.CRUISE, Motion.CRUISING)
    run.frame(1, Action.STOP, Motion.STOPPED, latched=True)
    run.note("ended", ARMED_NS + SECOND_NS, ended_by="stopped", error=None)

    outcome = outcome_of(run)

    assert (outcome.ok, outcome.stopped, outcome.stop_margin_m) == (True, True, None)
    assert outcome.verdict == "The train saw the sign and stopped."


def test_a_run_that_never_came_to_frames_can_be_judged(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.note("ended", ARMED_NS, ended_by="failure", error="no broker")

    outcome = outcome_of(run)

    assert (outcome.frames, outcome.latency_ms, outcome.memory_mb) == (0, None, None)
    assert outcome.error == "no broker"


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    folder = good_run(tmp_path / "run").write()
    with (folder / "truth.jsonl").open("a") as file:
        file.write('{"kind": "derai')

    assert judge(read_run(folder)).stopped


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such run"):
        read_run(tmp_path / "nowhere")


@pytest.mark.parametrize(("label", "ok"), [("DangerAhead", True), ("SpeedLimit", False)])
def test_a_stop_is_good_only_if_a_sign_had_asked_for_it(
    tmp_path: Path, label: str, *, ok: bool
) -> None:
    run = good_run(tmp_path / "run")
    signs = [{"face": "any", "label": label}, {"face": "parking", "label": None}]
    run.truth(kind="frame", sequence=20, captured_ns=ARMED_NS + 20 * FRAME_NS, truth=signs)

    outcome = outcome_of(run)

    assert (outcome.stopped, outcome.stop_sign_there, outcome.ok) == (True, ok, ok)


def test_whether_a_sign_was_there_is_unknown_without_a_virtual_set(good: Outcome) -> None:
    assert (good.stop_label, good.stop_sign_there) == ("DangerAhead", None)


def test_a_run_that_has_not_written_a_byte_yet_is_empty(tmp_path: Path) -> None:
    (tmp_path / "run.mcap").touch()
    run = read_run(tmp_path)
    assert (run.physics, run.services, run.damage) == ([], {}, ())
