"""Cameras at this computer: USB cameras, and the CSI cameras of a Jetson."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import cv2

from kit.errors import CameraError
from kit.vision.cameras.camera import NS_PER_S, Source
from kit.vision.cameras.capture import CaptureSource

USB_SIZE = (640, 480)
"""Width and height asked of a USB camera; it may choose others."""

CSI_SIZE = (1280, 720)
"""Width and height asked of a CSI sensor: a mode that all Jetson camera modules have."""

CSI_PICTURE_SIZE = (960, 540)
"""Width and height to which the Jetson's own scaler brings them."""

CAMERA_FPS = 30
"""Pictures a second asked of a camera, whatever rate is read: fresh pictures cost nothing."""


def usb_opener(device: str) -> Callable[[], Source]:
    """Prepare to open a USB (V4L2) camera.

    Args:
        device: ``/dev/video0``, or its number alone.

    Returns:
        A function that opens it, or raises CameraError.
    """
    numbers = itertools.count()
    path = Path(f"/dev/video{device}" if device.isdigit() else device)

    def open_source() -> Source:
        if sys.platform == "linux":
            _check_device(path)
            capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        else:
            capture = cv2.VideoCapture(int(device), cv2.CAP_ANY)
        if not capture.isOpened():
            raise CameraError(
                f"The camera '{path}' cannot be opened",
                fix="close other programs that use it; 'v4l2-ctl --list-devices' names cameras",
            )
        # Compressed pictures first: raw ones do not fit through USB 2 at 30 a second.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, USB_SIZE[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, USB_SIZE[1])
        capture.set(cv2.CAP_PROP_FPS, CAMERA_FPS)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)
        return CaptureSource(capture, name=str(path), numbers=numbers, clock=driver_time_ns)

    return open_source


def driver_time_ns(capture: cv2.VideoCapture) -> int:
    """Return when the driver says that the picture just grabbed was complete.

    V4L2 stamps each picture with the monotonic clock, before any queue. A stamp that is not
    of the last second is of another clock; the present is taken instead.

    Args:
        capture: On which ``grab`` has succeeded.

    Returns:
        Monotonic time, nanoseconds.
    """
    now_ns = time.monotonic_ns()
    driver_ns = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
    return driver_ns if 0 <= now_ns - driver_ns < NS_PER_S else now_ns


def csi_pipeline(source: str) -> str:
    """Build the GStreamer pipeline of a Jetson CSI camera.

    Args:
        source: ``csi://0`` (sensor 0), or ``csi://0?flip=2`` for a camera that hangs upside
            down; the numbers are those of nvvidconv's ``flip-method``, 0 to 7.

    Returns:
        A pipeline that ends in an appsink which keeps the newest BGR picture only.

    Raises:
        CameraError: If the source is written wrongly.
    """
    parts = urlsplit(source)
    flip = parse_qs(parts.query).get("flip", ["0"])[-1]
    if not parts.netloc.isdigit() or flip not in tuple("01234567"):
        raise CameraError(
            "This CSI camera is written wrongly",
            expected="csi://NUMBER or csi://NUMBER?flip=0..7",
            got=source,
        )
    sensor = "video/x-raw(memory:NVMM), width={}, height={}, framerate={}/1"
    scaled = "video/x-raw, width={}, height={}, format=BGRx"
    return " ! ".join(
        (
            f"nvarguscamerasrc sensor-id={parts.netloc}",
            sensor.format(*CSI_SIZE, CAMERA_FPS),
            f"nvvidconv flip-method={flip}",
            scaled.format(*CSI_PICTURE_SIZE),
            "videoconvert",
            "video/x-raw, format=BGR",
            "appsink drop=true max-buffers=1 sync=false",
        )
    )


def csi_opener(source: str) -> Callable[[], Source]:
    """Prepare to open a Jetson CSI camera.

    Args:
        source: See :func:`csi_pipeline`.

    Returns:
        A function that opens it, or raises CameraError.

    Raises:
        CameraError: If the source is written wrongly.
    """
    numbers = itertools.count()
    pipeline = csi_pipeline(source)

    def open_source() -> Source:
        if not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
            raise CameraError(
                f"The camera '{source}' needs an OpenCV with GStreamer, and this one has none",
                fix="on the Jetson, use JetPack's OpenCV: see docs/jetson.md",
            )
        capture = cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER)
        if not capture.isOpened():
            raise CameraError(
                f"The camera '{source}' cannot be opened",
                fix="check its ribbon cable, then: sudo systemctl restart nvargus-daemon",
            )
        return CaptureSource(capture, name=source, numbers=numbers)

    return open_source


def _check_device(path: Path) -> None:
    if not path.exists():
        there = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "no camera"
        raise CameraError(
            f"There is no camera '{path}'", got=there, fix="plug it in, or name another"
        )
    if not os.access(path, os.R_OK | os.W_OK):
        raise CameraError(
            f"You may not use the camera '{path}'",
            fix="run: sudo usermod -aG video $USER, then log in again",
        )
