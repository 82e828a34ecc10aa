"""Cameras that are reached over TCP and HTTP, against real servers on this machine."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kit.errors import CameraError
from kit.vision.cameras import open_camera
from tests.ports import NOBODY
from tests.vision.pictures import (
    MOMENT,
    file_server,
    grey_of,
    mjpeg_server,
    tcp_server,
    virtual_picture,
    write_video,
)
from tests.waiting import wait_until

FAST = 1000.0
Send = Callable[[bytes], None]


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.vision.cameras.live.FIRST_RETRY_S", 0.001)


def endless(send: Send) -> None:
    """Send pictures as long as the client takes them."""
    for sequence in itertools.count():
        send(virtual_picture(sequence % 250))


def test_virtual_picture_arrives_whole() -> None:
    moment = MOMENT + timedelta(seconds=7)

    def answer(send: Send) -> None:
        while True:
            send(virtual_picture(42, captured_at=moment.isoformat()))

    with tcp_server(answer) as port, open_camera(f"virtual://127.0.0.1:{port}", fps=30) as camera:
        picture = camera.read()
    assert picture is not None
    assert (picture.sequence, picture.captured_at) == (42, moment)
    assert picture.captured_ns == 42_000_000_000
    assert picture.image.shape == (40, 60, 3)
    assert grey_of(picture.image) == 42
    assert picture.truth[0]["label"] == "Stop"


def test_virtual_pictures_come_in_order() -> None:
    def answer(send: Send) -> None:
        for sequence in range(200):
            send(virtual_picture(sequence))
        while True:
            send(virtual_picture(199, captured_ns=199_000_000_000))

    with tcp_server(answer) as port, open_camera(f"virtual://127.0.0.1:{port}", fps=FAST) as camera:
        seen = [shot.sequence for shot in _read_to(camera.read, 199)]
    assert seen == sorted(set(seen))
    assert camera.dropped >= 200 - len(seen)


def test_virtual_set_that_was_restarted_is_found_again() -> None:
    sequence = itertools.count()
    with (
        tcp_server(lambda send: send(virtual_picture(next(sequence)))) as port,
        open_camera(f"virtual://127.0.0.1:{port}", fps=FAST) as camera,
    ):
        _until(camera.read, lambda _shot: camera.reopened >= 2)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="another protocol"),
        pytest.param(struct.pack(">I", 4) + b"null", id="no header"),
        pytest.param(virtual_picture(1, width=61), id="wrong size"),
        pytest.param(virtual_picture(1, width=10**6), id="huge size"),
        pytest.param(virtual_picture(1, captured_at="2026-01-01T00:00:00"), id="no time zone"),
        pytest.param(virtual_picture(1)[:-1], id="cut off"),
    ],
)
def test_what_is_no_virtual_camera_is_told(block: bytes) -> None:
    with tcp_server(lambda send: send(block)) as port:
        camera = open_camera(f"virtual://127.0.0.1:{port}", fps=30, give_up_s=0.05)
        with camera, pytest.raises(CameraError, match=r"is no virtual camera|closed|stopped"):
            camera.read()


def test_virtual_camera_that_is_not_there_is_told() -> None:
    with pytest.raises(CameraError, match=r"cannot be reached.*python -m kit.sim"):
        open_camera(f"virtual://{NOBODY}", fps=30)


@pytest.mark.parametrize("source", ["virtual://", "virtual://host", "virtual://host:port"])
def test_virtual_camera_must_have_a_port(source: str) -> None:
    with pytest.raises(CameraError, match="written wrongly"):
        open_camera(source, fps=30)


def test_http_stream_is_seen() -> None:
    with mjpeg_server(lambda: itertools.repeat(77)) as url, open_camera(url, fps=FAST) as camera:
        shots = [camera.read() for _ in range(3)]
    assert [grey_of(shot.image) for shot in shots if shot] == [77] * 3
    assert [shot.image.shape for shot in shots if shot] == [(480, 640, 3)] * 3


def test_slow_reader_of_an_http_stream_sees_the_present() -> None:
    """What came while nobody read is gone: the next picture is newer than all that were dropped."""

    def rising() -> Iterator[int]:
        return itertools.chain(range(250), itertools.repeat(250))

    with mjpeg_server(rising) as url, open_camera(url, fps=FAST) as camera:
        wait_until(lambda: camera.dropped >= 200)
        shot = camera.read()
    assert shot is not None
    assert grey_of(shot.image) >= 200


def test_http_stream_that_breaks_is_opened_again() -> None:
    with mjpeg_server(lambda: iter([9] * 5)) as url, open_camera(url, fps=FAST) as camera:
        _until(camera.read, lambda _shot: camera.reopened >= 1)


def test_http_stream_that_is_not_there_is_told_without_its_password() -> None:
    with pytest.raises(CameraError, match="cannot be opened") as caught:
        open_camera(f"http://user:secret@{NOBODY}/x", fps=30)
    assert "secret" not in str(caught.value)
    assert NOBODY in str(caught.value)


def test_video_file_on_a_web_server_is_no_stream(tmp_path: Path) -> None:
    write_video(tmp_path / "ride.avi", frames=5)
    with file_server(tmp_path) as url, pytest.raises(CameraError, match="not a live stream"):
        open_camera(f"{url}/ride.avi", fps=30)


def _until(read: Callable, wanted: Callable[..., bool]):
    for shot in iter(read, None):
        if wanted(shot):
            return shot
    pytest.fail("the camera ended")


def _read_to(read: Callable, sequence: int) -> Iterator:
    for shot in iter(read, None):
        yield shot
        if shot.sequence == sequence:
            return
