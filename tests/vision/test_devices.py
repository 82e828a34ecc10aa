"""USB and CSI cameras, as far as they can be known without one."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from kit.errors import CameraError
from kit.vision.cameras import open_camera
from kit.vision.cameras.devices import csi_pipeline, driver_time_ns
from kit.vision.cameras.streams import hide_password


@pytest.mark.parametrize("source", ["/dev/video99", "99"])
def test_missing_camera_is_told_at_once(source: str) -> None:
    with pytest.raises(CameraError, match=r"There is no camera '/dev/video99'.*plug it in"):
        open_camera(source, fps=10)


def test_device_that_is_no_camera_is_told() -> None:
    with pytest.raises(CameraError, match="cannot be opened"):
        open_camera("/dev/null", fps=10)


def test_camera_that_may_not_be_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_args: False)
    with pytest.raises(CameraError, match="usermod -aG video"):
        open_camera("/dev/null", fps=10)


def test_unknown_kind_of_camera_is_told() -> None:
    with pytest.raises(CameraError, match=r"virtual://.*Got: ftp://host/x"):
        open_camera("ftp://user:secret@host/x", fps=10)


def test_csi_pipeline_drops_all_but_the_newest_picture() -> None:
    pipeline = csi_pipeline("csi://1")
    assert pipeline.startswith("nvarguscamerasrc sensor-id=1 ! ")
    assert pipeline.endswith("appsink drop=true max-buffers=1 sync=false")
    assert "nvvidconv flip-method=0" in pipeline


def test_csi_camera_may_hang_upside_down() -> None:
    assert "nvvidconv flip-method=2" in csi_pipeline("csi://0?flip=2")


@pytest.mark.parametrize("source", ["csi://", "csi://front", "csi://0?flip=8", "csi://0?flip=x"])
def test_wrong_csi_camera_is_told(source: str) -> None:
    with pytest.raises(CameraError, match="written wrongly"):
        open_camera(source, fps=10)


def test_csi_camera_needs_gstreamer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2.videoio_registry, "hasBackend", lambda _backend: False)
    with pytest.raises(CameraError, match="OpenCV with GStreamer"):
        open_camera("csi://0", fps=10)


def test_driver_stamp_of_the_last_second_is_the_time_of_capture() -> None:
    told_ms = []

    def tell(_what: int) -> float:
        told_ms.append((time.monotonic_ns() - 40_000_000) / 1e6)
        return told_ms[-1]

    found = driver_time_ns(SimpleNamespace(get=tell))
    assert found == round(told_ms[-1] * 1e6)


@pytest.mark.parametrize(
    "stamp_ms",
    [0.0, -1.0, time.time() * 1e3, float(1 << 60)],
    ids=["none", "negative", "wall clock", "far future"],
)
def test_driver_stamp_of_another_clock_is_not_believed(stamp_ms: float) -> None:
    before = time.monotonic_ns()
    found = driver_time_ns(SimpleNamespace(get=lambda _what: stamp_ms))
    assert before <= found <= time.monotonic_ns()


def test_password_is_hidden() -> None:
    assert hide_password("rtsp://me:secret@cam:554/a?b=1") == "rtsp://cam:554/a?b=1"
    assert hide_password("http://cam/a") == "http://cam/a"
    assert Path(hide_password("csi://0")).name == "0"
