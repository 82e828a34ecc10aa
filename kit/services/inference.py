"""Inference: frames from MQTT become predictions, the newest frame first and only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kit.errors import EventError
from kit.events import Detection, Event, Frame, Prediction, Stage
from kit.messaging.mailbox import LatestMailbox
from kit.services.base import STEP_TIMEOUT_S, Service, ServiceParameters
from kit.vision.frames import decode_jpeg
from kit.vision.overlay import draw
from kit.vision.remote import DEADLINE_S, START_DEADLINE_S, NoAnswerError, open_detector


class InferenceParameters(ServiceParameters):
    """Parameters of the inference service.

    Attributes:
        model: Path of an ONNX model, or its URL at a model server, such as
            ``grpc://127.0.0.1:8091/signs``; the shipped one if empty.
        provider: Where it runs: ``auto`` takes TensorRT, CUDA or CPU, the first that works.
        confidence: Detections below are left out, 0 to 1; the model's own threshold if None.
        threads: Threads of the CPU provider.
        deadline_s: How long a model server may take for a frame, seconds. The train slows when
            decisions are silent for 0.25 s, and does not move on frames older than 0.3 s.
    """

    model: str = ""
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    confidence: Annotated[float, Field(gt=0, lt=1)] | None = None
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    deadline_s: Annotated[float, Field(gt=0, le=START_DEADLINE_S)] = DEADLINE_S


class InferenceService(Service[InferenceParameters]):
    """Decodes the newest frame, runs the detector, publishes what it saw."""

    name: ClassVar[str] = "inference"
    parameters_type: ClassVar[type[ServiceParameters]] = InferenceParameters

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the model, warmed up, and the subscription to frames."""
        self._detector = open_detector(
            self.parameters.model,
            provider=self.parameters.provider,
            confidence=self.parameters.confidence,
            threads=self.parameters.threads,
            deadline_s=self.parameters.deadline_s,
        )
        self._frames: LatestMailbox[tuple[Frame, int]] = LatestMailbox()
        self._shown: tuple[npt.NDArray[np.uint8], tuple[Detection, ...]] | None = None
        self._busy_ms = 0.0
        self.client.subscribe(f"train/{self.parameters.train_id}/frame", self._receive)
        try:
            yield
        finally:
            self._detector.close()

    def _receive(self, event: Event, received_ns: int) -> None:
        if isinstance(event, Frame):
            self._frames.put((event, received_ns))

    def step(self) -> None:
        """Look at the newest frame, if there is one."""
        item = self._frames.get(STEP_TIMEOUT_S)
        self.counters["dropped"] = self._frames.dropped
        if item is None:
            return
        frame, received_ns = item
        try:
            image = decode_jpeg(frame.image)
        except EventError:  # one torn picture; the next one comes within the lease
            self.count("undecodable")
            return
        decoded_ns = time.monotonic_ns()
        try:
            detections = self._detector.detect(image)
        except NoAnswerError:  # of a model server; without predictions the train stops by itself
            self.count("unanswered")
            return
        inferred_ns = time.monotonic_ns()
        self.client.publish(
            Prediction(
                train_id=frame.train_id,
                frame=frame.frame,
                detections=detections,
                model=self._detector.info.version,
                provider=self._detector.info.provider,
                marks={
                    Stage.ENCODED: frame.encoded_ns,
                    Stage.FRAME_RECEIVED: received_ns,
                    Stage.DECODED: decoded_ns,
                    Stage.INFERRED: inferred_ns,
                },
            )
        )
        self._shown = (image, detections)
        self._busy_ms = (inferred_ns - received_ns) / 1e6
        self.count("predictions")
        self.count("detections", len(detections))

    def numbers(self) -> dict[str, int | float | str]:
        """Return predictions, drops, time a frame and the signs of the latest frame."""
        signs = self._shown[1] if self._shown else ()
        return {
            **{name: self.counters.get(name, 0) for name in ("predictions", "dropped")},
            "ms a frame": round(self._busy_ms, 1),
            "model": self._detector.info.version,
            "provider": self._detector.info.provider,
            "seen": ", ".join(f"{d.label} {d.confidence:.2f}" for d in signs) or "no sign",
        }

    def picture(self) -> npt.NDArray[np.uint8] | None:
        """Return the latest frame with its boxes."""
        if self._shown is None:
            return None
        image, detections = self._shown
        return draw(image, detections)
