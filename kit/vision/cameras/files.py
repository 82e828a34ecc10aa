"""Cameras that play files: a video at its own speed, a folder of photos one by one."""

from __future__ import annotations

import math
import threading
import time
from abc import abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from kit.errors import CameraError
from kit.vision.cameras.camera import NS_PER_S, Camera, Pace
from kit.vision.frames import Image, Picture
from kit.vision.photos import read_photo, refuse_missing

USUAL_FPS = 30.0
"""Frames a second of a video that does not say."""


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One frame of a video.

    Attributes:
        image: ``(H, W, 3)`` uint8, BGR, upright.
        index: Position in the video, from 0.
        time_s: Time from the video's start at its own rate, seconds.
    """

    image: Image
    index: int
    time_s: float


def video_frames(path: Path, *, fps: float = math.inf) -> Generator[VideoFrame]:
    """Read a video as fast as it can be read.

    Args:
        path: Any file that FFmpeg can read.
        fps: Leave frames out to come down to this rate; all frames if the video has fewer.

    Yields:
        The frames in order.

    Raises:
        CameraError: If the file is missing or not a single frame can be read.
    """
    capture = _open_video(path)
    try:
        own_fps = _own_fps(capture)
        every = max(1.0, own_fps / fps)
        index, taken = 0, 0
        while capture.grab():
            if index >= taken * every:
                _, image = capture.retrieve()
                yield VideoFrame(np.asarray(image, np.uint8), index, index / own_fps)
                taken += 1
            index += 1
        if not taken:
            raise _unreadable(path)
    finally:
        capture.release()


class _PlayedCamera(Camera):
    """Gives each picture when its time has come, as a live camera would; never skips one."""

    def __init__(self, name: str, *, fps: float, loop: bool) -> None:
        self.name = name
        self._period_ns = Pace(fps).period_ns
        self._loop = loop
        self._closing = threading.Event()
        self._due_ns = time.monotonic_ns()
        self._sequence = 0
        self._pictures = self._play()

    @abstractmethod
    def _images(self) -> Iterator[Image]:
        """Read the files once, from the start."""

    def read(self) -> Picture | None:
        """Wait until the next picture is due.

        Returns:
            The picture, or None at the end of the files or when the camera was closed.

        Raises:
            CameraError: If a file is broken.
        """
        image = next(self._pictures, None)
        if image is None or self._closing.wait(self._seconds_to_wait()):
            return None
        now_ns = time.monotonic_ns()
        # A reader that came late shifts what follows: no burst makes up for it.
        self._due_ns = max(self._due_ns, now_ns - self._period_ns // 2) + self._period_ns
        self._sequence += 1
        return Picture(image, self._sequence - 1, now_ns, datetime.now(UTC))

    def close(self) -> None:
        """End a waiting read; the files are closed by the reader."""
        self._closing.set()

    def _seconds_to_wait(self) -> float:
        return max(0, self._due_ns - time.monotonic_ns()) / NS_PER_S

    def _play(self) -> Iterator[Image]:
        while not self._closing.is_set():
            yield from self._images()
            if not self._loop:
                return


class VideoCamera(_PlayedCamera):
    """Plays a video in its own time.

    Args:
        path: The file.
        fps: Pictures a second to give; frames between are left out. A video with fewer
            frames is not sped up.
        loop: Whether to begin again at the end.

    Raises:
        CameraError: If the file is missing or is no video.
        ConfigError: If the rate is wrong.
    """

    def __init__(self, path: Path, *, fps: float, loop: bool = False) -> None:
        capture = _open_video(path)
        own_fps = _own_fps(capture)
        capture.release()
        super().__init__(str(path), fps=min(fps, own_fps), loop=loop)
        self._path, self._fps = path, min(fps, own_fps)

    def _images(self) -> Iterator[Image]:
        with closing(video_frames(self._path, fps=self._fps)) as frames:
            for frame in frames:
                yield frame.image


class PhotoCamera(_PlayedCamera):
    """Shows photos one after the other.

    Args:
        paths: The files, in order.
        fps: Photos a second.
        loop: Whether to begin again at the end.
        name: What to call the camera.

    Raises:
        CameraError: If a file is missing.
        ConfigError: If the rate is wrong.
    """

    def __init__(self, paths: Sequence[Path], *, fps: float, loop: bool = False, name: str) -> None:
        super().__init__(name, fps=fps, loop=loop)
        for path in paths:
            refuse_missing(path)
        self._paths = tuple(paths)

    def _images(self) -> Iterator[Image]:
        return (read_photo(path) for path in self._paths)


def _open_video(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        raise CameraError(f"There is no video '{path}'", expected="a file")
    if path.stat().st_size == 0:
        raise CameraError(f"The video '{path}' is empty", expected="a video file", got="0 bytes")
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise _unreadable(path)
    return capture


def _own_fps(capture: cv2.VideoCapture) -> float:
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if math.isfinite(fps) and 0 < fps <= 1000 else USUAL_FPS


def _unreadable(path: Path) -> CameraError:
    return CameraError(
        f"The video '{path}' cannot be read",
        expected="a file that FFmpeg can play, such as an MP4 with H.264",
        fix="copy the file again, or convert it: ffmpeg -i IN -c:v libx264 OUT.mp4",
    )
