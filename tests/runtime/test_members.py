"""Notebooks and processes start, end on request, and tell at once when they end by themselves."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from kit.errors import ConfigError
from kit.runtime.members import Member, NotebookMember, ProcessMember, last_line
from kit.runtime.parameters import CaptureNotebook, ServiceNotebook
from tests.waiting import PATIENCE_S, wait_until

NOTEBOOKS = Path(__file__).parent / "notebooks"
TIMEOUT_S = 2 * PATIENCE_S


class Ends:
    """Remembers which members have told of their end."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.told = threading.Event()

    def __call__(self, member: Member) -> None:
        self.members.append(member)
        self.told.set()


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.fixture
def notebook(tmp_path: Path, ends: Ends) -> Callable[[str], NotebookMember]:
    def build(name: str, **env: str) -> NotebookMember:
        return NotebookMember(
            name,
            notebook=NOTEBOOKS / f"{name}.ipynb",
            output=tmp_path / f"{name}.ipynb",
            parameters=ServiceNotebook(train_id="blue", seconds=2),
            env=env,
            log=tmp_path / f"{name}.log",
            on_end=ends,
        )

    return build


def read(member: NotebookMember) -> Any:
    return nbformat.read(member.output, as_version=4)


def text(member: NotebookMember) -> str:
    return member.output.read_text(encoding="utf-8")


def wait_for_file(path: Path) -> None:
    wait_until(path.exists, f"there is {path}")


def test_a_notebook_runs_with_its_parameters_in_the_runs_folder(notebook, ends: Ends) -> None:
    member = notebook("runs_through")

    member.start()

    assert member.wait(TIMEOUT_S)
    assert member.error is None
    assert ends.members == [member]
    assert "ran for blue with 2.0" in text(member)


def test_an_executed_notebook_leaves_its_source_untouched(notebook) -> None:
    before = (NOTEBOOKS / "runs_through.ipynb").read_bytes()
    member = notebook("runs_through")

    member.start()

    assert member.wait(TIMEOUT_S)
    assert (NOTEBOOKS / "runs_through.ipynb").read_bytes() == before


def test_an_unknown_parameter_is_rejected_before_the_start(tmp_path: Path, ends: Ends) -> None:
    with pytest.raises(ConfigError, match="no parameter 'source'"):
        NotebookMember(
            "capture",
            notebook=NOTEBOOKS / "runs_through.ipynb",
            output=tmp_path / "out.ipynb",
            parameters=CaptureNotebook(source="0", fps=10),
            env={},
            log=tmp_path / "log",
            on_end=ends,
        )


def test_an_error_in_a_cell_ends_the_run_with_its_message(notebook) -> None:
    member = notebook("cell_error")

    member.start()

    assert member.wait(TIMEOUT_S)
    assert "ValueError: the paint is still wet" in str(member.error)


def test_after_an_error_the_crash_banner_comes_first(notebook) -> None:
    member = notebook("cell_error")

    member.start()

    assert member.wait(TIMEOUT_S)
    assert "An Exception was encountered" in read(member).cells[0].source
    assert "never reached" not in [str(cell.get("outputs")) for cell in read(member).cells]


@pytest.mark.parametrize(("name", "how"), [("kernel_dies", "SIGKILL"), ("kernel_exits", "code 3")])
def test_a_dead_kernel_is_told_before_papermill_notices(
    notebook, ends: Ends, name: str, how: str
) -> None:
    member = notebook(name)
    member.start()

    assert ends.told.wait(TIMEOUT_S)
    assert how in str(ends.members[0].error)
    assert member.wait(TIMEOUT_S)
    assert ends.members == [member]


def test_after_a_dead_kernel_the_crash_banner_comes_first(notebook) -> None:
    member = notebook("kernel_dies")

    member.start()

    assert member.wait(TIMEOUT_S)
    cells = read(member).cells
    assert "An Exception was encountered" in cells[0].source
    assert "the kernel's process ended (SIGKILL)" in text(member)


def test_leaving_early_without_an_error_is_no_failure(notebook) -> None:
    member = notebook("leaves_early")

    member.start()

    assert member.wait(TIMEOUT_S)
    assert member.error is None


def test_an_interrupt_ends_the_service_and_the_notebook_runs_on(notebook, tmp_path: Path) -> None:
    member = notebook("works_until_interrupted")
    member.start()
    wait_for_file(tmp_path / "working")

    member.interrupt()

    assert member.wait(TIMEOUT_S)
    assert member.error is None
    assert "said goodbye" in str(read(member).cells[-1].outputs)


def test_a_notebook_that_does_not_listen_can_be_killed(notebook, tmp_path: Path) -> None:
    member = notebook("never_listens")
    member.start()
    wait_for_file(tmp_path / "working")

    member.interrupt()
    member.kill()

    assert member.wait(TIMEOUT_S)
    assert member.error is None


def test_an_output_that_is_replaced_does_not_grow_the_notebook(notebook) -> None:
    member = notebook("shows_often")

    member.start()

    assert member.wait(TIMEOUT_S)
    assert text(member).count("0299") == 250
    assert "0298" not in text(member)


def test_the_kernel_is_this_very_python(notebook, tmp_path: Path) -> None:
    decoy = tmp_path / "share" / "kernels" / "python3"
    decoy.mkdir(parents=True)
    (decoy / "kernel.json").write_text(
        json.dumps({"argv": ["/bin/false"], "display_name": "decoy", "language": "python"})
    )
    member = notebook("runs_through", JUPYTER_PATH=str(tmp_path / "share"))

    member.start()

    assert member.wait(TIMEOUT_S)
    assert member.error is None


def test_no_kernel_outlives_its_notebook(notebook) -> None:
    member = notebook("runs_through")

    member.start()

    assert member.wait(TIMEOUT_S)
    assert member.pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(member.pid, 0)


def test_five_notebooks_run_at_once(tmp_path: Path, ends: Ends) -> None:
    members = [
        NotebookMember(
            f"service-{number}",
            notebook=NOTEBOOKS / "runs_through.ipynb",
            output=tmp_path / f"{number}.ipynb",
            parameters=ServiceNotebook(train_id=f"train-{number}"),
            env={},
            log=tmp_path / f"{number}.log",
            on_end=ends,
        )
        for number in range(5)
    ]

    for member in members:
        member.start()

    assert all(member.wait(TIMEOUT_S) for member in members)
    assert [member.error for member in members] == [None] * 5
    assert [f"train-{i}" in text(member) for i, member in enumerate(members)] == [True] * 5


def test_an_executed_notebook_that_cannot_be_saved_is_a_clear_error(
    tmp_path: Path, ends: Ends
) -> None:
    member = NotebookMember(
        "capture",
        notebook=NOTEBOOKS / "runs_through.ipynb",
        output=tmp_path / "no" / "such" / "folder" / "out.ipynb",
        parameters=ServiceNotebook(),
        env={},
        log=tmp_path / "log",
        on_end=ends,
    )

    member.start()

    assert member.wait(TIMEOUT_S)
    assert "cannot be saved" in str(member.error)


def process(tmp_path: Path, ends: Ends, monkeypatch: pytest.MonkeyPatch, body: str) -> Member:
    (tmp_path / "standin.py").write_text(body)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return ProcessMember(
        "capture",
        parameters=ServiceNotebook(train_id="blue"),
        env={"KIT_TRAIN_ID": "blue"},
        log=tmp_path / "capture.log",
        on_end=ends,
        module="standin",
    )


WORKS_UNTIL_SIGTERM = """
import signal, sys, threading
from pathlib import Path
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
partial = Path(__file__).with_name("partial")
partial.write_text(" ".join(sys.argv[1:]))
partial.rename(partial.with_name("working"))
ended.wait()
"""


def test_a_process_ends_cleanly_when_interrupted(tmp_path, ends, monkeypatch) -> None:
    member = process(tmp_path, ends, monkeypatch, WORKS_UNTIL_SIGTERM)
    member.start()
    wait_for_file(tmp_path / "working")

    member.interrupt()

    assert member.wait(TIMEOUT_S)
    assert member.error is None


def test_a_process_gets_its_parameters_without_the_notebooks_own(
    tmp_path, ends, monkeypatch
) -> None:
    member = process(tmp_path, ends, monkeypatch, WORKS_UNTIL_SIGTERM)
    member.start()
    wait_for_file(tmp_path / "working")

    member.kill()

    assert member.wait(TIMEOUT_S)
    words = (tmp_path / "working").read_text().split(" ", 2)
    assert words[:2] == ["capture", "--parameters"]
    assert json.loads(words[2]) == {"train_id": "blue", "seconds": 0.0}


def test_a_process_that_fails_tells_its_last_words(tmp_path, ends, monkeypatch) -> None:
    member = process(tmp_path, ends, monkeypatch, "raise SystemExit('no camera at /dev/video9')")

    member.start()

    assert member.wait(TIMEOUT_S)
    assert "exit code 1" in str(member.error)
    assert "no camera at /dev/video9" in str(member.error)


def test_a_process_that_is_killed_by_another_is_a_failure(tmp_path, ends, monkeypatch) -> None:
    member = process(tmp_path, ends, monkeypatch, WORKS_UNTIL_SIGTERM)
    member.start()
    wait_for_file(tmp_path / "working")
    assert member.pid is not None

    os.kill(member.pid, 9)

    assert member.wait(TIMEOUT_S)
    assert "SIGKILL" in str(member.error)


def test_the_last_line_of_a_log_skips_blank_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\nlast\n\n  \n")

    assert last_line(log) == "last"


def test_a_log_that_is_missing_has_no_last_line(tmp_path: Path) -> None:
    assert last_line(tmp_path / "none") == ""
