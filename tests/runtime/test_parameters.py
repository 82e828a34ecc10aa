"""Parameters are checked before any kernel starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.errors import ConfigError
from kit.runtime.parameters import (
    CaptureNotebook,
    ServiceNotebook,
    check_parameters,
    declared_types,
)

NOTEBOOKS = Path(__file__).parent / "notebooks"


def test_values_that_fit_are_returned_for_injection() -> None:
    values = check_parameters(
        NOTEBOOKS / "runs_through.ipynb", ServiceNotebook(train_id="blue", seconds=2)
    )

    assert values == {"train_id": "blue", "stage": "attach", "seconds": 2.0}


def test_types_are_read_from_the_parameters_cell() -> None:
    types = declared_types(NOTEBOOKS / "runs_through.ipynb")

    assert types == {"seconds": "float", "train_id": "str", "stage": "str"}


def test_a_parameter_that_the_notebook_does_not_know_is_rejected() -> None:
    with pytest.raises(ConfigError, match=r"runs_through.ipynb has no parameter 'source'"):
        check_parameters(NOTEBOOKS / "runs_through.ipynb", CaptureNotebook(source="0"))


@pytest.mark.parametrize(
    ("notebook", "message"),
    [
        ("no_parameters", "Got: 0 of them"),
        ("two_parameter_cells", "Got: 2 of them"),
        ("untyped_parameter", "Got: no type"),
        ("odd_type", "Got: complex"),
        ("wrong_type", "Expected: str. Got: 0.0"),
        ("other_kernel", "Got: julia-1.10"),
        ("not_there", "cannot be read"),
    ],
)
def test_a_notebook_that_cannot_take_parameters_is_rejected(notebook: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_parameters(NOTEBOOKS / f"{notebook}.ipynb", ServiceNotebook())


def test_a_file_that_is_no_notebook_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text("no notebook at all")

    with pytest.raises(ConfigError, match=r"broken.ipynb cannot be read"):
        check_parameters(path, ServiceNotebook())


def test_a_parameter_that_the_model_does_not_know_is_rejected() -> None:
    with pytest.raises(ConfigError, match="The parameter 'speed' is wrong"):
        ServiceNotebook.parse(speed=3)


@pytest.mark.parametrize(
    "values",
    [
        {"train_id": "two words"},
        {"train_id": "x" * 41},
        {"stage": "maybe"},
    ],
)
def test_a_value_that_cannot_be_is_rejected(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"The parameter '{next(iter(values))}' is wrong"):
        ServiceNotebook.parse(**values)
