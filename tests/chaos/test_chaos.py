"""A shorter selection of the faults, tried on the real processes through the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.cli import main

SELECTION = {
    "inference-killed": "stopped",
    "control-halted": "stopped",
    "camera-frozen": "stopped",
    "hostile-messages": "stayed",
}


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["chaos", *arguments])
    return int(ended.value.code or 0)


def test_the_faults_are_listed_without_trying_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list", "--json", "--only", "hub-*") == 0
    listed = json.loads(capsys.readouterr().out)["faults"]
    assert [fault["name"] for fault in listed] == ["hub-out-of-reach", "hub-off", "hub-button"]


def test_an_unknown_fault_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--only", "earthquake", "--json") == 1
    assert "no such fault" in capsys.readouterr().out


@pytest.mark.slow
def test_the_train_stops_for_each_fault_and_drives_again_only_when_armed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only = [part for name in SELECTION for part in ("--only", name)]
    code = run("--json", "--out", str(tmp_path), *only)
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    faults = {fault["name"]: fault for fault in result["faults"]}
    assert result["ok"], [(f["name"], f.get("problems"), f["trouble"]) for f in faults.values()]
    assert code == 0
    assert faults.keys() == SELECTION.keys()
    for name, wanted in SELECTION.items():
        assert faults[name]["drove_again"]
        assert faults[name]["recovered_ms"] is not None
        stopped = faults[name]["stopped_in_ms"] is not None
        assert stopped is (wanted == "stopped")
        if stopped:
            assert faults[name]["stayed"]
    assert Path(result["page"]).read_text().startswith("<!doctype html>")
