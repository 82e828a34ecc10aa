"""Capture: pictures from a camera become frames on MQTT."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kit.events import Alive, CaptureSwitch, Event, Frame, FrameStamp, Stage
from kit.monitoring.metrics import Counted
from kit.reasons import Reason
from kit.services.base import Service, ServiceParameters
from kit.vision.blindness import Blindness
from kit.vision.cameras import open_camera
from kit.vision.cameras.streams import hide_password
from kit.vision.frames import Picture, encode_jpeg, fit_frame


class CaptureParameters(ServiceParameters):
    """Parameters of the capture service.

    Attributes:
        source: What to look through; see :func:`kit.vision.cameras.open_camera`.
        fps: Frames a second, to 30.
        loop: Whether a video or a folder begins again at its end.
        quality: JPEG quality, 30 to 100.
    """

    source: Annotated[str, Field(min_length=1)]
    fps: Annotated[float, Field(gt=0, le=30)] = 10.0
    loop: bool = False
    quality: Annotated[int, Field(ge=30, le=100)] = 85


class CaptureService(Service[CaptureParameters]):
    """Reads pictures, fits them to 600 x 400, publishes them as JPEG frames.

    A live camera that repeats itself or shows nothing is not published: the train must slow
    down and stop as for a camera that is silent.
    """

    name: ClassVar[str] = "capture"
    parameters_type: ClassVar[type[ServiceParameters]] = CaptureParameters
    counted: ClassVar[Mapping[str, Counted]] = {
        "frames": Counted("kit_frames_captured_total"),
        "blind": Counted("kit_pictures_withheld_total"),
    }
    work: ClassVar[str] = "picture from the camera"

    _paused = ""

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the camera open."""
        self._latest: Picture | None = None
        self._bytes = 0
        self._blindness = Blindness()
        self._blind: str | None = None
        topic = f"train/{self.parameters.train_id}/{CaptureSwitch.kind}"
        self.client.subscribe(topic, self._receive_switch)
        with open_camera(
            self.parameters.source, fps=self.parameters.fps, loop=self.parameters.loop
        ) as self._camera:
            yield

    def _receive_switch(self, event: Event, _received_ns: int) -> None:
        if isinstance(event, CaptureSwitch):
            self._paused = "" if event.on else event.reason or Reason.PAUSED
            self.client.publish(self._alive())  # who switched it waits for our word

    def _alive(self, **changes: Any) -> Alive:
        paused = {"paused": True, "detail": self._paused} if self._paused else {}
        return super()._alive(**{**paused, **changes})

    def step(self) -> None:
        """Publish one picture."""
        picture = self._camera.read()
        if picture is None:
            self.stop("end of source")
            return
        if self._paused:  # the camera goes on, so that the next picture is of its own moment
            self._latest = picture
            self.worked()
            return
        self._blind = self._blindness.of(picture.image) if self._camera.live else None
        if self._blind:
            self._latest = picture
            self.count("blind")
            return
        image = fit_frame(picture.image)
        jpeg = encode_jpeg(image, quality=self.parameters.quality)
        stamp = FrameStamp.new(
            sequence=self.counters.get("frames", 0),
            captured_ns=picture.captured_ns,
            captured_at=picture.captured_at,
        )
        encoded_ns = time.monotonic_ns()
        self.client.publish(
            Frame(
                train_id=self.parameters.train_id,
                event_id=stamp.frame_id,
                frame=stamp,
                encoded_ns=encoded_ns,
                image=jpeg,
            )
        )
        self.took(Stage.ENCODED, encoded_ns - picture.captured_ns)
        self.worked()
        self._latest, self._bytes = picture, len(jpeg)
        self.count("frames")

    def numbers(self) -> dict[str, int | float | str]:
        """Return frames so far, their rate and size."""
        frames = self.counters.get("frames", 0)
        return {
            "frames": frames,
            "frames a second": round(frames / self.elapsed_s, 1) if self.elapsed_s else 0.0,
            "kB a frame": round(self._bytes / 1000, 1),
            "source": hide_password(self.parameters.source),
            **({"blind": self._blind} if self._blind else {}),
            **({"paused": self._paused} if self._paused else {}),
        }

    def troubles(self) -> list[str]:
        """Return also what keeps the camera from seeing."""
        found = super().troubles()
        if self.ready.is_set() and self._blind:
            found.append(self._blind)
        return found

    def picture(self) -> npt.NDArray[np.uint8] | None:
        """Return the latest frame."""
        return None if self._latest is None else fit_frame(self._latest.image)
