from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from kit.cli import main
from kit.mlops import quantise as quantising
from kit.mlops.measuring import commands, saving
from tests.vision.onnx_models import RED_SCORE, red_rectangle


@pytest.fixture
def model(tmp_path):
    """Finds what is red, and calls it danger."""
    return red_rectangle(tmp_path / "red.onnx")


@pytest.fixture
def labelled(tmp_path):
    """Options that name three photos of a red rectangle each, labelled as danger."""
    folder, images, marks = tmp_path / "photos", [], []
    folder.mkdir()
    for index in range(3):
        pixels = np.zeros((300, 600, 3), np.uint8)
        x, y = 100 + 50 * index, 50 + 30 * index
        pixels[y : y + 60, x : x + 60] = (0, 0, 255)
        cv2.imwrite(str(folder / f"{index}.png"), pixels)
        images.append({"id": index, "file_name": f"{index}.png"})
        marks.append({"image_id": index, "category_id": 7, "bbox": [x, y, 60, 60]})
    record = {
        "images": images,
        "annotations": marks,
        "categories": [{"id": 7, "name": "DangerAhead"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(record))
    return ["--images", str(folder), "--annotations", str(tmp_path / "coco.json")]


def run(capsys, *args):
    with pytest.raises(SystemExit) as end:
        main([*map(str, args), "--json"])
    return {**json.loads(capsys.readouterr().out.splitlines()[-1]), "code": end.value.code or 0}


def test_evaluate_tells_all_that_one_pass_can_tell(capsys, model, labelled):
    answer = run(capsys, "evaluate", *labelled, "--model", model)
    assert (answer["code"], answer["map50"], answer["map50_95"]) == (0, 1.0, 1.0)
    assert answer["per_class"]["DangerAhead"]["signs"] == 3
    assert answer["tradeoff"]["best"]["f1"] == 1
    assert [one["signs"] for one in answer["sizes"]] == [0, 0, 3, 0]
    assert answer["calibration"]["error"] == pytest.approx(1 - RED_SCORE)
    assert answer["mistakes"] == []
    assert (answer["against"], answer["sign_free"], answer["report"]) == (None, None, None)


def test_evaluate_compares_with_another_model_and_writes_the_page(
    capsys, model, labelled, tmp_path
):
    other = red_rectangle(tmp_path / "other.onnx", version="test-2", threshold=0.9)
    answer = run(
        capsys, "evaluate", *labelled, "--model", model, "--against", other,
        "--report", tmp_path / "report",
    )  # fmt: skip
    assert answer["against"]["names"] == ["test-1", "test-2"]
    rows = {row["figure"]: row for row in answer["against"]["rows"]}
    assert (rows["recall"]["model"], rows["recall"]["against"]) == (1, 0)
    assert rows["map50"]["difference"] == 0
    assert "test-2" in (tmp_path / "report" / "report.html").read_text()


def test_models_of_the_same_version_are_told_apart_by_file(capsys, model, labelled, tmp_path):
    other = red_rectangle(tmp_path / "other.onnx")
    answer = run(capsys, "evaluate", *labelled, "--model", model, "--against", other)
    assert answer["against"]["names"] == ["red.onnx", "other.onnx"]
    answer = run(capsys, "evaluate", *labelled, "--model", model, "--against", model)
    assert len(set(answer["against"]["names"])) == 2


def test_evaluate_counts_false_alarms_and_robustness_when_asked(capsys, model, labelled):
    args = ["--model", model, "--sign-free", "4", "--robustness"]
    answer = run(capsys, "evaluate", *labelled, *args)
    assert answer["sign_free"]["total"]["frames"] == 4
    scores = {one["transform"]: one["map50"] for one in answer["robustness"]}
    assert scores["shrink:0.5"] == 1
    assert scores["dark:0.3"] == 0  # what is dark is not red enough for this one


@pytest.fixture
def quick(monkeypatch):
    """Few drawn pictures."""
    monkeypatch.setattr(commands, "DRAWN", 6)
    return ["--pictures", "8"]


def test_quantise_writes_the_copy_and_tells_both_figures(capsys, quick, tmp_path):
    from kit.config import share_path

    out = tmp_path / "int8.onnx"
    model = share_path("datasets/model/signs.onnx")
    answer = run(capsys, "quantise", model, "--out", out, *quick)
    assert answer["written"] == out.exists()
    assert answer["code"] == (0 if answer["written"] else 1)
    assert answer["bytes"]["int8"] < answer["bytes"]["fp32"]
    assert {"fp32", "int8"} == set(answer["map50"]) == set(answer["latency_ms"])
    assert answer["speedup"] > 0


def test_quantise_refuses_a_copy_that_costs_too_much(capsys, quick, tmp_path, monkeypatch):
    from kit.config import share_path

    monkeypatch.setattr(saving, "LARGEST_LOSS", -1.0)
    model = share_path("datasets/model/signs.onnx")
    answer = run(capsys, "quantise", model, "--out", tmp_path / "int8.onnx", *quick)
    assert (answer["code"], answer["written"]) == (1, False)
    assert list(tmp_path.iterdir()) == []


def test_quantise_wants_photos_and_their_signs_together(capsys, labelled, model, tmp_path):
    answer = run(capsys, "quantise", model, "--out", tmp_path / "int8.onnx", *labelled[:2])
    assert answer["code"] == 2


def test_quantise_is_told_to_people(capsys, quick, tmp_path, monkeypatch):
    from kit.config import share_path

    monkeypatch.setattr(quantising, "LARGEST_LOSS", 0.02)
    args = ["quantise", str(share_path("datasets/model/signs.onnx")), *quick]
    with pytest.raises(SystemExit):
        main([*args, "--out", str(tmp_path / "int8.onnx")])
    told = capsys.readouterr().out
    assert "INT8 costs" in told
    assert "times as fast" in told
