"""A worse copy of a model, made in a moment: to compare with, and for a gate to refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from kit.errors import ConfigError, missing_extra


def spoil_model(model: Path, out: Path, *, strength: float = 0.15, seed: int = 1) -> Path:
    """Copy a model and add noise to the weights of its convolutions.

    The copy's version ends in ``-spoilt``, and it carries no metrics: those would be a lie.

    Args:
        model: An ONNX file of the kit's kind.
        out: The copy's file.
        strength: Spread of the noise as a share of the spread of each layer's weights, 0..1;
            0 changes nothing.
        seed: The same seed makes the same copy.

    Returns:
        ``out``.

    Raises:
        ConfigError: If the strength is out of range, or onnx is not installed.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise missing_extra("onnx", "mlops") from error
    if not 0 <= strength <= 1:
        raise ConfigError("The strength is wrong", expected="0 to 1", got=strength)
    network = onnx.load(str(model))
    rng = np.random.default_rng(seed)
    kernels = {node.input[1] for node in network.graph.node if node.op_type == "Conv"}
    for tensor in network.graph.initializer:
        if tensor.name in kernels:
            weights = numpy_helper.to_array(tensor)
            noise = rng.normal(0, strength * weights.std(), weights.shape)
            spoilt = (weights + noise).astype(weights.dtype)
            tensor.CopyFrom(numpy_helper.from_array(spoilt, tensor.name))
    facts = {item.key: item for item in network.metadata_props}
    if "version" in facts:
        facts["version"].value = json.dumps(json.loads(facts["version"].value) + "-spoilt")
    if "metrics" in facts:
        facts["metrics"].value = "{}"
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(network, str(out))
    return out
