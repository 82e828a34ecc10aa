"""Whole missions on the virtual set: real brokers, real Bluetooth bytes, real notebooks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from kit.errors import ConfigError
from kit.runtime import mission as module
from kit.runtime.mission import make_run_dir
from kit.runtime.run import read_run
from tests.right_of_way import give_way_to
from tests.runtime.runs import was_held_up

NOTEBOOKS = (
    "00_mission_briefing",
    "10_capture_frames",
    "20_detect_signs",
    "30_decide_the_action",
    "40_control_the_train",
    "50_stream_to_the_console",
    "90_debrief",
)
TIMEOUT_S = 240.0


@dataclass
class Ended:
    """A mission that has ended."""

    exit_code: int
    result: dict[str, Any]
    said: str

    @property
    def folder(self) -> Path:
        return Path(self.result["run_dir"])


class Demo:
    """``kit demo`` as a process, which a test can watch and disturb."""

    def __init__(self, out: Path, *options: str, **env: str) -> None:
        self.out = out
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kit", "demo", "--json", "--out", str(out), *options],
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        give_way_to(self.pid)

    def end(self) -> Ended:
        said, errors = self._process.communicate(timeout=TIMEOUT_S)
        return Ended(self._process.returncode, json.loads(said.splitlines()[-1]), errors)

    def until(self, happened: Callable[[Path], Any]) -> Any:
        """Look at the run's folder until something is found there."""
        ticks = threading.Event()
        while self._process.poll() is None:
            for folder in self.out.glob("2*"):
                if found := happened(folder):
                    return found
            ticks.wait(0.1)
        pytest.fail(f"the mission ended before: {self.end().said}")

    def until_under_way(self) -> Path:
        """Wait until the train really moves; return the run's folder."""

        def moves(folder: Path) -> Path | None:
            physics = read_run(folder).physics
            return folder if physics and physics[-1].speed_mps > 0.3 else None

        return self.until(moves)

    def pid_of(self, service: str) -> int:
        """Return the process of a service, by its sign of life."""
        pid = self.until(lambda folder: read_run(folder).services.get(service, {}).get("pid"))
        assert isinstance(pid, int)
        return pid


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def start(*options: str, **env: str) -> Demo:
        started.append(Demo(tmp_path, *options, **env))
        return started[-1]

    yield start
    for each in started:
        if psutil.pid_exists(each.pid):
            each._process.kill()
            each._process.wait()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The mission as it is meant: through notebooks, on the standard track."""
    for _ in range(3):
        ended = Demo(tmp_path_factory.mktemp("good"), "--seconds", "60", "--no-console").end()
        if not was_held_up(ended.result):
            break
    return ended


def descendants_named(marker: str) -> list[str]:
    """Return the command lines of all processes that mention a run."""
    lines = []
    for process in psutil.process_iter():
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return [line for line in lines if marker in line and "pytest" not in line]


@pytest.mark.slow
def test_the_train_stops_before_the_danger(good: Ended) -> None:
    assert good.exit_code == 0, good.result
    assert good.result["stopped"] is True
    assert good.result["derailed"] is False
    assert good.result["stop_margin_m"] > 0


@pytest.mark.slow
def test_latency_is_told_of_all_frames_and_of_the_brake(good: Ended) -> None:
    assert set(good.result["latency_ms"]) == {"p50", "p95", "p99"}
    assert good.result["brake_latency_ms"] > 0
    assert good.result["frames"] > good.result["dropped"] >= 0


@pytest.mark.slow
def test_all_notebooks_were_executed_to_their_end(good: Ended) -> None:
    assert [Path(path).stem for path in good.result["notebooks"]] == list(NOTEBOOKS)
    for path in good.result["notebooks"]:
        notebook = nbformat.read(path, as_version=4)
        assert not notebook.metadata.papermill.exception, path
        assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.slow
def test_no_executed_notebook_holds_a_secret(good: Ended) -> None:
    for path in good.result["notebooks"]:
        text = Path(path).read_text(encoding="utf-8")
        assert "mqtt://" not in text
        assert "KIT_ARM_KEY=" not in text


@pytest.mark.slow
def test_the_report_needs_nothing_from_outside(good: Ended) -> None:
    page = Path(good.result["report"]).read_text(encoding="utf-8")
    assert good.result["verdict"] in page
    assert 'src="http' not in page
    assert "<script" not in page


@pytest.mark.slow
def test_the_folder_has_the_same_result_as_the_command(good: Ended) -> None:
    assert json.loads((good.folder / "mission.json").read_text()) == good.result


@pytest.mark.slow
def test_nothing_of_the_mission_runs_on(good: Ended) -> None:
    assert descendants_named(str(good.folder)) == []


@pytest.mark.slow
def test_a_dead_control_kernel_leaves_a_standing_train(demo: Callable[..., Demo]) -> None:
    running = demo("--seconds", "60", "--no-console")
    running.until_under_way()
    os.kill(running.pid_of("control"), signal.SIGKILL)

    ended = running.end()

    assert ended.exit_code == 1
    assert "40_control_the_train.ipynb failed" in ended.result["error"]
    assert read_run(ended.folder).physics[-1].stands
    assert ended.result["derailed"] is False
    crashed = nbformat.read(ended.folder / "40_control_the_train.ipynb", as_version=4)
    assert "An Exception was encountered" in crashed.cells[0].source


@pytest.mark.slow
def test_ctrl_c_stops_the_train_and_cleans_up(demo: Callable[..., Demo]) -> None:
    running = demo("--seconds", "60", "--no-console", "--runtime", "processes")
    running.until_under_way()
    os.kill(running.pid, signal.SIGINT)

    ended = running.end()

    assert ended.exit_code != 0
    assert ended.result["ended_by"] == "interrupt"
    assert read_run(ended.folder).physics[-1].stands
    assert Path(ended.result["report"]).exists()
    assert descendants_named(str(ended.folder)) == []


@pytest.mark.slow
def test_a_broker_that_is_not_there_is_a_clear_error_without_its_password(
    demo: Callable[..., Demo],
) -> None:
    ended = demo(
        *("--no-console", "--runtime", "processes"), KIT_MQTT_URL="mqtt://me:hunter2@127.0.0.1:9"
    ).end()

    assert ended.exit_code == 1
    assert "127.0.0.1:9" in ended.result["error"]
    assert "hunter2" not in json.dumps(ended.result) + ended.said


@pytest.mark.slow
def test_a_camera_that_is_not_there_is_a_clear_error(demo: Callable[..., Demo]) -> None:
    ended = demo("--no-console", "--runtime", "processes", "--source", "/dev/video97").end()

    assert ended.exit_code == 1
    assert "/dev/video97" in ended.result["error"]


def test_a_plan_that_cannot_be_is_rejected_before_anything_starts(
    demo: Callable[..., Demo], tmp_path: Path
) -> None:
    ended = demo("--scenario", "atlantis").end()

    assert ended.exit_code == 1
    assert "There is no scenario 'atlantis'" in ended.result["error"]
    assert list(tmp_path.iterdir()) == []


def test_two_runs_of_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    folders = {make_run_dir(tmp_path / "runs") for _ in range(3)}

    assert len(folders) == 3
    assert all((folder / "logs").is_dir() for folder in folders)


def test_a_disk_that_is_all_but_full_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEEDED_BYTES", 10**18)

    with pytest.raises(ConfigError, match="no room on the disk"):
        make_run_dir(tmp_path)
