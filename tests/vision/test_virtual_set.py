"""The virtual set's own camera, from its own process."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kit.child import Child
from kit.events import FRAME_HEIGHT, FRAME_WIDTH, LABELS
from kit.vision.cameras import open_camera
from tests.waiting import PATIENCE_S, wait_until


@pytest.fixture(scope="module")
def camera_url() -> Iterator[str]:
    with Child.module("kit.sim", "--scenario", "standard", "--seed", "1", name="set") as child:
        yield child.ready(timeout_s=PATIENCE_S)["camera"]


def test_pictures_are_frames_with_their_truth(camera_url: str) -> None:
    with open_camera(camera_url, fps=10) as camera:
        picture = camera.read()
    assert picture is not None
    assert picture.image.shape == (FRAME_HEIGHT, FRAME_WIDTH, 3)
    assert picture.image.std() > 5
    assert picture.truth
    assert {sign["label"] for sign in picture.truth} <= {None, *LABELS}


def test_time_of_capture_is_of_this_machines_monotonic_clock(camera_url: str) -> None:
    before_ns = time.monotonic_ns()
    with open_camera(camera_url, fps=10) as camera:
        pictures = [camera.read() for _ in range(4)]
    moments = [picture.captured_ns for picture in pictures if picture]
    assert moments == sorted(set(moments))
    assert before_ns < moments[-1] <= time.monotonic_ns()


def test_slow_reader_skips_what_it_missed(camera_url: str) -> None:
    with open_camera(camera_url, fps=1000) as camera:
        first = camera.read()
        wait_until(lambda: camera.dropped >= 10, "ten more pictures came")
        later = camera.read()
    assert first is not None
    assert later is not None
    assert later.sequence - first.sequence > 10


def test_two_may_watch(camera_url: str) -> None:
    with open_camera(camera_url, fps=30) as one, open_camera(camera_url, fps=30) as other:
        assert one.read() is not None
        assert other.read() is not None
