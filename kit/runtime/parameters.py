"""Parameters of the notebooks, checked before any kernel starts.

papermill only warns of a parameter that a notebook does not know, and injects whatever it is
given. Here every value is validated twice: against a model below, and against the types that
the notebook itself declares in its cell tagged ``parameters``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, Self

import nbformat
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kit.config import validated
from kit.errors import ConfigError

PARAMETERS_TAG = "parameters"
"""Tag of the one cell that declares a notebook's parameters, with a type and a default each."""

NOTEBOOK_ONLY = frozenset({"stage", "arm", "panel"})
"""Parameters of notebooks that their services do not have."""

_TYPES: dict[str, type] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "None": NoneType,
    "list": list,
    "dict": dict,
}

_TrainId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
_Seconds = Annotated[float, Field(ge=0)]


class NotebookParameters(BaseModel):
    """What all notebooks' parameters have in common: unknown ones are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, **values: Any) -> Self:
        """Validate values that came from outside.

        Raises:
            ConfigError: If one is unknown or cannot be; names it.
        """
        return validated(cls, values)


class BriefingNotebook(NotebookParameters):
    """``00_mission_briefing``: the scenario and the seed of the virtual set."""

    scenario: Annotated[str, Field(min_length=1)]
    seed: int


class DebriefNotebook(NotebookParameters):
    """``90_debrief``: the folder of the run to look back at."""

    run_dir: Annotated[str, Field(min_length=1)]


class ServiceNotebook(NotebookParameters):
    """A notebook that runs a service.

    Attributes:
        train_id: Which train.
        stage: ``attach`` uses what runs already; ``auto`` starts what is missing.
        seconds: How long its service works; 0 means until it is stopped.
    """

    train_id: _TrainId = "train-1"
    stage: Literal["auto", "attach"] = "attach"
    seconds: _Seconds = 0.0


class CaptureNotebook(ServiceNotebook):
    """``10_capture_frames``: the camera's source, frames a second, and whether files repeat."""

    source: Annotated[str, Field(min_length=1)]
    fps: Annotated[float, Field(gt=0, le=30)] = 10.0
    loop: bool = False


class DetectNotebook(ServiceNotebook):
    """``20_detect_signs``: which model runs, where, and what becomes of doubtful frames.

    Attributes:
        model: Its file or its URL at a server; the shipped one if empty.
        provider: Where it runs.
        registry: Whose promotions are followed; none if empty.
        harvest: Folder for doubtful frames; none are kept if empty.
    """

    model: str = ""
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    registry: str = ""
    harvest: str = ""


class ControlNotebook(ServiceNotebook):
    """``40_control_the_train``: the hub's address, and what the runtime does in its place.

    Attributes:
        hub: The hub's address.
        resume_after_s: As in the controller's parameters; 0, as it is by default, never.
        arm: Whether the notebook arms the train.
        panel: Whether it opens the drive panel at its end.
    """

    hub: Annotated[str, Field(min_length=1)]
    resume_after_s: Annotated[float, Field(ge=0)] = 0.0
    arm: bool = False
    panel: bool = False


def check_parameters(notebook: Path, parameters: BaseModel) -> dict[str, Any]:
    """Check a notebook's parameters against what the notebook declares.

    Args:
        notebook: The notebook's file.
        parameters: Validated values; all of the model's fields are passed on.

    Returns:
        Names and values to inject.

    Raises:
        ConfigError: If the notebook cannot be read or has not exactly one cell tagged
            ``parameters``, if it does not know a parameter, if it declares one without a type,
            or if a value does not fit its type.
    """
    declared = declared_types(notebook)
    values = parameters.model_dump(mode="json")
    for name, value in values.items():
        if name not in declared:
            raise ConfigError(
                f"The notebook {notebook.name} has no parameter '{name}'",
                expected=f"some of {', '.join(sorted(declared))}",
                fix=f"declare it in the cell tagged '{PARAMETERS_TAG}', or do not pass it",
            )
        _check_value(notebook, name, value=value, declared=declared[name])
    return values


def declared_types(notebook: Path) -> dict[str, str]:
    """Return the names and types that a notebook's parameters cell declares.

    Args:
        notebook: The notebook's file.

    Raises:
        ConfigError: As :func:`check_parameters`.
    """
    from papermill.inspection import inspect_notebook

    cells = [
        cell
        for cell in read_notebook(notebook).cells
        if PARAMETERS_TAG in cell.metadata.get("tags", [])
    ]
    if len(cells) != 1:
        raise ConfigError(
            f"The notebook {notebook.name} must declare its parameters in one cell",
            expected=f"one cell tagged '{PARAMETERS_TAG}'",
            got=f"{len(cells)} of them",
        )
    found: Mapping[str, Mapping[str, str]] = inspect_notebook(notebook)
    return {name: facts["inferred_type_name"].strip("'\"") for name, facts in found.items()}


def read_notebook(path: Path) -> Any:
    """Read a notebook's file as an ``nbformat.NotebookNode`` of format 4.

    Raises:
        ConfigError: If there is none, it is no notebook, or it is not for Python.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, UnicodeDecodeError, nbformat.reader.NotJSONError) as error:
        raise ConfigError(
            f"The notebook {path.name} cannot be read", got=f"{path}: {error}"
        ) from error
    except (nbformat.ValidationError, AttributeError, KeyError, ValueError) as error:
        raise ConfigError(f"{path.name} is no Jupyter notebook", got=str(error)) from error
    kernel = notebook.metadata.get("kernelspec", {}).get("name")
    if kernel != "python3":
        raise ConfigError(
            f"The notebook {path.name} is not for this Python",
            expected="the kernelspec 'python3' in its metadata",
            got=kernel or "none",
        )
    return notebook


def _check_value(notebook: Path, name: str, *, value: object, declared: str) -> None:
    types = [_TYPES.get(part.strip()) for part in declared.split("|")]
    known = [kind for kind in types if kind is not None]
    if len(known) != len(types) or declared == "None":
        raise ConfigError(
            f"The parameter '{name}' of {notebook.name} has a type that cannot be checked",
            expected=f"{', '.join(_TYPES)}, or some of them joined by |",
            got="no type" if declared == "None" else declared,
            fix=f"declare it as in: {name}: float = 0.0",
        )
    for kind in known:
        try:
            TypeAdapter(kind).validate_python(value, strict=True)
        except ValidationError:
            continue
        return
    raise ConfigError(
        f"The parameter '{name}' of {notebook.name} has a value of the wrong type",
        expected=declared,
        got=value,
    )
