"""The gate refuses what is worse, and says of every check what it wanted and what it got."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kit.events import LABELS
from kit.mlops.registry.gate import Check, Contender, GateRules, Verdict, gate
from kit.mlops.registry.manifest import Figures

RULES = GateRules()
FIGURES = Figures(
    images=100,
    set_hash="0" * 64,
    map50=0.9,
    per_class={"SpeedLimit": 0.9, "DangerAhead": 0.92, "Stop": 0.88},
    latency_ms=10.0,
    sign_free=1000,
    false_alarms=2,
)
CURRENT = Contender("1", LABELS, 1_000_000, figures=FIGURES)


def with_figures(**changes: Any) -> Contender:
    return replace(CURRENT, version="2", figures=FIGURES.model_copy(update=changes))


def check(verdict: Verdict, name: str) -> Check:
    (found,) = [c for c in verdict.checks if c.name == name]
    return found


def test_an_equal_model_passes_and_every_check_tells_its_figures() -> None:
    verdict = gate(CURRENT, CURRENT, RULES)
    assert verdict.accepted
    assert verdict.reasons == ()
    assert [c.name for c in verdict.checks] == [
        "signature",
        "classes",
        "size",
        "measured",
        "mAP50",
        "AP50 of SpeedLimit",
        "AP50 of DangerAhead",
        "AP50 of Stop",
        "false alarms",
        "speed",
    ]
    assert all(c.passed and c.got and c.expected for c in verdict.checks)


@pytest.mark.parametrize(
    ("candidate", "failing"),
    [
        (replace(CURRENT, distrust="unsigned"), "signature"),
        (replace(CURRENT, classes=("SpeedLimit", "Stop", "DangerAhead")), "classes"),
        (replace(CURRENT, size_bytes=3_000_001), "size"),
        (replace(CURRENT, figures=None, trouble="it is no model"), "measured"),
        (with_figures(set_hash="1" * 64), "measured"),
        (with_figures(map50=0.889), "mAP50"),
        (with_figures(per_class={**FIGURES.per_class, "Stop": 0.859}), "AP50 of Stop"),
        (with_figures(false_alarms=4), "false alarms"),
        (with_figures(latency_ms=12.6), "speed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_fault_is_enough_and_is_the_only_reason(candidate: Contender, failing: str) -> None:
    verdict = gate(candidate, CURRENT, RULES)
    assert not verdict.accepted
    (reason,) = verdict.reasons
    assert reason.startswith(failing)


@pytest.mark.parametrize(
    "candidate",
    [
        with_figures(map50=0.89, per_class={**FIGURES.per_class, "Stop": 0.86}),
        with_figures(false_alarms=3),
        with_figures(latency_ms=12.5),
        replace(CURRENT, size_bytes=3_000_000),
    ],
)
def test_what_the_rules_allow_passes(candidate: Contender) -> None:
    assert gate(candidate, CURRENT, RULES).accepted


def test_all_faults_are_told_not_only_the_first() -> None:
    candidate = replace(with_figures(latency_ms=50.0, false_alarms=90), distrust="unsigned")
    verdict = gate(candidate, CURRENT, RULES)
    assert [c.name for c in verdict.checks if not c.passed] == [
        "signature",
        "false alarms",
        "speed",
    ]


def test_a_model_that_is_better_than_a_bad_one_must_still_be_good() -> None:
    poor = FIGURES.model_copy(update={"map50": 0.2, "per_class": dict.fromkeys(LABELS, 0.2)})
    verdict = gate(
        replace(CURRENT, figures=poor.model_copy(update={"map50": 0.4})),
        replace(CURRENT, figures=poor),
        RULES,
    )
    assert check(verdict, "mAP50").passed is False


def test_a_class_that_no_picture_shows_is_told_as_unjudged() -> None:
    some = {"SpeedLimit": 0.9, "DangerAhead": 0.92}
    candidate = with_figures(per_class=some)
    verdict = gate(candidate, replace(CURRENT, figures=candidate.figures), RULES)
    assert verdict.accepted
    assert check(verdict, "AP50 of Stop").passed is None


def test_without_pictures_free_of_signs_false_alarms_are_told_as_unjudged() -> None:
    candidate = with_figures(sign_free=0, false_alarms=0)
    assert check(gate(candidate, CURRENT, RULES), "false alarms").passed is None


def test_a_current_model_that_cannot_be_measured_is_told() -> None:
    broken = replace(CURRENT, figures=None, trouble="it is broken")
    (reason,) = gate(CURRENT, broken, RULES).reasons
    assert "current model: it is broken" in reason


def test_a_verdict_is_json_and_readable() -> None:
    verdict = gate(with_figures(latency_ms=99.0), CURRENT, RULES)
    told = json.loads(json.dumps(verdict.as_json))
    assert told["accepted"] is False
    assert told["checks"][-1] == {
        "name": "speed",
        "passed": False,
        "expected": "12.5 ms or less (current: 10.0 ms)",
        "got": "99.0 ms a frame",
    }
    assert str(verdict).splitlines()[-1].startswith("NO speed")
