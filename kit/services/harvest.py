"""Harvest: keeps doubtful frames and watches for drift, beside the live frames.

The service hands each frame over and goes on; a thread of its own judges, measures and writes. When
that thread is behind, frames are passed over and counted. A full or unwritable disk is counted too.
"""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from types import TracebackType
from typing import Annotated, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from kit.errors import ConfigError
from kit.events import Detection, Frame
from kit.labels import say
from kit.vision.frames import Image
from kit.vision.model import ModelInfo
from kit.vision.remote import AnyDetector
from kit.watching.doubt import Doubt, Doubter, DoubtRules, Reason, Sighting
from kit.watching.drift import CHANGED, LEAST_VALUES, Drift, Reference
from kit.watching.figures import Look, figures_of, look_of
from kit.watching.granary import Granary, Outcome
from kit.watching.harvest import REFERENCE, HarvestedFrame
from kit.watching.likeness import fingerprint

WAITING_FRAMES = 2
"""Frames that may wait to be judged; more are passed over."""

DRIFT_EVERY = 30
"""Frames between two comparisons with the reference."""

STOP_TIMEOUT_S = 5.0
"""How long the end may wait for the last frame to be written, seconds."""


class HarvestRules(BaseModel):
    """What a harvest may take, and when to doubt.

    Attributes:
        pictures: How many frames to keep at most.
        megabytes: Millions of bytes that they may take.
        sample_every: Also keep one frame in so many, doubtful or not; 0 keeps none.
        drift_window: How many frames to compare with the reference, and to make it of.
        doubt: When to doubt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pictures: Annotated[int, Field(ge=1, le=100_000)] = 200
    megabytes: Annotated[float, Field(gt=0, le=1e6)] = 50.0
    sample_every: Annotated[int, Field(ge=0)] = 0
    drift_window: Annotated[int, Field(ge=LEAST_VALUES, le=100_000)] = 300
    doubt: DoubtRules = Field(default_factory=DoubtRules)


class AttentiveDetector:
    """A detector that says the same as another, and remembers what was too weak to be said.

    Args:
        detector: Opened with `kit.watching.doubt.LEAST_CONFIDENCE`; its model may change.
        confidence: Detections below are not said, 0..1; the model's own threshold if None.

    Attributes:
        all: What the detector saw in the last picture, weak detections too.
    """

    def __init__(self, detector: AnyDetector, *, confidence: float | None) -> None:
        self._detector = detector
        self._asked = confidence
        self.all: tuple[Detection, ...] = ()

    @property
    def info(self) -> ModelInfo:
        """What the model says of itself, and the provider that runs it."""
        return self._detector.info

    @property
    def confidence(self) -> float:
        """Detections below are not said, 0..1."""
        return self.info.threshold if self._asked is None else self._asked

    def detect(self, image_bgr: Image) -> tuple[Detection, ...]:
        """Find the signs of a picture, ``(H, W, 3)`` uint8, BGR."""
        self.all = self._detector.detect(image_bgr)
        least = float(np.float32(self.confidence))  # as a detector compares its float32 scores
        return tuple(d for d in self.all if d.confidence >= least)

    def close(self) -> None:
        """Let go what the detector holds."""
        self._detector.close()


class _Waiting(NamedTuple):
    """A frame on its way to the thread."""

    frame: Frame
    image: Image
    sighting: Sighting


class _Measured(NamedTuple):
    """A frame that waits for the next one to be judged."""

    frame: Frame
    look: Look
    bits: int
    sighting: Sighting


class Harvester:
    """Judges frames in a thread of its own and keeps the doubtful ones; a context manager.

    Frames that come one by one, none passed over, always leave the same harvest.

    Args:
        folder: Where the harvest goes; made when the first frame comes.
        rules: What it may take, and when to doubt.
    """

    def __init__(self, folder: Path, *, rules: HarvestRules | None = None) -> None:
        self._folder = folder
        self._rules = rules = rules or HarvestRules()
        self._doubter: Doubter[_Measured] = Doubter(rules.doubt)
        self._granary = Granary(
            folder, pictures=rules.pictures, max_bytes=round(rules.megabytes * 1e6)
        )
        self._drift = Drift(window=rules.drift_window)
        self._indices: dict[str, float] = {}
        self._means: dict[str, float] = {}
        self._trouble = ""
        self._kept = "no frame yet"
        self._counters = dict.fromkeys(
            ("judged", "doubtful", *(o.value for o in Outcome), "failed"), 0
        )
        self._dropped = 0
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(WAITING_FRAMES)
        self._thread = threading.Thread(target=self._work, name="harvest", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._waiting.put(None, timeout=STOP_TIMEOUT_S)
        except queue.Full:  # the disk hangs; the thread ends with the process
            return
        self._thread.join(STOP_TIMEOUT_S)

    def offer(self, frame: Frame, image: Image, *, by: AttentiveDetector) -> None:
        """Hand a frame over; never waits and never raises.

        Args:
            frame: As it came.
            image: Its picture, ``(H, W, 3)`` uint8 BGR; nobody may write to it any more.
            by: The detector that looked at it last.
        """
        threshold = by.confidence
        worth_knowing = self._rules.doubt.floor(threshold)
        found = tuple(d for d in by.all if d.confidence >= worth_knowing)
        sighting = Sighting(frame.frame.captured_ns, by.info.version, threshold, found)
        try:
            self._waiting.put_nowait(_Waiting(frame, image, sighting))
        except queue.Full:
            self._dropped += 1

    @property
    def counters(self) -> dict[str, int]:
        """How many frames were judged, doubtful, kept, alike, crowded out, failed or dropped."""
        return {**self._counters, "dropped": self._dropped}

    @property
    def trouble(self) -> str:
        """Why the last frame could not be kept, in words; empty if all is well."""
        return self._trouble

    def numbers(self) -> dict[str, int | float | str]:
        """Return what a service shows: doubtful frames, how many are kept, and what drifts."""
        counters = self.counters
        return {
            "doubtful": counters["doubtful"],
            "harvest": self._trouble or self._kept,
            "drift": self._tell_drift(),
        }

    def metrics(self) -> dict[str, float]:
        """Return all figures by name, for a monitor.

        Returns:
            ``harvest_<counter>``, ``drift_<figure>`` (population stability index) and
            ``mean_<figure>`` (over the last frames).
        """
        return {
            **{f"harvest_{name}": float(count) for name, count in self.counters.items()},
            **{f"drift_{name}": index for name, index in self._indices.items()},
            **{f"mean_{name}": mean for name, mean in self._means.items()},
        }

    def _tell_drift(self) -> str:
        if not self._indices:
            return "not known yet"
        worst = max(self._indices, key=lambda name: self._indices[name])
        figure = f"{worst} {self._indices[worst]:.2f}"
        if self._indices[worst] >= CHANGED:
            return say("changed: {figure}", figure=figure)
        return say("at most: {figure}", figure=figure)

    def _work(self) -> None:
        self._load_reference()
        while (item := self._waiting.get()) is not None:
            frame, image, sighting = item
            measured = _Measured(frame, look_of(image), fingerprint(image), sighting)
            if judged := self._doubter.push(measured, sighting):
                self._take(*judged)
        if judged := self._doubter.finish():
            self._take(*judged)

    def _take(self, measured: _Measured, doubts: tuple[Doubt, ...]) -> None:
        self._counters["judged"] += 1
        self._counters["doubtful"] += bool(doubts)
        self._watch(measured, doubtful=bool(doubts))
        every = self._rules.sample_every
        if every and self._counters["judged"] % every == 0:
            doubts = (*doubts, Doubt(reason=Reason.SAMPLE, score=0))
        if doubts:
            self._keep(measured, doubts)

    def _watch(self, measured: _Measured, *, doubtful: bool) -> None:
        known = self._drift.reference
        self._drift.push(figures_of(measured.look, measured.sighting.seen, doubtful=doubtful))
        if self._drift.reference is not known:
            self._save_reference()
        if self._counters["judged"] % DRIFT_EVERY == 0:
            self._indices, self._means = self._drift.indices(), self._drift.means()

    def _keep(self, measured: _Measured, doubts: tuple[Doubt, ...]) -> None:
        entry = _entry(measured, doubts)
        try:
            outcome = self._granary.keep(entry, measured.frame.image)
        except OSError as error:  # full, read-only, or gone: the train does not care
            self._fail(error)
            return
        self._counters[outcome] += 1
        self._trouble = ""
        count, size_mb = len(self._granary.entries), self._granary.size / 1e6
        self._kept = say("{count} frames, {size_mb:.1f} MB", count=count, size_mb=size_mb)

    def _load_reference(self) -> None:
        path = self._folder / REFERENCE
        if path.exists():
            try:
                self._drift.reference = Reference.load(path)
            except ConfigError as error:  # made anew of the first frames
                self._fail(error)

    def _save_reference(self) -> None:
        if self._drift.reference is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._drift.reference.save(self._folder / REFERENCE)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._counters["failed"] += 1
        self._trouble = str(error)


def _entry(measured: _Measured, doubts: tuple[Doubt, ...]) -> HarvestedFrame:
    frame, _, bits, sighting = measured
    return HarvestedFrame(
        frame=frame.frame,
        train_id=frame.train_id,
        width=frame.width,
        height=frame.height,
        model=sighting.model,
        threshold=sighting.threshold,
        detections=sighting.detections,
        doubts=doubts,
        fingerprint=f"{bits:016x}",
    )
