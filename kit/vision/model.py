"""Model files: what they say of themselves, and whether they are of our kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kit.errors import ModelError
from kit.events import LABELS
from kit.vision.providers import ORT_ERRORS, Provider, brief, open_file, open_session

_OUTPUTS = {"scores": len(LABELS), "boxes": 4}
_PROBE = (48, 80)
_OF_THE_RUN = {"provider", "path"}


class ModelInfo(BaseModel):
    """What a model says of itself, and where it runs.

    Attributes:
        version: The model's own.
        classes: Names by class id; always those of `kit.events.LABELS`.
        threshold: Confidence from which a detection counts, 0..1.
        nms_iou: Overlap from which the weaker of two boxes goes, 0..1.
        input_width: Width of the input for a frame, pixels.
        input_height: Height of the input for a frame, pixels.
        metrics: What was measured when it was made.
        provider: onnxruntime's name of the provider that runs it.
        path: The file; of a model at a server, its name there.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Annotated[str, Field(min_length=1, max_length=80)]
    classes: tuple[str, ...]
    threshold: Annotated[float, Field(gt=0, lt=1)]
    nms_iou: Annotated[float, Field(gt=0, le=1)]
    input_width: Annotated[int, Field(ge=16, le=4096, multiple_of=16)]
    input_height: Annotated[int, Field(ge=16, le=4096, multiple_of=16)]
    colour_order: Literal["RGB"]
    scale: Annotated[float, Field(ge=1 / 256, le=1 / 255)]
    metrics: dict[str, Any] = Field(default_factory=dict)
    provider: str
    path: Path


def load_model(
    path: Path, *, provider: Provider, threads: int
) -> tuple[onnxruntime.InferenceSession, ModelInfo]:
    """Open a model, check that it is one of ours, and see it run.

    Args:
        path: An ONNX file.
        provider: Where it is to run.
        threads: Threads of the CPU provider, from 1.

    Returns:
        The session, warmed up, and what is known of the model.

    Raises:
        ModelError: If anything about it is wrong.
    """
    if not path.is_file():
        raise ModelError(f"There is no model '{path}'", expected="an ONNX file")
    if path.stat().st_size == 0:
        raise ModelError(f"The model '{path}' is empty", expected="an ONNX file", got="0 bytes")
    info = _info(path, {**_read_facts(path), "provider": "", "path": path})
    size = (info.input_height, info.input_width)
    session, used = open_session(path, provider=provider, threads=threads, warm_up=size)
    return session, info.model_copy(update={"provider": used})


def _read_facts(path: Path) -> dict[str, Any]:
    """Read the metadata, after a look at inputs and outputs, without any optimisation."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = open_file(path, options, ["CPUExecutionProvider"])
    _check_ports(path, session)
    return _parse(path, session.get_modelmeta().custom_metadata_map)


def _check_ports(path: Path, session: onnxruntime.InferenceSession) -> None:
    inputs = {port.name: port.type for port in session.get_inputs()}
    if inputs != {"images": "tensor(float)"} or {
        port.name for port in session.get_outputs()
    } != set(_OUTPUTS):
        outputs = ", ".join(port.name for port in session.get_outputs())
        raise _not_ours(path, f"{', '.join(inputs)} -> {outputs}")
    blank = np.zeros((1, 3, *_PROBE), np.float32)
    try:
        answers = session.run(list(_OUTPUTS), {"images": blank})
    except ORT_ERRORS as error:
        raise _not_ours(path, brief(error)) from error
    shapes = [answer.shape for answer in answers]
    channels = [shape[1] for shape in shapes if len(shape) == 4]
    if channels != list(_OUTPUTS.values()) or shapes[0][2:] != shapes[1][2:]:
        raise _not_ours(path, f"outputs of {shapes[0]} and {shapes[1]} for a {_PROBE} picture")


def _not_ours(path: Path, got: str) -> ModelError:
    return ModelError(
        f"The model '{path}' is not of the kit's kind",
        expected="images (1, 3, H, W) of any size -> scores (1, 3, h, w), boxes (1, 4, h, w)",
        got=got,
        fix="train and export it with the kit: kit train",
    )


def _parse(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    wanted = {n for n, f in ModelInfo.model_fields.items() if f.is_required()} - _OF_THE_RUN
    if missing := sorted(wanted - set(metadata)):
        raise ModelError(
            f"The model '{path}' does not say how it is to be used",
            expected="metadata " + ", ".join(sorted(wanted)),
            got="no " + ", ".join(missing),
            fix="train and export it with the kit: kit train",
        )
    known = set(ModelInfo.model_fields) & set(metadata)
    try:
        return {name: json.loads(metadata[name]) for name in known}
    except ValueError as error:
        raise ModelError(f"The model '{path}' has metadata that is not JSON") from error


def _info(path: Path, facts: dict[str, Any]) -> ModelInfo:
    try:
        info = ModelInfo.model_validate(facts)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = ".".join(map(str, fault["loc"]))
        raise ModelError(
            f"The model '{path}' has wrong metadata",
            expected=f"{name}: {fault['msg']}",
            got=fault["input"],
        ) from error
    if info.classes != LABELS:
        raise ModelError(
            f"The model '{path}' tells other classes apart",
            expected=", ".join(LABELS),
            got=", ".join(info.classes),
        )
    return info
