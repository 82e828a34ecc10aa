"""Network streams: MJPEG over HTTP, RTSP, and whatever else FFmpeg can play."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import cv2

from kit.errors import CameraError
from kit.vision.cameras.camera import Source
from kit.vision.cameras.capture import CaptureSource

OPEN_TIMEOUT_MS = 5000
"""How long a network stream may take to open, milliseconds."""

READ_TIMEOUT_MS = 3000
"""How long a network stream may be silent before it counts as lost, milliseconds."""


def stream_opener(url: str) -> Callable[[], Source]:
    """Prepare to open a network stream.

    Args:
        url: ``http://``, ``https://``, ``rtsp://`` or ``rtsps://``; MJPEG or any video that
            FFmpeg can play.

    Returns:
        A function that opens it, or raises CameraError.
    """
    numbers = itertools.count()
    timeouts = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS,
    ]  # fmt: skip

    def open_source() -> Source:
        capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)
        if not capture.isOpened():
            raise CameraError(
                f"The stream '{hide_password(url)}' cannot be opened",
                expected="a video stream, such as MJPEG, at that address",
                fix="open the address in a player, such as ffplay",
            )
        if capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:
            capture.release()
            raise CameraError(
                f"'{hide_password(url)}' is a video file, not a live stream",
                fix="download it and name the file: it is then played in its own time",
            )
        return CaptureSource(capture, name=hide_password(url), numbers=numbers)

    return open_source


def hide_password(url: str) -> str:
    """Return a URL without its user name and password, fit to be shown and logged."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
