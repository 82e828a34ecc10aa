"""Reports in claims: the value is the report's, and a report has to hang together."""

from __future__ import annotations

from typing import Any

import pytest

from kit.errors import ConfigError
from kit.leaderboard.claims import Claim, ClaimError, Refusal
from kit.leaderboard.evidence import check_reports, checked_value
from kit.leaderboard.rules import Exercise, Measure, Rules, load_rules

BOOTH = load_rules("booth")
MISSION: dict[str, Any] = {
    "ok": True,
    "stopped": True,
    "derailed": False,
    "stop_margin_m": 0.213,
    "brake_latency_ms": 81.5,
    "frames": 90,
    "dropped": 2,
    "duration_s": 9.2,
    "fps": 10.0,
    "latency_ms": {"p50": 20.0, "p95": 31.0, "p99": 44.0},
    "notebooks": [],
}
CLASS = {"labels": 10, "ap50": 0.9, "ap50_95": 0.6, "precision": 1.0, "recall": 0.9}
EVALUATION: dict[str, Any] = {
    "map50": 0.85,
    "map50_95": 0.55,
    "per_class": {"Stop": CLASS, "SpeedLimit": CLASS | {"ap50": 0.8, "ap50_95": 0.5}},
}


def value(exercise: str, report: dict[str, Any] | None, *, elapsed_s: float = 600) -> float:
    wanted = BOOTH.exercise(exercise)
    assert wanted is not None
    claim = Claim(exercise=exercise, value=999, report=report)
    return checked_value(claim, wanted, elapsed_s=elapsed_s)


def test_the_value_is_the_reports_and_not_the_claims() -> None:
    assert value("stop", MISSION) == 1.0
    assert value("margin", MISSION) == 0.213
    assert value("reaction", MISSION) == 81.5
    assert value("model", EVALUATION) == 0.85


@pytest.mark.parametrize(
    "changes",
    [
        {"stopped": False},
        {"derailed": True},
        {"stop_margin_m": None},
        {"stop_margin_m": -0.1},
        {"stop_margin_m": 1e9},
        {"stop_margin_m": "0.3"},
        {"stop_margin_m": float("nan")},
        {"frames": 0},
        {"frames": 10_000},
        {"latency_ms": {"p50": 30.0, "p95": 20.0, "p99": 44.0}},
        {"latency_ms": None},
        {"duration_s": 700.0},
    ],
)
def test_a_mission_that_cannot_have_been_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ClaimError) as refused:
        value("margin", MISSION | changes)
    assert refused.value.reason is Refusal.IMPOSSIBLE


@pytest.mark.parametrize(
    "changes",
    [
        {"map50": 0.99},
        {"map50": 1.2},
        {"map50_95": 0.9},
        {"per_class": {}},
        {"per_class": {"Stop": {"ap50": 0.85, "ap50_95": 7}}},
    ],
)
def test_an_evaluation_that_cannot_have_been_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ClaimError) as refused:
        value("model", EVALUATION | changes)
    assert refused.value.reason is Refusal.IMPOSSIBLE


@pytest.mark.parametrize("report", [None, {}, EVALUATION])
def test_without_the_right_report_there_is_no_value(report: dict[str, Any] | None) -> None:
    with pytest.raises(ClaimError, match="report for 'margin' cannot be"):
        value("margin", report)


def test_a_condition_holds_or_does_not_whatever_the_number() -> None:
    hero = Exercise(id="hero")
    claims = [Claim(exercise="hero", value=number) for number in (1, 7, -2, 0)]
    assert [checked_value(each, hero, elapsed_s=1) for each in claims] == [1, 1, 1, 0]


def test_a_measure_without_a_report_takes_the_number_of_the_claim() -> None:
    free = Exercise(id="free", measure=Measure(worst=0, best=1, points=1))
    assert checked_value(Claim(exercise="free", value=0.4), free, elapsed_s=1) == 0.4


def test_rules_that_ask_for_a_figure_of_no_report_are_told_at_once() -> None:
    check_reports(BOOTH)
    measure = Measure(worst=0, best=1, points=1, report="beauty")
    rules = Rules(name="r", duration_s=1, exercises=(Exercise(id="x", measure=measure),))
    with pytest.raises(ConfigError, match="a figure that no report has"):
        check_reports(rules)
