"""Rule files: the ones that come with the kit, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.errors import ConfigError
from kit.leaderboard.rules import Rules, load_rules, rule_names, save_rules
from kit.leaderboard.scorer import Scorer
from kit.leaderboard.simulate_play import faster
from kit.leaderboard.worth import table, worth_of


@pytest.mark.parametrize("name", rule_names())
def test_the_rules_that_come_with_the_kit_are_valid_and_are_named_like_their_file(
    name: str,
) -> None:
    rules = load_rules(name)
    assert rules.name == name
    assert all(exercise.title in table(rules) for exercise in rules.exercises)


def test_the_original_is_that_of_the_workshop() -> None:
    original = load_rules("original")
    assert (original.duration_s, original.step_s, original.rewarded) == (150 * 60, 5 * 60, 30)
    assert [
        (each.id, each.bonus, each.nominal_end_s / 60, each.step_s, each.slope, each.conditions)
        for each in original.exercises
    ] == [
        ("hero", 55, 55, 300, 1, ()),
        ("villain", 25, 85, 300, 1, ()),
        ("fight", 29, 130, 300, 1, ()),
    ]


def write(folder: Path, fields: Any) -> Path:
    path = folder / "rules.yaml"
    path.write_text(fields if isinstance(fields, str) else yaml.safe_dump(fields))
    return path


def rule_file(folder: Path, **more: Any) -> Path:
    fields = {"name": "own", "duration_s": 100, "exercises": [{"id": "x"}]}
    return write(folder, fields | more)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"duration_s": 0}, "duration_s"),
        ({"duration_s": ".nan"}, "duration_s"),
        ({"durations": 5}, "durations"),
        ({"exercises": []}, "exercises"),
        ({"exercises": [{"id": "x"}, {"id": "x"}]}, "several of the exercise 'x'"),
        ({"exercises": [{"id": "no spaces"}]}, "exercises.0.id"),
        ({"exercises": [{"id": "x", "step_s": 0}]}, "exercises.0.step_s"),
        ({"exercises": [{"id": "x", "environments": ["a", "a"]}]}, "several of the environment"),
        ({"exercises": [{"id": "x", "measure": {"worst": 1, "best": 1, "points": 1}}]}, "both 1"),
        ({"tie_breaks": ["luck"]}, "tie_breaks.0"),
        ({"brackets": ["a", "a"]}, "several of the bracket"),
    ],
)
def test_what_is_wrong_in_a_rule_file_is_told_with_its_place(
    tmp_path: Path, more: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        load_rules(rule_file(tmp_path, **more))
    assert told in str(raised.value)
    assert "rules.yaml" in str(raised.value)


@pytest.mark.parametrize("text", ["- a list", "name: [", "just words", ""])
def test_a_file_that_holds_no_rules_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"rules\.yaml"):
        load_rules(write(tmp_path, text))


def test_unknown_rules_are_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(ConfigError, match="original"):
        load_rules("no-such-rules")


def test_an_exercise_has_the_rules_step_unless_it_has_its_own(tmp_path: Path) -> None:
    exercises = [{"id": "x"}, {"id": "y", "step_s": 7}]
    rules = load_rules(rule_file(tmp_path, step_s=60, exercises=exercises))
    assert [exercise.step_s for exercise in rules.exercises] == [60, 7]


def test_the_table_shows_bonus_and_what_it_comes_to() -> None:
    original = load_rules("original")
    hero = original.exercises[0]
    assert worth_of(Scorer(original), hero, 30 * 60_000) == (60.0, 84.0)
    assert "66 → 96" in table(original)


def test_the_table_warns_of_a_finish_that_would_cost_points(tmp_path: Path) -> None:
    warned = "cost points"
    assert warned not in table(load_rules("original"))
    cheap = [{"id": "x", "bonus": 1}, {"id": "y", "bonus": 50}]
    assert f"{warned}: x." in table(load_rules(rule_file(tmp_path, step_s=10, exercises=cheap)))


def test_faster_rules_are_worth_the_same_at_the_same_part_of_the_event(tmp_path: Path) -> None:
    original = load_rules("original")
    save_rules(faster(original, 60), tmp_path / "fast.yaml")
    fast = load_rules(tmp_path / "fast.yaml")
    assert (fast.duration_s, fast.step_s, fast.exercises[0].step_s) == (150, 5, 5)
    for slow, quick in zip(original.exercises, fast.exercises, strict=True):
        assert worth_of(Scorer(fast), quick, 30_000) == worth_of(Scorer(original), slow, 1_800_000)


@pytest.mark.parametrize("speed", [0, -1, 10_000])
def test_an_event_cannot_be_made_so_fast_that_nothing_is_left(speed: float) -> None:
    with pytest.raises(ConfigError, match="faster"):
        faster(load_rules("original"), speed)


def test_rules_know_when_the_public_board_freezes() -> None:
    fields = {"name": "own", "duration_s": 100, "exercises": [{"id": "x"}]}
    assert Rules.model_validate(fields).freezes_at_ms is None
    assert Rules.model_validate(fields | {"freeze_s": 30}).freezes_at_ms == 70_000
