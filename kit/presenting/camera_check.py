"""The camera, by real frames."""

from __future__ import annotations

import time
from pathlib import Path

from kit.config import Settings
from kit.errors import CameraError
from kit.presenting.check import Check, State, Wanted, absent
from kit.presenting.jetson import is_jetson
from kit.vision.blindness import Blindness
from kit.vision.cameras import open_camera
from kit.vision.cameras.camera import Camera

FRAMES = 5
"""How many frames are looked at."""

FPS = 10.0
"""Frames a second that the show needs."""

GIVE_UP_S = 8.0
"""How long a camera may give nothing, seconds."""

_FIX = "plug it in, or name it with --source; 'v4l2-ctl --list-devices' names cameras"


def check_camera(wanted: Wanted, _settings: Settings) -> Check:
    """Open the camera, and look at a few frames: are they there, fresh, and not black?"""
    source = wanted.source or _found()
    if source is None:
        text = "no camera at this machine; the virtual set has one"
        return absent("camera", text, needed=wanted.hardware, fix=_FIX)
    began_s = time.monotonic()
    with open_camera(source, fps=FPS, loop=True, give_up_s=GIVE_UP_S) as camera:
        opened_s = time.monotonic()
        width, height, problem = _look(camera)
        rate = FRAMES / max(1e-9, time.monotonic() - opened_s)
        live = camera.live
        name = camera.name
    if problem:
        return Check(
            "camera", State.FAILED, f"{name}: {problem}", "take the cap off; else replug it"
        )
    detail = (
        f"{FRAMES} frames of {width} × {height} from {name}, {rate:.0f} a second where "
        f"{FPS:.0f} were asked for, open after {opened_s - began_s:.1f} s"
    )
    if live and rate < FPS / 2:
        return Check(
            "camera", State.WARNING, detail, "give it more light, or a USB port of its own"
        )
    return Check("camera", State.FINE, detail)


def _look(camera: Camera) -> tuple[int, int, str]:
    """Read some frames; return width and height in pixels, and what is wrong with them."""
    blindness, problem = Blindness(), ""
    width = height = 0
    for _ in range(FRAMES):
        picture = camera.read()
        if picture is None:
            raise CameraError("The camera gave no picture", got=camera.name)
        height, width = picture.image.shape[:2]
        if camera.live:
            problem = blindness.of(picture.image) or problem
    return width, height, problem


def _found() -> str | None:
    if Path("/dev/video0").exists():
        return "/dev/video0"
    return "csi://0" if is_jetson() and Path("/tmp/argus_socket").exists() else None  # noqa: S108
