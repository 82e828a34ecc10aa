"""Small ONNX models of the kit's kind whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

METADATA: dict[str, object] = {
    "classes": ["SpeedLimit", "DangerAhead", "Stop"],
    "input_width": 608,
    "input_height": 400,
    "colour_order": "RGB",
    "scale": 1 / 255,
    "threshold": 0.5,
    "nms_iou": 0.5,
    "version": "test-1",
}

RED_SCORE = 0.875
"""Score of the red rectangle that `red_rectangle` finds; exact in float32."""


def red_rectangle(path: Path, *, without: str | None = None, **changes: object) -> Path:
    """Write a model that answers DangerAhead with the exact bounds of all red pixels.

    Args:
        path: File to write.
        without: Metadata key to leave out.
        changes: Metadata to set otherwise.
    """
    node, const = helper.make_node, _constant
    nodes = [
        *const("half", [0.5]), *const("score", [RED_SCORE]), *const("zero", [0.0]),
        *const("one", [1.0]),
        node("Split", ["images"], ["r", "g", "b"], axis=1),
        node("Sub", ["r", "g"], ["redness"]),
        node("Greater", ["redness", "half"], ["is_red"]),
        node("Cast", ["is_red"], ["mask"], to=TensorProto.FLOAT),
        node("ReduceMax", ["mask"], ["columns"], axes=[2], keepdims=1),
        node("ReduceMax", ["mask"], ["rows"], axes=[3], keepdims=1),
        *_first_and_last("columns", 3, "x"), *_first_and_last("rows", 2, "y"),
        node("Concat", ["x1", "y1", "x2", "y2"], ["corners"], axis=1),
        node("MaxPool", ["mask"], ["cells"], kernel_shape=[16, 16], strides=[16, 16]),
        node("Mul", ["cells", "zero"], ["none"]),
        node("Mul", ["cells", "score"], ["danger"]),
        node("Add", ["corners", "none"], ["boxes"]),
        node("Concat", ["none", "danger", "none"], ["scores"], axis=1),
    ]  # fmt: skip
    return write_model(path, nodes, without=without, **changes)


def write_model(
    path: Path,
    nodes: list[onnx.NodeProto],
    *,
    inputs: tuple[str, ...] = ("images",),
    outputs: tuple[str, ...] = ("scores", "boxes"),
    without: str | None = None,
    **changes: object,
) -> Path:
    """Write a model of float inputs (1, 3, H, W) with the kit's metadata."""
    ports = [_port(name, (1, 3, "height", "width")) for name in inputs]
    answers = [_port(name, None) for name in outputs]
    graph = helper.make_graph(nodes, "test", ports, answers)
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    for key, value in {**METADATA, **changes}.items():
        if key != without:
            model.metadata_props.add(key=key, value=json.dumps(value))
    onnx.save(model, str(path))
    return path


def _constant(name: str, values: list[float]) -> list[onnx.NodeProto]:
    tensor = helper.make_tensor(name, TensorProto.FLOAT, [len(values)], values)
    return [helper.make_node("Constant", [], [name], value=tensor)]


def _first_and_last(line: str, axis: int, name: str) -> list[onnx.NodeProto]:
    node = helper.make_node
    return [
        node("ArgMax", [line], [f"{name}_first"], axis=axis),
        node("ArgMax", [line], [f"{name}_last"], axis=axis, select_last_index=1),
        node("Cast", [f"{name}_first"], [f"{name}1"], to=TensorProto.FLOAT),
        node("Cast", [f"{name}_last"], [f"{name}_end"], to=TensorProto.FLOAT),
        node("Add", [f"{name}_end", "one"], [f"{name}2"]),
    ]


def _port(name: str, shape: tuple[int | str, ...] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
