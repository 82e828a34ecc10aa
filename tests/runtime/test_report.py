"""The report is one page that needs nothing, tells the outcome, and escapes what it is told."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from kit.events import Action, Motion
from kit.recording.writer import RECORDING
from kit.runtime.outcome import judge
from kit.runtime.pictures import film_strip
from kit.runtime.report import write_report
from kit.runtime.run import read_run
from tests.runtime.runs import ARMED_NS, SECOND_NS, RunFolder, good_run


def page_of(run: RunFolder) -> str:
    folder = run.write()
    return write_report(folder, judge(read_run(folder))).read_text(encoding="utf-8")


@pytest.fixture
def page(tmp_path: Path) -> str:
    return page_of(good_run(tmp_path / "run"))


def test_the_page_tells_verdict_and_figures(page: str) -> None:
    for text in ("The train stopped 42 cm before the danger.", "Stopped in time", "704 <small>MB"):
        assert text in page


def test_the_page_loads_nothing(page: str) -> None:
    sources = re.findall(r'src="([^"]{0,10})', page)
    assert sources
    assert all(source.startswith("data:image") for source in sources)
    assert "@import" not in page
    assert "<script" not in page


def test_the_moment_of_decision_is_shown_with_its_reason(page: str) -> None:
    assert "DangerAhead in 3 of 5 frames" in page
    assert "Frame 20." in page


def test_journey_latency_and_memory_are_drawn(page: str) -> None:
    assert page.count("<svg") == 4


def test_pictures_tell_what_the_train_did(tmp_path: Path) -> None:
    run = read_run(good_run(tmp_path / "run").write())

    shots = film_strip(run)

    assert [shot.tone for shot in shots] == ["none", "cruise", "cruise", "cruise", "cruise"]
    assert shots[-1].caption == "+2.0 s · cruising"


def test_what_went_wrong_comes_first_and_is_escaped(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.note("armed", ARMED_NS)
    run.frame(0, Action.CRUISE, Motion.CRUISING)
    run.note("ended", ARMED_NS + SECOND_NS, ended_by="failure", error="<b>no</b> camera")

    page = page_of(run)

    assert "&lt;b&gt;no&lt;/b&gt; camera" in page
    assert page.index("What went wrong") < page.index("<h2>Latency")


def test_of_a_recording_that_breaks_off_the_report_shows_what_is_left_and_says_so(
    tmp_path: Path,
) -> None:
    folder = good_run(tmp_path / "run").write()
    os.truncate(folder / RECORDING, (folder / RECORDING).stat().st_size - 500)
    page = write_report(folder, judge(read_run(folder))).read_text(encoding="utf-8")

    assert "The train stopped 42 cm before the danger." in page
    assert "Not all of the recording could be read: it breaks off at byte" in page


def test_a_run_in_which_nothing_happened_has_a_report(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.note("ended", ARMED_NS, ended_by="failure", error="no broker")

    assert "no broker" in page_of(run)


@pytest.mark.browser
def test_a_browser_finds_nothing_wrong_with_the_page(tmp_path: Path, browser: object) -> None:
    folder = good_run(tmp_path / "run").write()
    path = write_report(folder, judge(read_run(folder)))
    complaints: list[str] = []

    view = browser.new_page(viewport={"width": 1200, "height": 900})
    view.on("console", lambda message: complaints.append(message.text))
    view.on("request", lambda request: complaints.append(request.url))
    view.goto(path.as_uri())
    loaded = view.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    wide = view.evaluate("document.documentElement.scrollWidth")
    view.close()

    assert loaded
    assert wide <= 1200
    assert [text for text in complaints if not text.startswith(("data:", "file:"))] == []
