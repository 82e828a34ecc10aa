"""docs/safety.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.events import Label, Motion
from kit.train import guardian, hub, hub_finder, hub_link
from kit.train.decision import DecisionParameters
from kit.train.hub_facts import STOPPING_ALERTS
from kit.train.lwp3.enums import AlertType
from kit.train.motion import COLOURS, TRANSITIONS, ControlParameters

DOC = (Path(__file__).parents[2] / "docs" / "safety.md").read_text(encoding="utf-8")


def _rows(title: str) -> dict[str, str]:
    """First column of a table without backticks, and its second column."""
    table = DOC.split(f"| {title} |", 1)[1].split("\n\n", 1)[0]
    cells = [line.split("|")[1:3] for line in table.splitlines()[2:]]
    return {name.strip(" `"): value.strip() for name, value in cells}


def test_the_diagram_has_exactly_the_transitions_of_the_code() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", DOC, re.MULTILINE))
    coded = {(before.value, after.value) for before in TRANSITIONS for after in TRANSITIONS[before]}
    assert drawn == coded


def test_every_state_is_explained_with_its_colour() -> None:
    rows = {
        line.split("|")[1].strip(" `"): line
        for line in DOC.splitlines()
        if line.startswith("| `") and line.count("|") == 5
    }
    assert set(rows) == {motion.value for motion in Motion}
    for motion, colour in COLOURS.items():
        assert colour.name.lower() in rows[motion.value]


def test_every_parameter_of_the_controller_is_listed_with_its_default() -> None:
    defaults = ControlParameters().model_dump()
    assert _rows("parameter of the controller") == {k: str(v) for k, v in defaults.items()}


def test_every_parameter_of_the_decision_is_listed_with_its_default() -> None:
    listed = _rows("parameter of the decision")
    defaults = DecisionParameters().model_dump()
    heights = defaults.pop("min_height_px")
    assert listed.pop("min_height_px") == "24 for speed limits, 32 otherwise"
    assert heights == {Label.SPEED_LIMIT: 24, Label.DANGER_AHEAD: 32, Label.STOP: 32}
    assert listed == {name: str(value) for name, value in defaults.items()}


@pytest.mark.parametrize(
    ("text", "value_s"),
    [
        ("every\n100 ms", guardian.BEAT_EVERY_S),
        ("If 400 ms pass", guardian.SILENCE_S),
        ("a minute has passed", guardian.TRY_FOR_S),
    ],
)
def test_the_guardians_times_are_the_codes(text: str, value_s: float) -> None:
    number = re.search(r"\d+", text)
    assert text in DOC
    assert value_s * 1000 == (int(number.group()) if number else 60_000)


def test_the_limits_of_the_link_are_the_codes() -> None:
    modules = (hub, hub_finder, hub_link)
    coded = {
        name: str(value)
        for module in modules
        for name, value in vars(module).items()
        if name.endswith("_S") and not name.startswith("_")
    }
    assert _rows("limit of the link") == coded


def test_every_alert_has_its_consequence() -> None:
    rows = {
        alert: line
        for line in DOC.splitlines()
        for alert in AlertType
        if line.startswith("| ") and f"`{alert.name}`" in line.split("|")[1]
    }
    assert set(rows) == set(AlertType)
    for alert, line in rows.items():
        assert ("brakes" in line) is (alert in STOPPING_ALERTS)
