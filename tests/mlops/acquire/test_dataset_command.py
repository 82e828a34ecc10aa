from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from kit.errors import ConfigError
from kit.mlops.acquire import commands
from kit.mlops.dataset import open_set
from tests.mlops.acquire import samples
from tests.mlops.acquire.samples import LICENCE, a_set


def invoke(*argv):
    app = typer.Typer()
    app.callback()(lambda: None)
    commands.register(app)
    return CliRunner().invoke(app, ["dataset", *(str(word) for word in argv)])


def run(*argv, code=0):
    result = invoke(*argv, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.output.splitlines()[-1])


@pytest.fixture
def source(tmp_path):
    return samples.written("voc", a_set(tmp_path / "made"), tmp_path / "voc")


@pytest.fixture
def kept(source, tmp_path):
    run("import", "voc", source, "--out", tmp_path / "kept", "--licence", LICENCE)
    return tmp_path / "kept"


def test_import_keeps_what_is_whole_and_tells_the_rest(source, tmp_path):
    (source / "JPEGImages" / "hall_1.png").write_text("broken")
    said = run(
        *("import", "voc", source, "--out", tmp_path / "kept", "--licence", LICENCE),
        *("--source", "my kitchen"),
    )
    assert said["photos"] == 2
    assert said["source"] == "my kitchen"
    (problem,) = said["problems"]
    assert problem["file"] == "JPEGImages/hall_1.png"
    assert problem["done"] == "left out, with its boxes"
    assert (tmp_path / "kept" / "card.md").exists()


def test_import_takes_a_table_of_classes_and_a_pattern_of_scenes(source, tmp_path):
    table = tmp_path / "map.yaml"
    table.write_text("SpeedLimit: Stop\n'*': other\n")
    said = run(
        *("import", "voc", source, "--out", tmp_path / "kept", "--licence", LICENCE),
        *("--classes", table, "--scene", r"[a-z]+_\d"),
    )
    assert said["signs"] == {
        "SpeedLimit": 0,
        "DangerAhead": 0,
        "Stop": 1,
        "other": 3,
        "ignored": 0,
    }
    assert said["scenes"] == 3


def test_import_wants_a_licence(source, tmp_path):
    assert invoke("import", "voc", source, "--out", tmp_path / "kept").exit_code == 2
    result = invoke("import", "voc", source, "--out", tmp_path / "kept", "--licence", "")
    assert isinstance(result.exception, ConfigError)
    assert not (tmp_path / "kept").exists()


def test_card_tells_whether_it_is_true(kept):
    assert run("card", kept)["true"] is True
    next((kept / "images").rglob("hall_1.png")).unlink()
    said = run("card", kept, code=1)
    assert said["true"] is False
    assert any("hall_1.png" in line for line in said["differs"])


def test_split_writes_both_parts_and_tells_their_counts(kept):
    said = run("split", kept, "--test", "0.4")
    assert {name: part["photos"] for name, part in said["splits"].items()} == {
        "train": 2,
        "test": 1,
    }
    assert (kept / "train.json").exists()
    assert run("card", kept)["true"] is True
    assert run("split", kept, "--test", "0.4")["splits"] == said["splits"]


def test_crops_are_cut_from_the_part_to_train_on(kept, tmp_path):
    assert isinstance(invoke("crops", kept, "--out", tmp_path / "c").exception, ConfigError)
    run("split", kept, "--test", "0.4")
    said = run("crops", kept, "--out", tmp_path / "crops", "--count", 5)
    assert said["pictures"] == len(open_set(tmp_path / "crops")) == 5
    run("crops", kept, "--out", tmp_path / "all", "--count", 5, "--part", "all")
    assert len(open_set(tmp_path / "all")) == 5


def test_people_get_the_card_as_text(kept):
    result = invoke("card", kept)
    assert result.exit_code == 0
    assert "| SpeedLimit | 1 |" in result.output
    assert "true: True" in result.output
