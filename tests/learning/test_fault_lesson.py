"""The lesson on faults: what is told and drawn of one; the notebook itself runs elsewhere."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from kit.chaos.fault import Effect, Fault, Verdict
from kit.chaos.faults import killed
from kit.chaos.trial import Trial
from kit.config import share_path
from kit.errors import ConfigError
from kit.events import Motion
from kit.learning.fault_lesson import BROKEN, Broken, FaultLesson, _fault, stage_times
from kit.learning.fault_plot import plot_fault
from kit.recording.writer import RECORDING, RecordingWriter
from kit.runtime.outcome import STAGE_NAMES
from kit.runtime.run import Run, Standing, read_run
from kit.runtime.truth import Physics

MS = 1_000_000
FAULT = Fault(
    name="inference-killed",
    what="SIGKILL to the inference service",
    effect=Effect.STOPS,
    expected="Stops.",
    inject=partial(killed, name="inference"),
    demo="",
)
STOPPED = Verdict(
    ok=True,
    problems=(),
    stopped_in_ms=400.0,
    braked_in_ms=40.0,
    stayed=True,
    ran_on_m=0.09,
    recovered_ms=800.0,
    drove_again=True,
)


def moment(at_ms: int, speed_mps: float) -> Physics:
    return Physics(at_ms * MS, 0.0, speed_mps, 50, braking=False, distance_to_danger_m=None)


def state(at_ms: int, motion: Motion, reason: str) -> Standing:
    stops = motion is not Motion.CRUISING
    return Standing(at_ms * MS, motion, reason, latched=stops, power_percent=0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A train that drove, stopped for a fault at 2000 ms, and stood at 2400 ms."""
    RecordingWriter(tmp_path / RECORDING).close()
    made = Run(tmp_path)
    made.notes[BROKEN] = (2000 * MS, {})
    made.physics += [moment(500, 0.0), moment(1500, 0.4), moment(2100, 0.3), moment(2400, 0.0)]
    made.states += [
        state(1900, Motion.CRUISING, "no sign in sight"),
        state(2040, Motion.STOPPING, "the service 'inference' is gone"),
        state(2900, Motion.STOPPED, "waits to be armed"),
    ]
    return made


def test_it_tells_why_the_train_stopped_and_how_soon(run: Run) -> None:
    told = Broken(Trial(FAULT, STOPPED), run).in_words()
    assert told["the controller said"] == "the service 'inference' is gone"
    assert (told["brake after"], told["stood after"]) == ("40 ms", "400 ms")
    assert told["way until then"] == "9 cm"


def test_a_train_that_drove_on_is_told_so(run: Run) -> None:
    run.states[1:] = [state(2100, Motion.CRUISING, "no sign in sight")]
    drove = Verdict(
        ok=False,
        problems=("the train ran on",),
        stopped_in_ms=None,
        braked_in_ms=None,
        stayed=None,
        ran_on_m=1.1,
        recovered_ms=800.0,
        drove_again=True,
    )
    told = Broken(Trial(FAULT, drove), run).in_words()
    assert told["stood after"] == "never: it drove on"
    assert told["the controller said"] == "no sign in sight"
    assert told["as expected"] == "the train ran on"


def test_moments_and_fault_count_from_the_same_zero(run: Run) -> None:
    broken = Broken(Trial(FAULT, STOPPED), run)
    assert broken.moments == [(0.0, 0.0), (1000.0, 0.4), (1600.0, 0.3), (1900.0, 0.0)]
    assert broken.fault_ms == 1500.0


def test_the_plot_marks_fault_brake_and_stand_and_what_the_controller_said(run: Run) -> None:
    said, speed = plot_fault(Broken(Trial(FAULT, STOPPED), run)).axes
    assert [text.get_text().strip() for text in speed.texts] == ["fault", "brake", "stands"]
    assert [text.xy[0] for text in speed.texts] == [0.0, 0.04, 0.4]
    assert list(speed.lines[0].get_ydata()) == [0.0, 0.4, 0.3, 0.0]
    legend = said.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["controller: cruises", "stops"]


def test_the_stages_of_a_recorded_run_add_up_to_its_latency() -> None:
    run = read_run(share_path("datasets/runs/standard"))
    times = stage_times(run)
    assert list(times) == list(STAGE_NAMES.values())
    whole = sum(acted.latency_ms for acted in run.acted)
    assert sum(sum(taken) for taken in times.values()) == pytest.approx(whole)


@pytest.mark.parametrize("spoilt", [1, 2])
def test_a_trial_that_a_busy_computer_spoilt_is_told_and_tried_once_more(
    spoilt: int, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    late = replace(STOPPED, ok=False, problems=("it took 1800 ms to a stand",))
    bad, good = Broken(Trial(FAULT, late), run), Broken(Trial(FAULT, STOPPED), run)
    trials = [bad, good] if spoilt == 1 else [bad, bad]
    monkeypatch.setattr(FaultLesson, "_break", lambda *_: trials.pop(0))
    lesson = FaultLesson.__new__(FaultLesson)  # no train is needed to count trials
    assert lesson.break_it(FAULT.name) is (good if spoilt == 1 else bad)
    assert trials == []
    assert "it took 1800 ms to a stand" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["nonsense", "supervisor-killed", "clock-back"])
def test_a_fault_that_needs_another_stage_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match="inference-killed"):
        _fault(name)
