"""Figures of trials, and what a hub's log tells: counted rightly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.bench.battery import drain
from kit.bench.figures import Figures, machine
from kit.bench.silences import SilenceTrials
from kit.bench.stops import StopTrials, is_mid_ramp
from kit.bench.wire_log import WireLog
from kit.errors import ConfigError, MissionError


def test_a_percentile_is_one_of_the_trials() -> None:
    figures = Figures.of([float(n) for n in range(1, 101)])
    assert figures == Figures(count=100, p50=50.0, p95=95.0, p99=99.0, worst=100.0)


def test_of_few_trials_the_worst_counts() -> None:
    assert Figures.of([3.0, 1.0, 2.0]).p99 == 3.0


@given(taken=st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_at_most_one_in_a_hundred_is_above_p99(taken: list[float]) -> None:
    figures = Figures.of(taken)
    assert sum(ms > figures.p99 + 0.001 for ms in taken) <= len(taken) / 100
    assert figures.p50 <= figures.p95 <= figures.p99 <= figures.worst


def test_no_trial_has_no_figures() -> None:
    with pytest.raises(ConfigError):
        Figures.of([])


def test_power_after_a_brake_breaks_the_promise_however_fast_it_was() -> None:
    assert StopTrials([1.0], [1.0], mid_ramp=1, power_after=0).ok
    assert not StopTrials([1.0], [1.0], mid_ramp=1, power_after=1).ok
    assert not StopTrials([5.1], [5.2], mid_ramp=1, power_after=0).ok


@pytest.mark.parametrize(("taken_ms", "ok"), [(500.0, True), (500.1, False)])
def test_a_silence_may_last_500_ms(taken_ms: float, *, ok: bool) -> None:
    assert SilenceTrials("camera", [taken_ms], void=0).ok is ok


@pytest.mark.parametrize(
    ("powers", "mid"),
    [([20, 22, 24], True), ([20, 24, 24], False), ([20], False), ([], False), ([48, 57], False)],
)
def test_a_ramp_is_under_way_while_power_rises(powers: list[int], *, mid: bool) -> None:
    assert is_mid_ramp(powers) is mid


def _hub(t_ns: int, message: str) -> str:
    return json.dumps({"kind": "hub", "t_ns": t_ns, "message": message}) + "\n"


def test_the_log_knows_the_motors_writes_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text(
        _hub(1, "0800810010510014")
        + _hub(2, "0800810110510064")  # the light
        + json.dumps({"kind": "physics", "t_ns": 3})
        + "\n"
        + _hub(4, "080081001151007f")
        + '{"kind": "hub", "t_n'
    )
    log = WireLog(path)
    assert [(w.at_ns, w.power, w.brakes) for w in log.writes()] == [(1, 20, False), (4, 127, True)]
    with path.open("a") as file:
        file.write('s": 5, "message": "08008100115100ba"}\n')
    assert [w.power for w in log.writes(since_ns=5)] == [-70]
    assert log.first_brake(since_ns=2, timeout_s=0).at_ns == 4
    log.forget()
    assert log.writes() == []


def test_a_brake_that_does_not_come_is_told(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text(_hub(4, "080081001151007f"))
    with pytest.raises(MissionError, match="no brake"):
        WireLog(path).first_brake(since_ns=5, timeout_s=0)


def test_the_machines_load_is_told() -> None:
    assert machine()["processors"] >= 1


def test_a_draining_battery_slows_a_train_unless_it_is_compensated() -> None:
    found = drain((100, 50, 5))
    plain = [one.plain_mps for one in found]
    held = [one.held_mps for one in found]
    assert plain == sorted(plain, reverse=True)
    assert plain[-1] < 0.7 * plain[0]
    assert max(held) - min(held) < 0.03 * max(held)
    assert [one.power_percent for one in found] == sorted(one.power_percent for one in found)
