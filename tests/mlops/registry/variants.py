"""Models that find red rectangles, and go wrong in ways that are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from tests.vision.onnx_models import red_rectangle

BRIGHT = 0.5
"""Mean brightness of a picture, 0..1, from which the moody models go wrong."""


def shifted(path: Path, *, version: str, by_px: float = 60.0) -> Path:
    """Write a model whose boxes lie beside what they should enclose."""
    nodes = [*_constant("shift", [by_px]), helper.make_node("Add", ["inner", "shift"], ["boxes"])]
    return _changed(red_rectangle(path, version=version), "boxes", nodes)


def without_number(path: Path, *, version: str) -> Path:
    """Write a model whose scores are never a number."""
    nodes = [
        *_constant("nothing", [float("nan")]),
        helper.make_node("Add", ["inner", "nothing"], ["scores"]),
    ]
    return _changed(red_rectangle(path, version=version), "scores", nodes)


def without_number_when_bright(path: Path, *, version: str) -> Path:
    """Write a model that is right in dark pictures; in bright ones its scores are no number."""
    nodes = [
        *_darkness(),
        helper.make_node("Relu", ["darkness"], ["dark"]),
        helper.make_node("Div", ["dark", "dark"], ["one_or_nothing"]),
        helper.make_node("Mul", ["inner", "one_or_nothing"], ["scores"]),
    ]
    return _changed(red_rectangle(path, version=version), "scores", nodes)


def blind_when_bright(path: Path, *, version: str) -> Path:
    """Write a model that is right in dark pictures and sees nothing in bright ones."""
    nodes = [
        *_darkness(),
        helper.make_node("Sign", ["darkness"], ["sign"]),
        helper.make_node("Relu", ["sign"], ["one_or_none"]),
        helper.make_node("Mul", ["inner", "one_or_none"], ["scores"]),
    ]
    return _changed(red_rectangle(path, version=version), "scores", nodes)


def slow(path: Path, *, version: str) -> Path:
    """Write a model that is right and takes many times as long: it convolves in vain."""
    rng = np.random.default_rng(0)
    shapes = [(16, 3, 5, 5), (16, 16, 5, 5)]
    weights = [
        numpy_helper.from_array(rng.normal(0, 0.01, shape).astype(np.float32), f"weights_{n}")
        for n, shape in enumerate(shapes)
    ]
    nodes = [
        helper.make_node("Conv", ["images", "weights_0"], ["toil_0"], strides=[2, 2]),
        helper.make_node("Conv", ["toil_0", "weights_1"], ["toil_1"]),
        helper.make_node("ReduceMax", ["toil_1"], ["toil"], axes=[1, 2, 3], keepdims=1),
        *_constant("none_at_all", [0.0]),
        helper.make_node("Mul", ["toil", "none_at_all"], ["in_vain"]),
        helper.make_node("Add", ["inner", "in_vain"], ["scores"]),
    ]
    return _changed(red_rectangle(path, version=version), "scores", nodes, weights)


def _changed(
    path: Path,
    output: str,
    nodes: Sequence[NodeProto],
    weights: Sequence[onnx.TensorProto] = (),
) -> Path:
    """Put nodes between what makes an output, now called ``inner``, and the output."""
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.output[:] = ["inner" if name == output else name for name in node.output]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(weights)
    onnx.save(model, str(path))
    return path


def _darkness() -> list[NodeProto]:
    return [
        helper.make_node("ReduceMean", ["images"], ["brightness"], axes=[1, 2, 3], keepdims=1),
        *_constant("bright", [BRIGHT]),
        helper.make_node("Sub", ["bright", "brightness"], ["darkness"]),
    ]


def _constant(name: str, values: list[float]) -> list[NodeProto]:
    tensor = helper.make_tensor(name, onnx.TensorProto.FLOAT, [len(values)], values)
    return [helper.make_node("Constant", [], [name], value=tensor)]
