"""Exercises in notebooks: the cell that holds the solution, and the stub made from it.

A notebook of the repository holds the solution, in a code cell with the tag ``exercise`` that
defines one function. Nothing else is kept: the learner's stub is that function with its
signature and its docstring, and a line that raises in place of its body.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from kit.config import share_path
from kit.errors import ConfigError

TAG = "exercise"
"""Tag of a cell that defines an exercise's function."""

Notebook = dict[str, Any]
Cell = dict[str, Any]


def exercise_cells(notebook: Notebook) -> Iterator[tuple[str, Cell]]:
    """Find the exercises of a notebook.

    Args:
        notebook: As read from JSON (nbformat 4).

    Yields:
        Name of the function, and its cell.

    Raises:
        ConfigError: If a tagged cell is not one function with a docstring.
    """
    for cell in notebook["cells"]:
        if TAG in cell.get("metadata", {}).get("tags", []):
            yield _function(_source(cell)).name, cell


def stub(solution: str) -> str:
    """Make what the learner starts from.

    Args:
        solution: Source of the cell: one function with a docstring.

    Returns:
        The same function without its body.

    Raises:
        ConfigError: If it is not one function with a docstring.
    """
    function = _function(solution)
    lines = solution.splitlines()
    docstring_ends = function.body[0].end_lineno
    kept = "\n".join(lines[:docstring_ends])
    task = str(ast.get_docstring(function)).splitlines()[0]
    return f'{kept}\n    raise NotImplementedError("Exercise: {_quoted(task)}")'


def solution(name: str, notebook: str) -> str:
    """Read the solution of an exercise from the notebook that came with the kit.

    Args:
        name: Of the exercise.
        notebook: Stem of its file.

    Raises:
        ConfigError: If the notebook does not have it.
    """
    import json

    path = share_path(f"notebooks/{notebook}.ipynb")
    for found, cell in exercise_cells(json.loads(path.read_text(encoding="utf-8"))):
        if found == name:
            return _source(cell)
    raise ConfigError(f"The notebook '{notebook}' has no exercise '{name}'")


def _function(source: str) -> ast.FunctionDef:
    body = ast.parse(source).body
    if len(body) == 1 and isinstance(body[0], ast.FunctionDef) and ast.get_docstring(body[0]):
        return body[0]
    raise ConfigError(
        "This cell is no exercise",
        expected="one function with a docstring",
        got=source.strip().splitlines()[0] if source.strip() else "an empty cell",
    )


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _source(cell: Cell) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
