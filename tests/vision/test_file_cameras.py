"""Videos and photos played as if a camera saw them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from kit.errors import CameraError, ConfigError
from kit.vision.cameras import Camera, open_camera
from kit.vision.cameras.files import PhotoCamera, VideoCamera, video_frames
from kit.vision.frames import encode_jpeg
from tests.vision.pictures import grey_of, plain, write_video

FAST = 1000.0


def greys(camera: Camera, *, at_most: int = 100) -> list[int]:
    """Read to the end, or so many pictures."""
    found: list[int] = []
    with camera:
        while len(found) < at_most and (picture := camera.read()) is not None:
            found.append(grey_of(picture.image))
    return found


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "ride.avi", frames=12, fps=120)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for number in (1, 2, 10):
        (folder / f"{number}.jpg").write_bytes(encode_jpeg(plain(number)))
    return folder


def test_all_frames_of_a_video_are_read(video: Path) -> None:
    frames = list(video_frames(video))
    assert [grey_of(frame.image) for frame in frames] == pytest.approx(range(0, 120, 10), abs=2)
    assert [frame.index for frame in frames] == list(range(12))
    assert frames[6].time_s == pytest.approx(0.05)


def test_frames_are_left_out_to_come_down_to_a_rate(video: Path) -> None:
    assert [frame.index for frame in video_frames(video, fps=50)] == [0, 3, 5, 8, 10]


def test_video_camera_gives_the_same_pictures_at_every_run(video: Path) -> None:
    first = greys(open_camera(str(video), fps=40))
    assert first == greys(open_camera(str(video), fps=40))
    assert first == pytest.approx([0, 30, 60, 90], abs=2)


def test_video_is_never_sped_up(video: Path) -> None:
    camera = VideoCamera(video, fps=FAST)
    with camera:
        moments = [shot.captured_ns for shot in iter(camera.read, None)]
    period_ns = 1e9 / 120
    assert len(moments) == 12
    assert min(after - before for before, after in pairwise(moments)) >= 0.45 * period_ns
    assert moments[-1] - moments[0] >= 10 * period_ns


def test_pictures_of_a_file_are_numbered(video: Path) -> None:
    with open_camera(str(video), fps=FAST) as camera:
        assert [shot.sequence for shot in iter(camera.read, None)] == list(range(12))


def test_video_begins_again_when_it_loops(video: Path) -> None:
    seen = greys(open_camera(str(video), fps=40, loop=True), at_most=9)
    assert seen == pytest.approx([0, 30, 60, 90, 0, 30, 60, 90, 0], abs=2)


def test_photos_come_in_natural_order_and_end(album: Path) -> None:
    assert greys(open_camera(str(album), fps=FAST)) == [1, 2, 10]


def test_photos_begin_again_when_they_loop(album: Path) -> None:
    assert greys(open_camera(str(album), fps=FAST, loop=True), at_most=5) == [1, 2, 10, 1, 2]


def test_one_photo_is_a_camera_too(album: Path) -> None:
    assert greys(open_camera(str(album / "10.jpg"), fps=FAST)) == [10]


def test_closed_camera_gives_nothing(album: Path) -> None:
    camera = open_camera(str(album), fps=FAST, loop=True)
    camera.close()
    camera.close()
    assert camera.read() is None


def test_close_ends_the_wait_for_the_next_photo(album: Path) -> None:
    import threading

    with open_camera(str(album), fps=0.001) as camera:
        assert camera.read() is not None
        threading.Timer(0.05, camera.close).start()
        assert camera.read() is None


def test_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="no photo in the folder"):
        open_camera(str(tmp_path), fps=10)


@pytest.mark.parametrize("name", ["none.mp4", "none.jpg"])
def test_missing_file_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(CameraError, match="There is no"):
        open_camera(str(tmp_path / name), fps=10)


def test_empty_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(CameraError, match="0 bytes"):
        open_camera(str(tmp_path / "a.mp4"), fps=10)


def test_unreadable_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(CameraError, match="cannot be read"):
        open_camera(str(tmp_path / "a.mp4"), fps=10)


def test_broken_photo_is_told_when_its_turn_comes(album: Path) -> None:
    (album / "3.jpg").write_bytes(b"no photo")
    with open_camera(str(album), fps=FAST) as camera:
        assert camera.read() is not None
        assert camera.read() is not None
        with pytest.raises(CameraError, match=r"3\.jpg"):
            camera.read()


def test_impossible_rate_is_refused(album: Path) -> None:
    with pytest.raises(ConfigError, match="frame rate"):
        PhotoCamera([album / "1.jpg"], fps=0, name="album")
