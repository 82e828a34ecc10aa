"""The exercises: each solution passes, each stub and each likely mistake is told what is wrong."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest

from kit.config import share_path
from kit.errors import ConfigError
from kit.workshop.cells import exercise_cells, solution, stub
from kit.workshop.exercise import judge
from kit.workshop.tasks import EXERCISES
from kit.workshop.texts import LANGUAGES

every_exercise = pytest.mark.parametrize("name", EXERCISES)

MISTAKES = {
    "middle_of": (
        "return (0, 0, width, height)",
        "return (0, 0, min(width, height * 3 // 2), min(height, width * 2 // 3))",
    ),
    "overlap": (
        "return float(a == b)",
        (
            "w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])\n"
            "    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])\n"
            "    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)"
        ),
    ),
    "enough_votes": (
        "return sum(seen) >= votes",
        "return sum(seen[-of:]) > votes",
        "return sum(seen[-of:])",
    ),
    "motor_message": (
        "return bytes([8, 0, 0x81, port, 0x11, 0x51, 0, percent])",
        "return bytes([8, 0, 0x81, 0, 0x11, 0x51, 0, percent % 256])",
        "return bytes([8, 0, 0x81, port, 0x11, 0x51, 0, abs(percent)])",
    ),
    "newest": (
        "return pictures[-1][0] if pictures else None",
        "return max(pictures, key=lambda p: p[1])[0]",
    ),
    "may_replace": (
        "return sum(new.values()) >= sum(old.values()) - tolerance",
        "return all(new[name] >= old[name] - tolerance for name in new)",
        "return True",
    ),
    "points": (
        "return bonus + (nominal_end - done) / step + (at - done) / step",
        "return 0.0 if at < done else bonus + (nominal_end - done) / step",
    ),
    "shared_scenes": (
        "return set(train) & set(test)",
        (
            "first = {name.split('_')[0] for name in train}\n"
            "    return first & {name.split('_')[0] for name in test}"
        ),
        "return {name[:4] for name in train} & {name[:4] for name in test}",
    ),
    "signs_in": (
        "return list(zip(labels, outputs['scores'], outputs['boxes']))",
        (
            "return [(labels[n], s, outputs['boxes'][:4])\n"
            "            for n, s in zip(outputs['class_ids'], outputs['scores'])]"
        ),
        (
            "return [(labels[n], s, outputs['boxes'][4 * n : 4 * n + 4])\n"
            "            for n, s in zip(outputs['class_ids'], outputs['scores'])]"
        ),
    ),
    "flickers": (
        "return [n for n, one in enumerate(seen) if not one]",
        "return [n for n in range(1, len(seen)) if seen[n] != seen[n - 1]]",
        "return [n for n in range(1, len(seen) - 1) if seen[n - 1 : n + 2] == [True, False, True]]",
    ),
    "percentile": (
        "return values[math.ceil(percent * len(values) / 100) - 1]",
        "return sorted(values)[int(percent * len(values) / 100) - 1]",
        "return sorted(values)[min(len(values) - 1, percent * len(values) // 100)]",
        "return float(statistics.quantiles([*values, *values], n=100)[min(98, percent - 1)])",
    ),
    "ran_on_ms": (
        "return next((at - fault_ms for at, speed in moments if speed == 0), None)",
        (
            "return next((at - fault_ms for at, speed in moments\n"
            "                 if at >= fault_ms and speed < 0.005), None)"
        ),
        (
            "return next((at for at, speed in moments\n"
            "                 if at >= fault_ms and abs(speed) < 0.005), None)"
        ),
        "return max(at for at, _ in moments) - fault_ms",
    ),
}
"""Bodies that a learner may well write, and that are wrong."""


def function(source: str, name: str) -> Callable[..., Any]:
    space: dict[str, Any] = {"math": math, "statistics": statistics}  # as their notebooks have them
    exec(source, space)  # our own notebooks, and the mistakes above
    found: Callable[..., Any] = space[name]
    return found


def solved(name: str) -> str:
    return solution(name, EXERCISES[name].notebook)


def test_notebooks_and_tasks_name_the_same_exercises() -> None:
    found = [
        (name, path.stem)
        for path in sorted(share_path("notebooks").glob("*.ipynb"))
        for name, _ in exercise_cells(json.loads(path.read_text(encoding="utf-8")))
    ]
    assert found == [(one.name, one.notebook) for one in EXERCISES.values()]


@every_exercise
def test_its_notebook_checks_it_right_after_its_cell(name: str) -> None:
    path = share_path(f"notebooks/{EXERCISES[name].notebook}.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (place,) = [n for n, c in enumerate(cells) if f"def {name}(" in "".join(c["source"])]
    assert "".join(cells[place + 1]["source"]) == f'desk.check("{name}", {name})'
    assert f'desk.solve("{name}")' in "".join(cells[place - 1]["source"])


@every_exercise
@pytest.mark.parametrize("seed", range(5))
def test_its_solution_passes_whatever_is_tried(name: str, seed: int) -> None:
    verdict = judge(EXERCISES[name], function(solved(name), name), seed=seed)
    assert verdict.passed, verdict.message.en
    assert verdict.tried > 20


@every_exercise
def test_its_stub_asks_to_be_written(name: str) -> None:
    text = stub(solved(name))
    verdict = judge(EXERCISES[name], function(text, name), seed=1)
    assert not verdict.passed
    assert "not written yet" in verdict.message.en
    assert 'raise NotImplementedError("Exercise: ' in text
    assert solved(name).splitlines()[-1] not in text


@pytest.mark.parametrize(
    ("name", "body"), [(n, b) for n, bodies in MISTAKES.items() for b in bodies]
)
def test_a_likely_mistake_is_told_what_was_expected(name: str, body: str) -> None:
    head = stub(solved(name)).rsplit("\n", 1)[0]
    verdict = judge(EXERCISES[name], function(f"{head}\n    {body}", name), seed=1)
    assert not verdict.passed
    for language in LANGUAGES:
        said = verdict.message.say(language)
        assert f"{name}(" in said
        assert EXERCISES[name].look_at.say(language) in said


@every_exercise
def test_an_empty_answer_does_not_pass(name: str) -> None:
    for nothing in (None, "", lambda *_: None, lambda *_: True):
        assert not judge(EXERCISES[name], nothing, seed=1).passed


@every_exercise
def test_its_words_are_there_in_each_language(name: str) -> None:
    exercise = EXERCISES[name]
    texts = [*exercise.hints, exercise.look_at, *(case.why for case in exercise.cases(1))]
    assert len(exercise.hints) >= 2
    for text in texts:
        assert text.en.strip()
        assert text.fr.strip()
        assert text.en != text.fr


def test_other_seeds_try_other_cases() -> None:
    for exercise in EXERCISES.values():
        drawn = [[case.arguments for case in exercise.cases(seed)] for seed in (1, 1, 2)]
        assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("source", ["", "x = 1", "def f():\n    return 1", "def f():\n  'A.'\nf()"])
def test_a_cell_that_is_not_one_documented_function_is_no_exercise(source: str) -> None:
    with pytest.raises(ConfigError, match="one function with a docstring"):
        stub(source)
