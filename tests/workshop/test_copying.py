"""The learner's copy, and the way through it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kit.cli import build_app
from kit.config import share_path
from kit.errors import ConfigError
from kit.workshop.cells import exercise_cells, solution, stub
from kit.workshop.copying import new_copy
from kit.workshop.folder import Folder
from kit.workshop.path import path
from kit.workshop.tasks import EXERCISES


def test_a_copy_has_every_notebook_with_stubs_in_place_of_solutions(tmp_path: Path) -> None:
    made = new_copy(tmp_path / "mine")
    assert [p.name for p in made] == [
        p.name for p in sorted(share_path("notebooks").glob("*.ipynb"))
    ]
    stubs = {
        name: "".join(cell["source"])
        for one in made
        for name, cell in exercise_cells(json.loads(one.read_text(encoding="utf-8")))
    }
    assert stubs == {
        name: stub(solution(name, exercise.notebook)) for name, exercise in EXERCISES.items()
    }


def test_nothing_else_differs_from_the_repository(tmp_path: Path) -> None:
    for copied in new_copy(tmp_path / "mine", solved=True):
        original = share_path("notebooks") / copied.name
        assert json.loads(copied.read_text()) == json.loads(original.read_text())


def test_a_copy_begins_with_all_exercises_open(tmp_path: Path) -> None:
    new_copy(tmp_path / "mine")
    assert Folder(tmp_path / "mine").load().done == {}


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "work.txt").write_text("mine")
    with pytest.raises(ConfigError, match="must be new"):
        new_copy(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["work.txt"]


def test_it_tells_how_to_open_the_copy_from_where_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv/bin/python"))
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(build_app(), ["workshop", "new", "mine"]).output
    assert "\n  .venv/bin/jupyter lab mine" in told


@pytest.mark.parametrize(("name", "least", "most"), [("booth", 10, 15), ("short", 90, 120)])
def test_a_path_fits_its_time(name: str, least: int, most: int) -> None:
    assert least <= sum(step.minutes for step in path(name)) <= most


def test_the_day_has_every_notebook() -> None:
    names = [step.notebook for step in path("day")]
    assert names == [p.stem for p in sorted(share_path("notebooks").glob("*.ipynb"))]
    assert sum(len(step.exercises) for step in path("day")) == len(EXERCISES)
