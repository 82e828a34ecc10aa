"""How long a detector takes: warm, on frames as the train sees them, two models side by side."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np

from kit.mlops.measuring.labelled import LabelledPhoto
from kit.mlops.measuring.observing import FindsSigns
from kit.vision.frames import Image, fit_frame

MOST_FRAMES = 30
"""Photos of a set that become frames to time."""

LEAST_CALLS = 60
"""Frames are gone through again until each detector was timed this often."""

_WARM_UP = 3


def frames_of(photos: Iterable[LabelledPhoto]) -> list[Image]:
    """Bring the first `MOST_FRAMES` photos to 600 x 400, BGR uint8."""
    return [fit_frame(photo.read()) for photo in islice(photos, MOST_FRAMES)]


def time_frames(
    detectors: Mapping[str, FindsSigns], frames: Sequence[Image], *, calls: int = LEAST_CALLS
) -> dict[str, list[float]]:
    """Time detectors on the same frames, taking turns, so that a busy moment strikes all alike.

    Args:
        detectors: By name; each is warmed up first.
        frames: BGR (400, 600, 3) uint8.
        calls: Each detector is timed so often at least.

    Returns:
        Milliseconds from picture to boxes of each call, by name; empty without frames.
    """
    took: dict[str, list[float]] = {name: [] for name in detectors}
    if not frames:
        return took
    for detector in detectors.values():
        for _ in range(_WARM_UP):
            detector.detect(frames[0])
    for index in range(-(-calls // len(frames)) * len(frames)):
        for name, detector in detectors.items():
            start = time.perf_counter()
            detector.detect(frames[index % len(frames)])
            took[name].append((time.perf_counter() - start) * 1e3)
    return took


def percentiles(took_ms: Sequence[float]) -> dict[str, float]:
    """Return ``p50``, ``p95`` and ``p99`` of times, milliseconds; 0 of none."""
    return {f"p{p}": float(np.percentile(took_ms or [0.0], p)) for p in (50, 95, 99)}
