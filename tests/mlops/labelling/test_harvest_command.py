"""``kit harvest``."""

from __future__ import annotations

import json

import pytest

from kit.cli import main
from kit.mlops.acquire.keeping import load_set
from kit.watching.harvest import read_harvest


def run(capsys, *argv):
    with pytest.raises(SystemExit) as ended:
        main([*argv, "--json"])
    return ended.value.code or 0, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_list_begins_with_the_most_doubtful_frame(capsys, harvest):
    code, found = run(capsys, "harvest", "list", str(harvest))
    assert code == 0
    assert found["count"] == 3
    assert [frame["score"] for frame in found["frames"]] == [0.9, 0.7, 0.5]
    assert found["frames"][0]["reasons"] == ["near_threshold"]


def test_a_harvest_that_is_not_there_is_an_error(capsys, tmp_path):
    code, found = run(capsys, "harvest", "list", str(tmp_path / "nowhere"))
    assert code == 1
    assert "no such harvest" in found["error"]


def test_frames_are_labelled_by_the_notes_of_the_virtual_set(capsys, harvest, tmp_path):
    known = read_harvest(harvest)[0]
    sign = {
        "face": "speed_30",
        "label": "SpeedLimit",
        "box": [100, 50, 40, 40],
        "distance_m": 1.0,
        "visible": 1.0,
    }
    line = {"kind": "frame", "captured_ns": known.frame.captured_ns, "truth": [sign]}
    (tmp_path / "truth.jsonl").write_text(json.dumps(line) + "\n")
    options = ("--truth", str(tmp_path / "truth.jsonl"), "--out", str(tmp_path / "set"))
    code, found = run(capsys, "harvest", "label", str(harvest), *options)
    assert code == 0
    assert (found["labelled"], found["waiting"]) == (1, 2)
    assert found["signs"]["SpeedLimit"] == 1
    assert [photo.path.stem for photo in load_set(tmp_path / "set").photos] == [known.name]
