"""Cameras: one way to open them all.

===========================  ==================================================
``virtual://host:port``      the virtual set
``/dev/video0`` or ``0``     a USB camera
``csi://0``                  a Jetson CSI camera
``http://``, ``rtsp://``     a network stream
a video file                 played in its own time
a photo or a folder of them  one after the other
===========================  ==================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from kit.errors import CameraError
from kit.vision.cameras.camera import Camera, Source
from kit.vision.cameras.devices import csi_opener, usb_opener
from kit.vision.cameras.files import PhotoCamera, VideoCamera
from kit.vision.cameras.live import GIVE_UP_S, LiveCamera
from kit.vision.cameras.streams import hide_password, stream_opener
from kit.vision.cameras.virtual import virtual_opener
from kit.vision.photos import PHOTO_SUFFIXES, find_photos

__all__ = ["Camera", "open_camera"]

_OPENERS: Mapping[str, Callable[[str], Callable[[], Source]]] = {
    "virtual": virtual_opener,
    "csi": csi_opener,
    "http": stream_opener,
    "https": stream_opener,
    "rtsp": stream_opener,
    "rtsps": stream_opener,
}


def open_camera(
    source: str, *, fps: float, loop: bool = False, give_up_s: float = GIVE_UP_S
) -> Camera:
    """Open a camera, whatever it is.

    Args:
        source: What to look through: see the table above.
        fps: Pictures a second to give, above 0. A slower camera gives what it has.
        loop: Whether a video or photos begin again at their end; nothing to live cameras.
        give_up_s: How long a live camera may give no picture, though it is opened again and
            again, before reading fails, seconds.

    Returns:
        An open camera.

    Raises:
        CameraError: If it cannot be opened.
        ConfigError: If the rate is wrong.
    """
    scheme, separator, _ = source.partition("://")
    if separator:
        opener = _opener(scheme.lower(), source)
        return LiveCamera(opener, name=hide_password(source), fps=fps, give_up_s=give_up_s)
    if source.isdigit() or source.startswith("/dev/"):
        return LiveCamera(usb_opener(source), name=source, fps=fps, give_up_s=give_up_s)
    path = Path(source).expanduser()
    if path.is_dir():
        return PhotoCamera(find_photos(path), fps=fps, loop=loop, name=source)
    if path.suffix.lower() in PHOTO_SUFFIXES:
        return PhotoCamera([path], fps=fps, loop=loop, name=source)
    return VideoCamera(path, fps=fps, loop=loop)


def _opener(scheme: str, source: str) -> Callable[[], Source]:
    if scheme not in _OPENERS:
        raise CameraError(
            "There is no such kind of camera",
            expected=", ".join(f"{name}://" for name in _OPENERS),
            got=hide_password(source),
        )
    return _OPENERS[scheme](source)
