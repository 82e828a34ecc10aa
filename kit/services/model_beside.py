"""The thread beside the live one: it fetches, loads and tries models, one thing at a time."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kit.events import Detection
from kit.mlops.registry.store import Promotion, Registry
from kit.mlops.registry.trust import Distrust, UntrustedModelError
from kit.services.swap_policy import Comparison, compare
from kit.vision.detector import Detector
from kit.vision.frames import Image
from kit.vision.model import ModelInfo
from kit.vision.providers import PROVIDERS

SHADOW_THREADS = 1
"""Threads of a model that only looks on: live frames need the processor more."""

NICENESS = 10
"""How far the thread beside stands back, as ``nice`` counts it."""

_THREAD_CLOCK_IS_FINE = time.get_clock_info("thread_time").resolution <= 1e-4
_Found = tuple[Detection, ...]
_Then = Callable[[Future[Any]], None]


class Opener(Protocol):
    """Opens a model file as the service wants it."""

    def __call__(self, model: Path, /, *, threads: int | None) -> Detector:
        """Return a detector that is warmed up, with so many threads; its usual number if None."""
        ...


@dataclass(frozen=True)
class Candidate:
    """A model that is tried.

    Attributes:
        promotion: What the registry says of it.
        path: Its file, checked.
        shadow: It, with one thread; the thread beside uses it.
        reference: The model that is in use before it, with one thread; likewise.
    """

    promotion: Promotion
    path: Path
    shadow: Detector
    reference: Detector


class Beside:
    """Does one job at a time in a thread of its own; each method belongs to the live thread.

    Args:
        open_model: Opens a model file.
        registry: Where promoted models are.
        confidence: Detections below do not count; each model's own threshold if None.
    """

    def __init__(self, *, open_model: Opener, registry: Registry, confidence: float | None) -> None:
        self._open = open_model
        self._registry = registry
        self._confidence = confidence
        self._turns = 0
        self._job: tuple[Future[Any], _Then] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="kit-models-")
        self._executor = ThreadPoolExecutor(
            1, thread_name_prefix="model-beside", initializer=_step_back
        )
        # Threads inherit their priority: a model that is to be used must be opened by another.
        self._full = ThreadPoolExecutor(1, thread_name_prefix="model-opening")

    @property
    def busy(self) -> bool:
        """Whether a job is under way, or done and not yet taken in by :meth:`settle`."""
        return self._job is not None

    def settle(self) -> None:
        """Hand on the result of the job that is done, if one is."""
        if self._job is not None and self._job[0].done():
            (future, then), self._job = self._job, None
            then(future)

    def close(self) -> None:
        """End the thread; what it was about to do is given up."""
        for executor in (self._executor, self._full):
            executor.shutdown(wait=True, cancel_futures=True)
        self._folder.cleanup()

    def see_promoted(self, then: _Then) -> None:
        """Start to read which version is promoted: a `Promotion` or None."""
        self._start(self._registry.promoted, then)

    def load(self, promotion: Promotion, base: Path, then: _Then) -> None:
        """Start to fetch, check and load a model to try it: a `Candidate`.

        Args:
            promotion: Which one.
            base: File of the model that it is to be compared with.
            then: Called by :meth:`settle`.
        """
        self._start(lambda: self.candidate(promotion, base), then)

    def load_for_use(self, promotion: Promotion, then: _Then) -> None:
        """Start to fetch, check and load a model with all threads: a `Detector`."""
        self._start(lambda: self._open(self._fetch(promotion), threads=None), then, self._full)

    def open_for_use(self, candidate: Candidate, then: _Then) -> None:
        """Start to load a candidate with all threads: a `Detector`."""
        self._start(lambda: self._open(candidate.path, threads=None), then, self._full)

    def look_in_turns(self, candidate: Candidate, image: Image, then: _Then) -> None:
        """Start to look at a frame with the candidate and the one in use: a `Comparison`."""
        pair = (candidate.reference, candidate.shadow)
        self._turns += 1
        in_order = pair if self._turns % 2 else pair[::-1]  # the first one may have it easier

        def look() -> Comparison:
            looks = {detector: timed(detector, image) for detector in in_order}
            (old, old_ms), (new, new_ms) = (looks[detector] for detector in pair)
            return compare(
                self._counting(old, candidate.reference.info),
                self._counting(new, candidate.shadow.info),
                old_ms=old_ms,
                new_ms=new_ms,
            )

        self._start(look, then)

    def look_behind(self, candidate: Candidate, image: Image, found: _Found, then: _Then) -> None:
        """Start to look with the model before at a frame that the candidate answered.

        Args:
            candidate: It is in use now.
            image: The frame.
            found: What it saw.
            then: Called by :meth:`settle`, with a `Comparison`.
        """

        def look() -> Comparison:
            old = candidate.reference.detect(image)
            return compare(
                self._counting(old, candidate.reference.info),
                self._counting(found, candidate.shadow.info),
            )

        self._start(look, then)

    def candidate(self, promotion: Promotion, base: Path) -> Candidate:
        """Do what :meth:`load` starts, in this very thread.

        Raises:
            KitError: If the model cannot be fetched, is not to be believed, or no model.
        """
        path = self._fetch(promotion)
        shadow = self._open(path, threads=SHADOW_THREADS)
        reference = self._open(base, threads=SHADOW_THREADS)
        return Candidate(promotion, path, shadow, reference)

    def _start(
        self, work: Callable[[], Any], then: _Then, executor: ThreadPoolExecutor | None = None
    ) -> None:
        assert self._job is None
        self._job = ((executor or self._executor).submit(work), then)

    def _fetch(self, promotion: Promotion) -> Path:
        """Fetch a model, checked before anything is loaded, into a folder that is only ours."""
        model, manifest = self._registry.fetch(promotion.version)
        if manifest.sha256 != promotion.sha256:
            raise UntrustedModelError(
                Distrust.TAMPERED_MODEL,
                f"Version {promotion.version} is not the model that was promoted",
                expected=f"SHA-256 {promotion.sha256}",
                got=manifest.sha256,
            )
        path = Path(self._folder.name) / f"{promotion.sha256}.onnx"
        path.write_bytes(model)
        return path

    def _counting(self, found: _Found, info: ModelInfo) -> list[Detection]:
        least = info.threshold if self._confidence is None else self._confidence
        return [d for d in found if d.confidence >= least]


def _step_back() -> None:
    """Let live frames go first: on Linux each thread has a priority of its own."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)


def timed(detector: Detector, image: Image) -> tuple[_Found, float]:
    """Look at a frame with a detector.

    Returns:
        What it saw, and the time that took, milliseconds. On the CPU that is processor time of
        the thread that asks, of which a model has its fixed share: it does not depend on who
        else is busy.

    Raises:
        KitError: As the detector does.
    """
    on_cpu = detector.info.provider == PROVIDERS["cpu"] and _THREAD_CLOCK_IS_FINE
    clock = time.thread_time if on_cpu else time.perf_counter
    begun = clock()
    found = detector.detect(image)
    return found, (clock() - begun) * 1e3
