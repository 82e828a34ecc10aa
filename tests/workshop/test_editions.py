"""Editions: executed once as their learners get them, and again only what has changed."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from kit.config import share_path
from kit.errors import ConfigError, MissionError
from kit.workshop.editions import SHORT, _digest, _execute, execute

BROKEN = Path(__file__).parents[1] / "runtime" / "notebooks" / "cell_error.ipynb"
NAME = "70_view_the_leaderboard"


def outputs(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return json.dumps([c.get("outputs") for c in cells], ensure_ascii=False)


@pytest.mark.slow
def test_a_french_notebook_is_executed_in_french_and_once(tmp_path: Path) -> None:
    said: list[str] = []
    (done,) = execute({"fr": tmp_path}, names=[NAME], tell=said.append)["fr"]
    cells = nbformat.read(done, as_version=4).cells
    assert cells[0].source.startswith("# 70 · Regarder le classement")
    assert all(cell.execution_count for cell in cells if cell.cell_type == "code" and cell.source)
    assert "essayés" in outputs(done)  # the exercise's check speaks French too
    kept = outputs(done)
    done.write_text(done.read_text("utf-8").replace("# 70 · Regarder", "# 70 · Lorgner"), "utf-8")
    assert execute({"fr": tmp_path}, names=[NAME], tell=said.append) == {"fr": [done]}
    assert said == [f"fr {NAME}: executed", f"fr {NAME}: unchanged"]
    assert outputs(done) == kept
    assert "# 70 · Regarder" in done.read_text("utf-8")  # text is that of now
    assert [path.name for path in tmp_path.iterdir()] == [done.name]


def test_other_code_and_other_parameters_are_another_notebook_and_other_text_is_not() -> None:
    def digest(*, text: str = "A", code: str = "1", seconds: int = 1) -> str:
        cells = [
            {"id": "a", "cell_type": "markdown", "source": text},
            {"id": "b", "cell_type": "code", "source": code},
        ]
        return _digest({"cells": cells}, {"seconds": seconds})

    assert digest() == digest(text="B")
    assert len({digest(), digest(code="2"), digest(seconds=2)}) == 3


def test_a_notebook_that_fails_is_told_and_its_banner_kept(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(MissionError, match="cell_error does not run to its end"):
        _execute(BROKEN, "en", tmp_path, said.append)
    assert said == ["en cell_error: failed"]
    (kept,) = tmp_path.iterdir()
    assert kept.name == "failed-cell_error.ipynb"
    assert "An Exception was encountered" in kept.read_text(encoding="utf-8")


def test_a_notebook_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such notebook"):
        execute({"en": tmp_path}, names=["99_fly_away"])


@pytest.mark.parametrize("name", SHORT)
def test_what_shortens_a_notebook_is_a_parameter_of_it(name: str) -> None:
    cells = json.loads((share_path("notebooks") / f"{name}.ipynb").read_text())["cells"]
    (declared,) = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    names = {line.split(":")[0] for line in "".join(declared["source"]).splitlines()}
    assert SHORT[name].keys() <= names
