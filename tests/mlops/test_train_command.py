from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from kit.mlops import commands, dataset, pipeline
from kit.mlops.network import Detector, SignNet
from kit.mlops.pipeline import detect_raw

TINY = ["--pictures", "8", "--epochs", "1", "--batch", "4", "--checks", "3", "--json"]


@pytest.fixture
def app():
    app = typer.Typer()
    app.callback()(lambda: None)
    commands.register(app)
    return app


@pytest.mark.usefixtures("no_photos")
def test_one_command_draws_trains_and_writes_a_model(app, tmp_path, monkeypatch):
    drawing = dataset.draw_set
    # in this process, so that the faces are drawn once for all tests
    monkeypatch.setattr(pipeline, "draw_set", lambda *a, **k: drawing(*a, **{**k, "workers": 0}))
    result = CliRunner().invoke(app, ["train", *TINY, "--work", str(tmp_path)])
    assert result.exit_code == 0, result.output
    said = json.loads(result.output.splitlines()[-1])
    assert (tmp_path / "signs.onnx").exists()
    assert said["pictures"] == 8
    assert 0 <= said["metrics"]["drawn_map50"] <= 1
    again = CliRunner().invoke(app, ["train", *TINY, "--work", str(tmp_path)])
    assert json.loads(again.output.splitlines()[-1])["metrics"]["drawn_map50"] == pytest.approx(
        said["metrics"]["drawn_map50"]
    )


def test_several_processes_draw_what_one_would(tmp_path):
    done = list(dataset.draw_set(tmp_path / "two", count=2, seed=3, workers=1))
    list(dataset.draw_set(tmp_path / "one", count=2, seed=3, workers=0))
    two, one = dataset.open_set(tmp_path / "two"), dataset.open_set(tmp_path / "one")
    assert done == [2]
    assert two.data_hash == one.data_hash


def test_the_torch_network_reports_rows_in_pixels():
    detector = Detector(SignNet().eval())
    rows = detect_raw(detector, np.zeros((64, 96, 3), np.uint8))
    assert rows.shape[1] == 6
