"""Make an INT8 copy of a model: a quarter of the size, and faster on processors that can use it.

Weights and what flows between the layers become 8-bit integers, by onnxruntime's static
quantisation. The last convolutions and all that follows them stay in fp32: they make the scores
and the boxes, where a rounding shows. TensorRT needs no such file: it builds FP16 engines from the
fp32 one (:mod:`kit.vision.providers`).
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kit.errors import ConfigError, ModelError, missing_extra
from kit.mlops.drawing.scene import draw_example
from kit.vision.frames import Image
from kit.vision.model import load_model

CALIBRATION_SEED = 770_001
"""Of the pictures that tell how large the numbers between the layers get."""

LARGEST_LOSS = 0.02
"""An INT8 copy that costs more mAP50 than this is not worth having."""

OPERATORS = ("Conv", "Add", "Resize", "Relu")
"""What runs in integers. With ``Conv`` alone, each sum would go to floats and back."""

_LAYERS = (*OPERATORS, "QuantizeLinear", "DequantizeLinear")
PRECISION = "precision"
"""Key of the metadata that says ``int8``; models without it are fp32."""


def quantise_int8(model: Path, frames: Sequence[Image], out: Path) -> Path:
    """Write an INT8 copy of a model, which the detector runs as it runs the model.

    Activations are unsigned and weights signed integers, with a scale for each channel: that is
    what x86 processors with VNNI multiply directly. Older ones may saturate and lose accuracy, so
    measure on the machine that counts.

    Args:
        model: An fp32 model of the kit's kind.
        frames: BGR (H, W, 3) uint8 with sides in multiples of 16, of the kind that the model will
            see, but never those it is tested on; some 60 are enough.
        out: The copy's file. Its metadata are the model's, but for ``precision``, the version,
            which ends in ``-int8``, and the metrics, which belong to the other one.

    Returns:
        ``out``.

    Raises:
        ConfigError: If there are no frames, or onnx is not installed.
        ModelError: If the model is none of the kit's kind, or is INT8 already.
    """
    if not len(frames):
        raise ConfigError("There is nothing to calibrate with", expected="some frames", got="none")
    try:
        import onnx
    except ImportError as error:
        raise missing_extra("onnx", "mlops") from error
    load_model(model, provider="cpu", threads=1)  # says what is wrong with it
    facts = {item.key: item.value for item in onnx.load(str(model)).metadata_props}
    if facts.get(PRECISION) == json.dumps("int8"):
        raise ModelError(f"The model '{model}' is INT8 already", fix="start from the fp32 model")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kit-int8-") as folder:
        part = Path(folder) / "int8.onnx"
        with _quiet():
            _quantise(model, frames, part)
        version = f"{json.loads(facts['version'])}-int8"
        own = {PRECISION: "int8", "version": version, "metrics": {}}
        copy = onnx.load(str(part))
        onnx.helper.set_model_props(copy, {**facts, **{k: json.dumps(v) for k, v in own.items()}})
        onnx.checker.check_model(copy)
        onnx.save(copy, str(out))
    return out


def note_metrics(model: Path, metrics: dict[str, Any]) -> None:
    """Write what was measured into a model's metadata, in place of what is there.

    Args:
        model: An ONNX file.
        metrics: Name and value of each.
    """
    import onnx

    network = onnx.load(str(model))
    facts = {item.key: item.value for item in network.metadata_props}
    onnx.helper.set_model_props(network, {**facts, "metrics": json.dumps(metrics)})
    onnx.save(network, str(model))


def calibration_frames(*, count: int = 60, seed: int = CALIBRATION_SEED) -> list[Image]:
    """Draw pictures to calibrate with: tables full of signs, and what the virtual train sees.

    Args:
        count: How many.
        seed: The same seed draws the same pictures.

    Returns:
        BGR (320, 320, 3) uint8.
    """
    return [draw_example(seed, index).image for index in range(count)]


def _quantise(model: Path, frames: Sequence[Image], out: Path) -> None:
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Frames(CalibrationDataReader):  # type: ignore[misc]
        """Hands the frames to onnxruntime, one after the other."""

        def __init__(self) -> None:
            self._rest = iter(frames)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            """Return the next frame as the network's input, None after the last."""
            frame = next(self._rest, None)
            return None if frame is None else {"images": _as_input(frame)}

    prepared = out.with_name("prepared.onnx")
    # Shapes depend on the picture's size, which the symbolic inference cannot follow.
    quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(out),
        Frames(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(OPERATORS),
        nodes_to_exclude=kept_in_float(onnx.load(str(prepared)).graph),
        per_channel=True,
        reduce_range=False,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def kept_in_float(graph: Any) -> list[str]:
    """Return the names of the last convolutions, and of all nodes that follow or need none.

    Last is a convolution from which no other is reached by way of `OPERATORS` alone: what the
    first look says decides where the second looks, but no layer works on it.

    Args:
        graph: Of an ONNX model whose nodes stand in the order in which they run.
    """
    carries = {tensor.name for tensor in graph.input}  # the picture, or what layers made of it
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        if carries & set(node.input):
            carries |= set(node.output)
        for name in node.input:
            users.setdefault(name, []).append(node)
    before_conv: set[str] = set()  # names of values that a later convolution still works on
    kept = []
    for node in reversed(graph.node):
        leads_on = any(
            user.op_type == "Conv" or set(user.output) & before_conv
            for name in node.output
            for user in users.get(name, [])
            if user.op_type in _LAYERS
        )
        if leads_on:
            before_conv |= set(node.output)
        if not leads_on or not carries & set(node.input):
            kept.append(node.name)
    return kept


def _as_input(frame: Image) -> NDArray[np.float32]:
    planes = frame[..., ::-1].transpose(2, 0, 1)[None]
    return np.ascontiguousarray(planes, np.float32) / np.float32(255)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep onnxruntime's advice on how to quantise off the screen: it has been followed."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
