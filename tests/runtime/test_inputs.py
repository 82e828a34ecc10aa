"""What ``kit demo`` is given: scenarios, photos, videos, and every kind of bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import onnx
import pytest

from kit.config import share_path
from kit.runtime.run import Run, read_run
from kit.sim import load_scenario, run_unwatched
from tests.right_of_way import give_way_to
from tests.runtime.runs import was_held_up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FLOW = ["10_capture_frames", "20_detect_signs", "30_decide_the_action", "40_control_the_train"]
NOTEBOOKS = ["00_mission_briefing", *FLOW, "50_stream_to_the_console", "90_debrief"]


@dataclass(frozen=True)
class Mission:
    """What ``kit demo`` said and left."""

    exit_code: int
    said: dict[str, Any]
    output: str

    @property
    def run(self) -> Run:
        return read_run(Path(self.said["run_dir"]))

    @property
    def stood_all_the_time(self) -> bool:
        return all(moment.stands and moment.position_m == 0 for moment in self.run.physics)


def fly(out: Path, *arguments: str) -> Mission:
    """Run ``kit demo`` in a process of its own; again if the machine was too busy for a train."""
    mission = _fly(out, *arguments)
    for _ in range(2):
        if not was_held_up(mission.said):
            break
        mission = _fly(out, *arguments)
    return mission


def _fly(out: Path, *arguments: str) -> Mission:
    with subprocess.Popen(
        [sys.executable, "-m", "kit", "demo", "--out", str(out), "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        give_way_to(running.pid)
        said, errors = running.communicate()
    return Mission(running.returncode, json.loads(said.strip().splitlines()[-1]), said + errors)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures from the virtual set, as files that know nothing of it."""
    folder = tmp_path_factory.mktemp("pictures")
    run = run_unwatched(load_scenario("stop-sign"), power_percent=40, pictures=12, limit_s=8)
    paths = []
    for number, moment in enumerate(run.pictures):
        paths.append(folder / f"{number:03d}.jpg")
        cv2.imwrite(str(paths[-1]), moment.image)
    return paths


def test_without_a_sign_the_train_derails_and_the_mission_fails(tmp_path: Path) -> None:
    mission = fly(tmp_path, "--runtime", "processes", "--scenario", "no-sign")
    assert mission.exit_code == 1, mission.output
    assert mission.said["derailed"] is True
    assert mission.said["stopped"] is False


def test_a_speed_limit_slows_the_train_and_does_not_stop_it(tmp_path: Path) -> None:
    mission = fly(tmp_path, "--runtime", "processes", "--scenario", "speed-limit")
    assert mission.exit_code == 0, mission.output
    assert mission.said["stopped"] is False
    assert mission.said["derailed"] is False
    fastest = max(moment.speed_mps for moment in mission.run.physics)
    in_the_curve = [order for order in mission.run.orders if order.action == "slow"]
    assert in_the_curve
    assert fastest > 0.4


def test_a_stop_sign_stops_the_train(tmp_path: Path) -> None:
    mission = fly(tmp_path, "--runtime", "processes", "--scenario", "stop-sign", "--seed", "3")
    assert mission.exit_code == 0, mission.output
    assert mission.said["stopped"] is True


def test_a_folder_of_photos_goes_through_the_same_notebooks(
    tmp_path: Path, pictures: list[Path]
) -> None:
    mission = fly(tmp_path, "--source", str(pictures[0].parent), "--seconds", "20")
    assert "error" not in mission.said or mission.said["error"] is None, mission.output
    assert [Path(path).stem for path in mission.said["notebooks"]] == NOTEBOOKS
    assert mission.said["frames"] >= len(pictures)
    assert mission.said["stop_margin_m"] is None


def test_a_video_goes_through_the_same_services(tmp_path: Path, pictures: list[Path]) -> None:
    video = tmp_path / "run.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10, (600, 400))
    for path in pictures * 4:
        writer.write(cv2.imread(str(path)))
    writer.release()
    mission = fly(tmp_path, "--runtime", "processes", "--source", str(video), "--seconds", "20")
    assert mission.said["error"] is None, mission.output
    assert mission.said["frames"] >= 40


def _other_model(path: Path) -> Path:
    """Write the shipped model as one that knows other things."""
    model = onnx.load(share_path("datasets/model/signs.onnx"))
    (classes,) = [entry for entry in model.metadata_props if entry.key == "classes"]
    classes.value = json.dumps(["Cat", "Dog", "Cow"])
    onnx.save(model, path)
    return path


def _broken_video(path: Path) -> Path:
    path.write_bytes(b"RIFF this is no video" * 50)
    return path


def _wrong_model(path: Path) -> Path:
    path.write_bytes(b"this is no model")
    return path


def _nonsense(path: Path) -> Path:
    path.write_text("name: nonsense\ntitle: A hole in the ground\nexpect: fly\n")
    return path


BAD = {
    "an unreadable video": (lambda d: ["--source", str(_broken_video(d / "v.mp4"))], "v.mp4"),
    "a file that is no model": (lambda d: ["--model", str(_wrong_model(d / "m.onnx"))], "m.onnx"),
    "a model of other classes": (lambda d: ["--model", str(_other_model(d / "c.onnx"))], "Cat"),
    "a GPU that is not there": (lambda _: ["--provider", "cuda"], "CUDA"),
    "a scenario with nonsense": (lambda d: ["--scenario", str(_nonsense(d / "n.yaml"))], "expect"),
    "a scenario that is not there": (lambda _: ["--scenario", "atlantis"], "atlantis"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_with_a_clear_error_and_a_standing_train(case: str, tmp_path: Path) -> None:
    arguments, named = BAD[case]
    out = tmp_path / "runs"
    mission = fly(out, "--runtime", "processes", "--seconds", "10", *arguments(tmp_path))
    assert mission.exit_code == 1, mission.output
    assert named in mission.said["error"]
    assert "Traceback" not in mission.output
    if "run_dir" in mission.said:
        assert mission.stood_all_the_time


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, no folder")
    mission = fly(tmp_path / "file" / "runs", "--runtime", "processes")
    assert mission.exit_code == 1, mission.output
    assert "file" in mission.said["error"]
