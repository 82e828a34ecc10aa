"""Every notebook is a lesson that a machine can also run: what that means, checked."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from kit.config import share_path

NOTEBOOKS = sorted(share_path("notebooks").glob("*.ipynb"))
SERVICES = {
    "10_capture_frames": "capture",
    "20_detect_signs": "inference",
    "30_decide_the_action": "decision",
    "40_control_the_train": "control",
    "50_stream_to_the_console": "streaming",
}
NOT_OF_THE_SERVICE = {"stage", "arm", "panel"}

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def parameters(path: Path) -> dict[str, Any]:
    (cell,) = [c for c in cells(path, "code") if "parameters" in c["metadata"].get("tags", [])]
    found = {}
    for node in ast.parse(source(cell)).body:
        assert isinstance(node, ast.AnnAssign), f"not a typed parameter: {ast.unparse(node)}"
        found[ast.unparse(node.target)] = ast.literal_eval(node.value)
    return found


def test_it_carries_no_outputs_and_no_counts(path: Path) -> None:
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_its_parameters_stand_in_one_typed_and_commented_cell(path: Path) -> None:
    (cell,) = [c for c in cells(path, "code") if "parameters" in c["metadata"].get("tags", [])]
    assert parameters(path)
    assert all("  # " in line for line in source(cell).splitlines())


def test_no_code_cell_is_longer_than_ten_lines_and_the_parameters(path: Path) -> None:
    for cell in cells(path, "code"):
        lines = [line for line in source(cell).splitlines() if line.strip()]
        imports = all(line.startswith(("import ", "from ")) for line in lines)
        assert len(lines) <= (20 if imports else 10), source(cell)


def test_it_says_what_you_do_and_learn_and_how_long_it_takes(path: Path) -> None:
    opening = source(cells(path, "markdown")[0])
    assert opening.startswith("# ")
    for promise in ("**You will**", "**You will learn**", "**Takes**", "minutes", "**Needs**"):
        assert promise in opening
    assert "## Recap" in source(cells(path, "markdown")[-1])


def test_its_defaults_are_those_of_its_service(path: Path) -> None:
    name = SERVICES.get(path.stem)
    if name is None:
        assert int(path.stem[:2]) not in range(10, 60, 10)  # those are the services
        return
    from kit.services.catalogue import service_class

    fields = service_class(name).parameters_type.model_fields
    for parameter in parameters(path).keys() - NOT_OF_THE_SERVICE:
        assert parameter in fields, f"{path.stem}: {parameter} is no parameter of {name}"
