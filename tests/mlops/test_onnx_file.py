from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest
import torch

from kit import __version__
from kit.errors import ModelError
from kit.mlops import export as exporting
from kit.mlops.export import Card, export
from kit.mlops.network import Detector, SignNet

CARD = Card(version="9.9.9", threshold=0.4, nms_iou=0.5, data_hash="ab", metrics={"drawn": 0.5})


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return SignNet().eval()


@pytest.fixture(scope="module")
def session(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "signs.onnx"
    export(network, path, CARD)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_the_file_has_the_ports_of_the_contract(session):
    assert [(i.name, i.type) for i in session.get_inputs()] == [("images", "tensor(float)")]
    assert [o.name for o in session.get_outputs()] == ["scores", "boxes"]
    assert session.get_inputs()[0].shape[:2] == [1, 3]


def test_every_value_of_the_metadata_is_json(session):
    facts = session.get_modelmeta().custom_metadata_map
    read = {key: json.loads(value) for key, value in facts.items()}
    assert read["classes"] == ["SpeedLimit", "DangerAhead", "Stop"]
    assert (read["input_width"], read["input_height"]) == (608, 400)
    assert read["colour_order"] == "RGB"
    assert read["scale"] == 1 / 255
    assert read["precision"] == "fp32"
    assert read["made_with"] == {"kit": __version__, "torch": torch.__version__, "opset": 17}
    assert read["threshold"] == 0.4
    assert read["metrics"] == {"drawn": 0.5}
    assert {"nms_iou", "data_hash", "licence", "version", "trained_with", "normalisation"} <= set(
        read
    )


@pytest.mark.parametrize(("height", "width"), [(400, 608), (480, 640), (48, 80)])
def test_the_file_says_what_the_network_says(session, network, height, width):
    images = np.random.default_rng(2).random((1, 3, height, width), dtype=np.float32)
    scores, boxes = session.run(None, {"images": images})
    with torch.no_grad():
        wanted_scores, wanted_boxes = Detector(network)(torch.from_numpy(images))
    assert scores.shape == (1, 3, height // 4, width // 4)
    assert np.abs(boxes - wanted_boxes.numpy()).max() < 0.05
    both = (scores > 0) & (wanted_scores.numpy() > 0)
    assert both.any()
    assert np.abs(scores - wanted_scores.numpy())[both].max() < 1e-4


def test_a_file_that_differs_from_the_network_is_not_kept(network, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "TOLERANCE_PX", -1.0)
    with pytest.raises(ModelError, match="does not say what the network says"):
        export(network, tmp_path / "signs.onnx", CARD)
    assert list(tmp_path.iterdir()) == []
