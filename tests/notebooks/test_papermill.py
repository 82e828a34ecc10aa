"""The notebooks that are no part of a mission run unattended too, as a mission runs the others."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

from kit.config import share_path

SMALL: dict[str, dict[str, int]] = {
    "51_break_the_link": {"seconds": 3},
    "60_acquire_the_data": {"scenes": 3, "frames": 2},
    "61_train_a_model": {"pictures": 16, "retrain_pictures": 16, "checks": 4},
    "62_compare_models": {"pictures": 6, "sign_free": 4},
    "63_serve_the_model": {"rounds": 2},
    "64_close_the_loop": {"checks": 20},
    "70_view_the_leaderboard": {"people": 24},
    "80_measure_and_break_it": {"seconds": 2},
}
"""Each notebook that no mission executes, with parameters that make it short."""


def of_the_mission(path: Path) -> bool:
    number = int(path.stem[:2])
    return number in range(0, 60, 10) or path.stem == "90_debrief"


def test_every_notebook_is_executed_here_or_by_a_mission() -> None:
    names = {path.stem for path in share_path("notebooks").glob("*.ipynb")}
    assert {name for name in names if not of_the_mission(Path(name))} == SMALL.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_papermill_executes_it_to_the_end(name: str, tmp_path: Path) -> None:
    notebook = share_path("notebooks") / f"{name}.ipynb"
    needs = json.loads(notebook.read_text())["metadata"].get("kit", {}).get("needs", [])
    if missing := [package for package in needs if find_spec(package) is None]:
        pytest.skip(f"{' and '.join(missing)} not installed: run 'make train-venv'")
    executed = tmp_path / "executed.ipynb"
    values = [part for k, v in SMALL[name].items() for part in ("-p", k, str(v))]
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", *values]
    ended = subprocess.run(
        [*command, str(notebook), str(executed)],
        capture_output=True,
        check=False,
        text=True,
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "not a known parameter" not in ended.stderr
    cells = [c for c in nbformat.read(executed, as_version=4).cells if c.cell_type == "code"]
    assert all(cell.execution_count for cell in cells if cell.source.strip())
