"""Inference: frames from MQTT become predictions, the newest frame first and only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from kit.config import share_path
from kit.errors import EventError
from kit.events import Detection, Event, Frame, ModelChange, Prediction, Stage
from kit.messaging.mailbox import LatestMailbox
from kit.monitoring.metrics import Counted, Reading
from kit.services.base import STEP_TIMEOUT_S, Service, ServiceParameters
from kit.services.harvest import AttentiveDetector, Harvester, HarvestRules
from kit.services.swap_policy import SwapRules
from kit.vision.detector import Detector
from kit.vision.frames import decode_jpeg
from kit.vision.overlay import draw
from kit.vision.remote import (
    DEADLINE_S,
    START_DEADLINE_S,
    AnyDetector,
    NoAnswerError,
    open_detector,
)
from kit.watching.doubt import LEAST_CONFIDENCE

if TYPE_CHECKING:
    from kit.services.model_swap import SwappingDetector

SHIPPED = "datasets/model/signs.onnx"
"""The model that comes with the kit."""


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
        registry: Folder or URL of a registry whose promoted model is run instead of ``model``,
            and whose promotions are followed; none if empty.
        swap: What a newly promoted model may do before it is refused or rolled back.
        harvest: Folder that gets the doubtful frames, to be labelled; none are kept if empty.
        harvest_rules: What that folder may take, and when to doubt.
    """

    model: str = ""
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    confidence: Annotated[float, Field(gt=0, lt=1)] | None = None
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    deadline_s: Annotated[float, Field(gt=0, le=START_DEADLINE_S)] = DEADLINE_S
    registry: str = ""
    swap: SwapRules = Field(default_factory=SwapRules)
    harvest: str = ""
    harvest_rules: HarvestRules = Field(default_factory=HarvestRules)

    @model_validator(mode="after")
    def _one_master(self) -> Self:
        if self.registry and "://" in self.model:
            msg = "a model server runs what it likes: name a registry or a server, not both"
            raise ValueError(msg)
        return self


class InferenceService(Service[InferenceParameters]):
    """Decodes the newest frame, runs the detector, publishes what it saw."""

    name: ClassVar[str] = "inference"
    parameters_type: ClassVar[type[ServiceParameters]] = InferenceParameters
    counted: ClassVar[Mapping[str, Counted]] = {
        "predictions": Counted("kit_predictions_total"),
        "detections": Counted("kit_detections_total"),
        "dropped": Counted("kit_frames_dropped_total", {"reason": "overtaken"}),
        "undecodable": Counted("kit_frames_dropped_total", {"reason": "undecodable"}),
        "unanswered": Counted("kit_frames_dropped_total", {"reason": "unanswered"}),
        "models_taken": Counted("kit_model_changes_total", {"outcome": "taken"}),
        "models_refused": Counted("kit_model_changes_total", {"outcome": "refused"}),
        "models_rolled_back": Counted("kit_model_changes_total", {"outcome": "rolled_back"}),
    }
    work: ClassVar[str] = "frame to look at"

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the model, warmed up, and the subscription to frames."""
        self._swapping = self._follow_registry() if self.parameters.registry else None
        detector: AnyDetector = self._swapping or open_detector(
            self.parameters.model,
            provider=self.parameters.provider,
            confidence=self._least_confidence,
            threads=self.parameters.threads,
            deadline_s=self.parameters.deadline_s,
        )
        self._detector = AttentiveDetector(detector, confidence=self.parameters.confidence)
        self._frames: LatestMailbox[tuple[Frame, int]] = LatestMailbox()
        self._shown: tuple[npt.NDArray[np.uint8], tuple[Detection, ...]] | None = None
        self._busy_ms = 0.0
        train = f"train/{self.parameters.train_id}"
        self.client.subscribe(f"{train}/frame", self._receive)
        if self._swapping:
            self.client.subscribe(f"{train}/model", self._hear_of_model)
            self.client.on_connection(self._ask_for_model)
        with ExitStack() as stack:
            stack.callback(self._detector.close)
            self._harvester = self._start_harvest(stack)
            yield

    @property
    def _least_confidence(self) -> float | None:
        # Whether to doubt depends on what the model nearly saw, too.
        return LEAST_CONFIDENCE if self.parameters.harvest else self.parameters.confidence

    def _start_harvest(self, stack: ExitStack) -> Harvester | None:
        if not self.parameters.harvest:
            return None
        folder = Path(self.parameters.harvest).expanduser()
        return stack.enter_context(Harvester(folder, rules=self.parameters.harvest_rules))

    def _follow_registry(self) -> SwappingDetector:
        # Without a registry the service needs none of the registry's packages.
        from kit.mlops.registry.store import open_registry
        from kit.services.model_swap import SwappingDetector

        asked = self.parameters

        def open_model(path: Path, /, *, threads: int | None) -> Detector:
            return Detector(
                path,
                provider=asked.provider,
                confidence=self._least_confidence,
                threads=threads or asked.threads,
            )

        return SwappingDetector(
            Path(asked.model) if asked.model else share_path(SHIPPED),
            open_model=open_model,
            registry=open_registry(asked.registry, settings=self.settings),
            rules=asked.swap,
            confidence=asked.confidence,
            announce=self.client.publish,
            train_id=asked.train_id,
        )

    def _receive(self, event: Event, received_ns: int) -> None:
        if isinstance(event, Frame):
            self._frames.put((event, received_ns))

    def _hear_of_model(self, event: Event, _received_ns: int) -> None:
        if self._swapping and isinstance(event, ModelChange):
            self._swapping.nudge(event)

    def _ask_for_model(self, connected: bool) -> None:  # noqa: FBT001  # the client's way
        if self._swapping and connected:
            self._swapping.nudge(None)  # a promotion may have gone unheard meanwhile

    def step(self) -> None:
        """Look at the newest frame, if there is one."""
        if self._swapping:
            self._swapping.tend()  # between two frames another model may take over
            self.counters.update(self._swapping.counters)
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
        self.took(Stage.FRAME_RECEIVED, received_ns - frame.encoded_ns)
        self.took(Stage.DECODED, decoded_ns - received_ns)
        self.took(Stage.INFERRED, inferred_ns - decoded_ns)
        self.worked()
        if self._harvester:
            self._harvester.offer(frame, image, by=self._detector)
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
            **({"change of model": self._swapping.phase.value} if self._swapping else {}),
            "seen": ", ".join(f"{d.label} {d.confidence:.2f}" for d in signs) or "no sign",
            **(self._harvester.numbers() if self._harvester else {}),
        }

    def readings(self) -> Iterator[Reading]:
        """Yield also which model runs, and what the harvest and the drift are like."""
        yield from super().readings()
        if not self.ready.is_set():  # the model is being loaded
            return
        info = self._detector.info
        yield Reading("kit_model_info", 1, {"model": info.version, "provider": info.provider})
        if self._harvester:
            yield from _harvest_readings(self._harvester)

    def picture(self) -> npt.NDArray[np.uint8] | None:
        """Return the latest frame with its boxes."""
        if self._shown is None:
            return None
        image, detections = self._shown
        return draw(image, detections)


def _harvest_readings(harvester: Harvester) -> Iterator[Reading]:
    for outcome, count in harvester.counters.items():
        yield Reading("kit_harvest_frames_total", count, {"outcome": outcome})
    for name, value in harvester.metrics().items():
        kind, _, figure = name.partition("_")
        if kind == "drift":
            yield Reading("kit_drift_index", value, {"figure": figure})
        elif kind == "mean":
            yield Reading("kit_figure_mean", value, {"figure": figure})
