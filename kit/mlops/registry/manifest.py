"""What stands beside a model: which one it is, what was measured, and on what."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from kit import __version__
from kit.errors import ConfigError, ModelError
from kit.vision.providers import open_file

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,79}$"
"""Names and versions are folders of the registry."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal digits."""

Version = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A version, which is also the name of a folder."""

_TOLD = {"version", "classes", "input_width", "input_height", "colour_order", "scale"}
Share = Annotated[float, Field(ge=0, le=1)]


class Figures(BaseModel):
    """What a model is worth on one set of labelled pictures, on one machine.

    Attributes:
        images: Labelled pictures.
        set_hash: SHA-256 of those pictures and their labels.
        map50: Mean average precision at IoU 0.5.
        per_class: Average precision at IoU 0.5 by class, of the classes that the set labels.
        latency_ms: Median time for a frame of 600 × 400, picture to boxes, milliseconds.
        sign_free: Pictures without a sign that it looked at as well.
        false_alarms: Detections in those.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    images: Annotated[int, Field(ge=0)]
    set_hash: Digest
    map50: Share
    per_class: dict[str, Share]
    latency_ms: Annotated[float, Field(ge=0)]
    sign_free: Annotated[int, Field(ge=0)] = 0
    false_alarms: Annotated[int, Field(ge=0)] = 0


class Manifest(BaseModel):
    """What is signed about one version of a model.

    Attributes:
        name: Which model, such as ``signs``.
        version: Which version of it; the one that the model itself tells.
        sha256: Of the ONNX file.
        size_bytes: Of the ONNX file.
        classes: What it tells apart, by class id.
        input: Name, type and shape of its input, and how pixels go into it.
        figures: What was measured before it was published; None if nothing was.
        metrics: What was measured when it was trained, as the model itself tells.
        data_hash: Of what it was trained on, as the model itself tells.
        base: The version that it was trained from, if it was from one.
        made_with: Programs and recipe.
        created: When the manifest was made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Version
    version: Version
    sha256: Digest
    size_bytes: Annotated[int, Field(ge=1)]
    classes: tuple[str, ...]
    input: dict[str, Any]
    figures: Figures | None = None
    metrics: dict[str, Any] = Field(default_factory=dict)
    data_hash: str | None = None
    base: str | None = None
    made_with: dict[str, Any] = Field(default_factory=dict)
    created: AwareDatetime

    def to_bytes(self) -> bytes:
        """Return the text that is signed and stored."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read a stored manifest; check its signature first.

        Raises:
            ModelError: If it is none.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            raise ModelError(
                "A manifest of the registry cannot be understood",
                got=f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}",
                fix="use the version of the kit that published it, or a newer one",
            ) from error


def read_card(path: Path) -> dict[str, Any]:
    """Read what a model file tells of itself, without asking whether it is one of ours.

    Args:
        path: The ONNX file.

    Returns:
        Its metadata by key; values that are JSON as what they mean, others as text.

    Raises:
        ModelError: If the file is missing, or no model.
    """
    import onnxruntime

    if not path.is_file():
        raise ModelError(f"There is no model '{path}'", expected="an ONNX file")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = open_file(path, options, ["CPUExecutionProvider"])
    return {key: _meant(text) for key, text in session.get_modelmeta().custom_metadata_map.items()}


def _meant(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def describe(
    path: Path, *, name: str = "signs", figures: Figures | None = None, base: str | None = None
) -> Manifest:
    """Make the manifest of a model file from what the file tells of itself.

    Args:
        path: The ONNX file.
        name: Which model it is a version of.
        figures: What was measured.
        base: The version that it was trained from; what the file tells if None.

    Raises:
        ModelError: If the file is no model of the kit's kind.
        ConfigError: If name or version cannot name a folder.
    """
    card = read_card(path)
    content = path.read_bytes()
    if missing := sorted(_TOLD - set(card)):
        raise ModelError(
            f"The model '{path}' does not say how it is to be used",
            expected="metadata " + ", ".join(sorted(_TOLD)),
            got="no " + ", ".join(missing),
            fix="train and export it with the kit: kit train",
        )
    made_with = card.get("trained_with") or {}
    try:
        return Manifest(
            name=name,
            version=card["version"],
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            classes=card["classes"],
            input={
                "name": "images",
                "type": "float32",
                "shape": [1, 3, card["input_height"], card["input_width"]],
                "colour_order": card["colour_order"],
                "scale": card["scale"],
            },
            figures=figures,
            metrics=card.get("metrics") or {},
            data_hash=card.get("data_hash"),
            base=base or made_with.get("base"),
            made_with={**made_with, "kit": __version__},
            created=datetime.now(UTC),
        )
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise ConfigError(
            f"'{path}' cannot be published: its {fault['loc'][0]} is wrong",
            expected="letters, digits, dots, plus and minus signs, 80 at most",
            got=json.dumps(fault["input"], default=str)[:100],
            fix="train or retrain it with --version",
        ) from error
