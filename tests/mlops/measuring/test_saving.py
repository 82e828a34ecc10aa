"""INT8 copies of the model that comes with the kit, and of one that quantisation ruins."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest

from kit.config import share_path
from kit.errors import ConfigError, ModelError
from kit.mlops.drawing import rooms, scene
from kit.mlops.measuring import saving as saving_module
from kit.mlops.measuring.labelled import drawn_photos, read_coco
from kit.mlops.measuring.observing import WEAKEST
from kit.mlops.measuring.saving import save_int8
from kit.mlops.quantise import calibration_frames, kept_in_float, quantise_int8
from kit.vision.detector import Detector
from tests.vision.onnx_models import red_rectangle


@pytest.fixture(scope="module")
def model():
    return share_path("datasets/model/signs.onnx")


@pytest.fixture(scope="module")
def frames():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms, "find_photos", lambda **_: [])
        scene._photos.cache_clear()
        yield calibration_frames(count=16)
        scene._photos.cache_clear()


@pytest.fixture(scope="module")
def copy(model, frames, tmp_path_factory):
    return quantise_int8(model, frames, tmp_path_factory.mktemp("int8") / "signs-int8.onnx")


def facts(path):
    return {item.key: json.loads(item.value) for item in onnx.load(str(path)).metadata_props}


def test_the_copy_is_a_third_of_the_size_at_most(model, copy):
    assert copy.stat().st_size < model.stat().st_size / 3


def test_the_copy_says_what_the_model_says_and_that_it_is_int8(model, copy):
    own, whole = facts(copy), facts(model)
    changed = {"precision", "version", "metrics"}
    assert own["precision"] == "int8"
    assert own["version"] == whole["version"] + "-int8"
    assert {k: v for k, v in own.items() if k not in changed} == {
        k: v for k, v in whole.items() if k not in changed
    }


def test_the_detector_runs_the_copy_and_sees_what_the_model_sees(model, copy):
    """Of the signs of which the model is sure, on other pictures than were calibrated with."""
    eyes, whole = (
        Detector(p, provider="cpu", confidence=c) for p, c in ((copy, 0.3), (model, 0.7))
    )
    sure = found = 0
    for photo in drawn_photos(count=25, seed=99):
        image = photo.read()
        seen = eyes.detect(image)
        for sign in whole.detect(image):
            sure += 1
            found += any(
                other.label == sign.label and np.allclose(other.box, sign.box, atol=4)
                for other in seen
            )
    assert sure >= 10
    assert found >= 0.9 * sure


def test_scores_and_boxes_are_made_in_floats(model, copy):
    graph = onnx.load(str(copy)).graph
    made_by = {name: node for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    last = [node for node in convolutions if node.name in kept_in_float(graph)]
    in_integers = [
        node
        for node in convolutions
        if made_by.get(node.input[1]) is not None
        and made_by[node.input[1]].op_type == "DequantizeLinear"
    ]
    assert len(last) == 4  # scores and boxes of the first look; the second's end, and scores
    assert len(in_integers) == len(convolutions) - 4
    assert not {node.name for node in last} & {node.name for node in in_integers}


def test_a_copy_of_a_copy_is_refused(copy, frames, tmp_path):
    with pytest.raises(ModelError, match="INT8 already"):
        quantise_int8(copy, frames, tmp_path / "again.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_frames_there_is_no_copy(model, tmp_path):
    with pytest.raises(ConfigError, match="nothing to calibrate"):
        quantise_int8(model, [], tmp_path / "int8.onnx")


def test_a_copy_that_costs_little_is_kept_with_its_figures(model, frames, tmp_path, monkeypatch):
    monkeypatch.setattr(saving_module, "LARGEST_LOSS", 0.2)  # twelve pictures tell little
    out = tmp_path / "new" / "int8.onnx"
    photos = drawn_photos(count=12, seed=98)
    saving = save_int8(model, out, photos=photos, frames=frames)
    assert saving.written
    metrics = facts(out)["metrics"]
    assert metrics["map50_int8"] == pytest.approx(saving.map50["int8"], abs=1e-4)
    assert metrics["photos"] == 12
    assert saving.bytes["int8"] < saving.bytes["fp32"]
    assert set(saving.latency_ms["int8"]) == {"p50", "p95", "p99"}
    assert [path.name for path in out.parent.iterdir()] == ["int8.onnx"]
    assert Detector(out, confidence=WEAKEST).info.version.endswith("-int8")


def test_on_the_reference_photos_the_copy_costs_next_to_nothing(model, tmp_path, reference_photos):
    photos = read_coco(reference_photos / "annotations.json", reference_photos / "images")
    out = tmp_path / "int8.onnx"
    saving = save_int8(model, out, photos=photos, frames=calibration_frames())
    assert saving.loss <= 0.02
    assert saving.written


def test_a_copy_that_costs_much_is_not_kept(model, tmp_path):
    """Calibrated with black pictures alone, it takes all that is bright for black."""
    out = tmp_path / "int8.onnx"
    out.write_bytes(b"what was there before")
    black = [np.zeros((320, 320, 3), np.uint8)]
    saving = save_int8(model, out, photos=drawn_photos(count=12, seed=98), frames=black)
    assert not saving.written
    assert saving.loss > 0.02
    assert out.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [out]


def test_a_model_without_convolutions_has_nothing_to_quantise(tmp_path):
    model = red_rectangle(tmp_path / "red.onnx")
    graph = onnx.load(str(model)).graph
    assert {node.name for node in graph.node} == set(kept_in_float(graph))
