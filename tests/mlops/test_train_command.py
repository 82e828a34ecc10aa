from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
import typer
from typer.testing import CliRunner

from kit.errors import ConfigError
from kit.mlops import commands, dataset, mining, pipeline
from kit.mlops.checking import detect_raw
from kit.mlops.drawing.scene import draw_sign_free
from kit.mlops.network import Detector, SignNet
from kit.mlops.pipeline import make_model
from kit.mlops.plan import Plan
from kit.mlops.training import Recipe, load_checkpoint, load_look, load_weights

TINY = [*["--pictures", "20", "--epochs", "1", "--batch", "4", "--checks", "3", "--json"]]


@pytest.fixture
def app():
    app = typer.Typer()
    app.callback()(lambda: None)
    commands.register(app)
    return app


@pytest.fixture
def in_this_process(monkeypatch, no_photos):
    """Draw here, so that the faces are drawn once for all tests."""
    for name, function in (
        ("draw_set", dataset.draw_set),
        ("mine", mining.mine),
        ("draw_frames", mining.draw_frames),
    ):
        here = partial(_with_no_workers, function)
        monkeypatch.setattr(pipeline, name, here)


def _with_no_workers(function, *args, **options):
    return function(*args, **{**options, "workers": 0})


def run(app, *argv):
    result = CliRunner().invoke(app, [str(word) for word in argv])
    assert result.exit_code == 0, result.output
    return json.loads(result.output.splitlines()[-1])


@pytest.mark.usefixtures("in_this_process")
def test_one_command_draws_trains_and_writes_a_model(app, tmp_path):
    said = run(app, "train", *TINY, "--sign-free", 4, "--work", tmp_path)
    assert (tmp_path / "signs.onnx").exists()
    assert said["pictures"] == 20
    assert 0 <= said["metrics"]["drawn_map50"] <= 1
    again = run(app, "train", *TINY, "--sign-free", 4, "--work", tmp_path)
    assert again["metrics"]["drawn_map50"] == pytest.approx(said["metrics"]["drawn_map50"])


@pytest.mark.usefixtures("in_this_process")
def test_with_frames_without_signs_the_network_is_hardened_and_looks_twice(app, tmp_path):
    said = run(app, "train", *TINY, "--sign-free", 4, "--work", tmp_path)
    assert trained_with(said["model"])["sign_free"] == 4
    for number, each in enumerate(pipeline.ROUNDS):
        assert load_checkpoint(tmp_path / f"hardening-{number}")["step"] >= each.epochs
    before, last = (load_weights(tmp_path / f"hardening-{number}") for number in (0, 1))
    assert not torch.equal(before["to4.0.0.weight"], last["to4.0.0.weight"])
    shipped = load_weights(Path(said["weights"]))
    back = torch.lerp(last["to4.0.0.weight"], before["to4.0.0.weight"], pipeline.ROUNDS[1].kept)
    assert torch.allclose(shipped["to4.0.0.weight"], back, atol=1e-6)
    look = load_look(Path(said["weights"]))
    assert look is not None
    assert not torch.equal(look.to4[0][0].weight, shipped["to4.0.0.weight"])


@pytest.mark.usefixtures("in_this_process")
def test_without_frames_the_second_look_is_a_copy_of_the_first(app, tmp_path):
    said = run(app, "train", *TINY, "--sign-free", 0, "--work", tmp_path)
    shipped, first = load_weights(Path(said["weights"])), load_weights(tmp_path / "training")
    assert torch.equal(shipped["to4.0.0.weight"], first["to4.0.0.weight"])
    untaught = load_look(Path(said["weights"]))
    assert untaught is not None
    assert torch.equal(untaught.to4[0][0].weight, first["to4.0.0.weight"])


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("sign_free", [0, 4])
def test_a_plan_can_leave_the_second_look_out(tmp_path, sign_free):
    plan = Plan(
        world="lego",
        pictures=20,
        recipe=Recipe(epochs=1, batch=4, threads=1),
        checks=1,
        work=tmp_path,
        out=tmp_path / "one-look.onnx",
        sign_free=sign_free,
        looks_twice=False,
    )
    make_model(plan, quiet=True)
    assert load_look(plan.out.with_suffix(".pt")) is None
    file = onnx.load(str(plan.out))
    assert "GridSample" not in {node.op_type for node in file.graph.node}


@pytest.mark.usefixtures("in_this_process")
def test_retraining_starts_from_the_base_and_mixes_labelled_pictures_in(app, tmp_path):
    base = run(
        app, "train", *TINY, "--world", "road", "--sign-free", 0, "--work", tmp_path / "base"
    )
    labelled = tmp_path / "labelled"
    list(dataset.draw_set(labelled, count=3, seed=9, workers=0))
    # a learning rate of nothing leaves the base as it was
    still = ["--learning-rate", "0", "--base", base["weights"], "--labelled", labelled]
    said = run(app, "retrain", *TINY, *still, "--work", tmp_path / "new")
    assert said["base"] == base["weights"]
    before, after = (load_weights(Path(one["weights"])) for one in (base, said))
    assert torch.allclose(before["to4.0.0.weight"], after["to4.0.0.weight"])
    looks = [load_look(Path(one["weights"])) for one in (base, said)]
    assert torch.equal(looks[0].to4[0][0].weight, looks[1].to4[0][0].weight)
    facts = dict(trained_with(said["model"]))
    assert facts["world"] == "lego"
    assert facts["labelled_share"] == 0.3


def is_part(part, frame):
    """Whether a picture was cut from a frame."""
    difference = cv2.matchTemplate(frame, part, cv2.TM_SQDIFF)
    top, left = np.unravel_index(difference.argmin(), difference.shape)
    return np.array_equal(frame[top:, left:][: part.shape[0], : part.shape[1]], part)


@pytest.mark.usefixtures("in_this_process")
def test_what_deceives_a_network_is_kept_the_worst_first(tmp_path):
    network = SignNet()
    torch.nn.init.constant_(network.heat.bias, 4.0)  # sees signs everywhere
    list(mining.mine(network, tmp_path / "hard", count=5, seed=1, keep=3, workers=0))
    hard = dataset.open_set(tmp_path / "hard")
    assert len(hard) == 3
    assert (hard.labels[..., 4] == -1).all()
    frames = [draw_sign_free(1, index) for index in range(5)]
    assert all(any(is_part(part, frame) for frame in frames) for part in hard.images)


@pytest.mark.usefixtures("in_this_process")
def test_a_network_that_nothing_deceives_is_left_as_it_is(tmp_path):
    network = SignNet()
    torch.nn.init.constant_(network.heat.bias, -20.0)
    assert list(mining.mine(network, tmp_path, count=2, seed=1, keep=3, workers=0)) == [2]
    assert len(dataset.open_set(tmp_path)) == 0


def test_frames_that_are_missing_are_drawn_and_no_others(tmp_path, no_photos):
    drawing = mining.draw_frames(tmp_path, count=10, seed=1, workers=0)
    assert next(drawing) == 8
    drawing.close()
    assert list(mining.draw_frames(tmp_path, count=10, seed=1, workers=0)) == [10]
    frames = mining.open_frames(tmp_path)
    assert all(np.array_equal(frames[i], draw_sign_free(1, i)) for i in (0, 9))


def trained_with(model):
    (entry,) = [p for p in onnx.load(model).metadata_props if p.key == "trained_with"]
    return json.loads(entry.value)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ConfigError, match="another network"):
        load_weights(tmp_path / "other.pt")


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.pt"):
        load_weights(tmp_path / "none.pt")


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
