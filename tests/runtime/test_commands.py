"""``kit demo`` tells people what came of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.runtime.commands import absolute, summary
from kit.runtime.outcome import judge
from kit.runtime.run import read_run
from tests.runtime.runs import ARMED_NS, RunFolder, good_run


def test_the_summary_of_a_good_run_has_its_figures(tmp_path: Path) -> None:
    folder = good_run(tmp_path / "run").write()

    text = summary(judge(read_run(folder)), folder)

    assert text.splitlines()[0] == "The train stopped 42 cm before the danger."
    assert "40 ms at the median" in text
    assert "42 ms after the deciding frame" in text
    assert str(folder / "report.html") in text


def test_the_summary_of_a_failed_run_has_its_error(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.note("ended", ARMED_NS, ended_by="failure", error="no broker")

    assert "Error: no broker" in summary(judge(read_run(run.write())), tmp_path)


def test_a_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)

    assert absolute("photos", is_path=True) == str(tmp_path / "photos")


@pytest.mark.parametrize(("text", "is_path"), [("rtsp://camera/1", True), ("photos", False)])
def test_what_is_no_path_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, *, is_path: bool
) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)

    assert absolute(text, is_path=is_path) == text
