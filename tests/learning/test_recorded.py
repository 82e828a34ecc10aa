"""What notebooks show of a recorded run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from kit.config import share_path
from kit.errors import ConfigError
from kit.learning.recorded import one_at_a_time, recorded, timelines, turning_points
from kit.recording.writer import RECORDING, RecordingWriter
from kit.train.decision import DecisionParameters
from kit.train.replay import replay

RULES = DecisionParameters()


def test_every_parameter_is_tried_low_and_high() -> None:
    tried = one_at_a_time(RULES)
    names = [name.split()[0] for name in tried if name != "as they are"]
    assert sorted(names) == sorted(2 * list(DecisionParameters.model_fields))


def test_each_trial_changes_what_its_name_says() -> None:
    for name, rules in one_at_a_time(RULES).items():
        parameter = name.split()[0]
        if parameter != "as":
            assert getattr(rules, parameter) != getattr(RULES, parameter)


def test_most_trials_make_a_difference_on_the_run_that_comes_with_the_kit() -> None:
    run = recorded()
    before = replay(run.moments, RULES)
    changed = {
        name.split()[0]
        for name, rules in one_at_a_time(RULES).items()
        if replay(run.moments, rules) != before
    }
    assert changed >= {"votes", "span_ms", "min_confidence", "min_height_px", "max_age_ms"}


def test_the_table_tells_when_where_and_why() -> None:
    page = turning_points(recorded(), {"<b>mine</b>": RULES}).data
    assert "&lt;b&gt;mine" in page
    assert re.search(
        r"1\d\.\d s</b>, 1\.\d\d m before the broken rail<br>DangerAhead seen in", page
    )
    assert "SpeedLimit seen in" in page


def test_rules_that_never_stop_say_never() -> None:
    deaf = RULES.model_copy(update={"min_confidence": 1.0})
    assert turning_points(recorded(), {"deaf": deaf}).data.count("never") == 2


def test_the_timelines_have_a_line_for_each_of_the_rules() -> None:
    (axis,) = timelines(recorded(), one_at_a_time(RULES)).axes
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == list(one_at_a_time(RULES))


def test_a_run_without_the_virtual_set_knows_no_metres(tmp_path: Path) -> None:
    shutil.copy(share_path("datasets/runs/standard") / RECORDING, tmp_path)
    run = recorded(tmp_path)
    assert run.metres(run.moments[-1].prediction.frame.captured_ns) is None
    assert "broken rail" not in turning_points(run, {"mine": RULES}).data


def test_a_run_in_which_nothing_was_decided_is_refused(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / RECORDING)
    writer.add_note("planned", {}, 1)
    writer.close()
    with pytest.raises(ConfigError, match="Nothing was decided"):
        recorded(tmp_path)
