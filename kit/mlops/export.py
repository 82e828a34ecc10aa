"""Write a trained network as ONNX, with all that a detector must know inside the file."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kit import __version__
from kit.errors import ModelError
from kit.mlops.drawing.signs import CLASSES
from kit.mlops.network import Detector, SignNet
from kit.mlops.second_look import SecondLook

INPUT_WIDTH, INPUT_HEIGHT = 608, 400
"""A frame of 600 x 400, padded to multiples of 16."""

OPSET = 17
LICENCE = "Apache-2.0"
TOLERANCE_SCORE, TOLERANCE_PX = 1e-4, 0.05
LEAST_KEPT = 0.9
"""Share of the network's peaks that the file must have too; noise ties some of them."""

_CHECK_SIZES = ((INPUT_HEIGHT, INPUT_WIDTH), (480, 640), (160, 96))


@dataclass(frozen=True)
class Card:
    """What the file says about the model.

    Attributes:
        version: Of the model.
        threshold: Confidence from which a detection counts.
        nms_iou: Overlap from which the weaker of two detections goes.
        data_hash: Of the training set.
        metrics: Name and value of what was measured.
        trained_with: Programs and recipe.
    """

    version: str
    threshold: float
    nms_iou: float
    data_hash: str
    metrics: dict[str, float] = field(default_factory=dict)
    trained_with: dict[str, Any] = field(default_factory=dict)

    def metadata(self) -> dict[str, str]:
        """Return the file's metadata: every value a JSON text."""
        values: dict[str, Any] = {
            **asdict(self),
            "classes": list(CLASSES),
            "input_width": INPUT_WIDTH,
            "input_height": INPUT_HEIGHT,
            "colour_order": "RGB",
            "scale": 1 / 255,
            "normalisation": "each value times scale, nothing subtracted",
            "precision": "fp32",
            "licence": LICENCE,
            "made_with": {"kit": __version__, "torch": str(torch.__version__), "opset": OPSET},
        }
        return {key: json.dumps(value) for key, value in values.items()}


def export(network: SignNet, path: Path, card: Card, look: SecondLook | None = None) -> None:
    """Write the network to an ONNX file and check that both say the same.

    Args:
        network: Trained weights.
        path: Of the file, written only if the check passes.
        card: Goes into the file's metadata.
        look: The second look, if there is one.

    Raises:
        ModelError: If onnxruntime's answers differ from torch's.
    """
    detector = Detector(network.cpu().float(), None if look is None else look.cpu().float()).eval()
    part = path.with_suffix(".part.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # the tracing exporter is deprecated, but writes plain, small graphs with free sizes
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            detector,
            (torch.zeros(1, 3, INPUT_HEIGHT, INPUT_WIDTH),),
            str(part),
            input_names=["images"],
            output_names=["scores", "boxes"],
            dynamic_axes={
                "images": {2: "height", 3: "width"},
                "scores": {2: "rows", 3: "columns"},
                "boxes": {2: "rows", 3: "columns"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    _describe(part, card)
    try:
        _compare(detector, part)
    except ModelError:
        part.unlink()
        raise
    part.replace(path)


def _describe(path: Path, card: Card) -> None:
    import onnx

    model = onnx.load(str(path))
    for key, value in card.metadata().items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


@torch.no_grad()
def _compare(detector: Detector, path: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for height, width in _CHECK_SIZES:
        images = rng.random((1, 3, height, width), dtype=np.float32)
        scores, boxes = session.run(None, {"images": images})
        wanted, corners = (part.numpy() for part in detector(torch.from_numpy(images)))
        # peaks are all or nothing, so a rounding may move one: compare where both kept it
        both = (scores > 0) & (wanted > 0)
        score_gap = float(np.abs(scores - wanted)[both].max(initial=0))
        box_gap = float(np.abs(boxes - corners).max())
        kept = both.sum() / max(1, (wanted > 0).sum())
        if score_gap > TOLERANCE_SCORE or box_gap > TOLERANCE_PX or kept < LEAST_KEPT:
            raise ModelError(
                "The ONNX file does not say what the network says",
                expected=f"differences below {TOLERANCE_SCORE} and {TOLERANCE_PX} px, same peaks",
                got=f"{score_gap:.2g} and {box_gap:.2g} px at {width} x {height}, "
                f"{kept:.0%} of the peaks",
            )
