from __future__ import annotations

import json

import onnx
import pytest

from kit.config import share_path
from kit.errors import ConfigError
from kit.mlops.measuring.evaluate import score_observations
from kit.mlops.measuring.labelled import drawn_photos
from kit.mlops.measuring.observing import WEAKEST, observe
from kit.mlops.spoil import spoil_model
from kit.vision.detector import Detector

MODEL = share_path("datasets/model/signs.onnx")


def facts(path):
    return {item.key: json.loads(item.value) for item in onnx.load(str(path)).metadata_props}


def test_the_copy_runs_and_is_worse(tmp_path):
    photos = drawn_photos(count=20, seed=97)
    spoilt = spoil_model(MODEL, tmp_path / "spoilt.onnx", strength=0.3)
    whole, worse = (
        score_observations(observe(Detector(p, confidence=WEAKEST), photos), threshold=0.5).map50
        for p in (MODEL, spoilt)
    )
    assert worse < whole - 0.1


def test_the_copy_says_that_it_is_one_and_claims_no_figures(tmp_path):
    spoilt = facts(spoil_model(MODEL, tmp_path / "new" / "spoilt.onnx"))
    assert spoilt["version"] == facts(MODEL)["version"] + "-spoilt"
    assert spoilt["metrics"] == {}
    assert spoilt["classes"] == facts(MODEL)["classes"]


def test_the_same_seed_spoils_alike(tmp_path):
    one, two, other = (
        spoil_model(MODEL, tmp_path / f"{name}.onnx", seed=seed).read_bytes()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one == two != other


def test_no_noise_changes_no_weight(tmp_path):
    copy = onnx.load(str(spoil_model(MODEL, tmp_path / "copy.onnx", strength=0)))
    weights = {t.name: t.raw_data for t in onnx.load(str(MODEL)).graph.initializer}
    assert {t.name: t.raw_data for t in copy.graph.initializer} == weights


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_out_of_range_is_refused(tmp_path, strength):
    with pytest.raises(ConfigError, match="strength"):
        spoil_model(MODEL, tmp_path / "spoilt.onnx", strength=strength)
