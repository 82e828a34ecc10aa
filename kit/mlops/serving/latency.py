"""How long detectors take for the same picture, side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from kit.labels import say
from kit.vision.frames import Image
from kit.vision.remote import AnyDetector


class Latency(NamedTuple):
    """How long a detector took, in milliseconds.

    Attributes:
        p50: At the median.
        p95: Longer in one case of twenty only.
        slowest: At most.
    """

    p50: float
    p95: float
    slowest: float

    def __str__(self) -> str:
        return say(
            "{one.p50:.1f} ms at the median, {one.p95:.1f} at p95, {one.slowest:.1f} at most",
            one=self,
        )


def compare_latency(
    detectors: Mapping[str, AnyDetector], image: Image, *, rounds: int = 30
) -> dict[str, Latency]:
    """Measure detectors in turns, so that what else the machine does meets all alike.

    Args:
        detectors: By name.
        image: What they look at, ``(H, W, 3)`` uint8, BGR.
        rounds: How often each looks, after once for warming up.

    Returns:
        The latency of each, from picture to signs.

    Raises:
        KitError: If one of them fails.
    """
    for detector in detectors.values():
        detector.detect(image)
    took_ms: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(rounds):
        for name, detector in detectors.items():
            began_ns = time.perf_counter_ns()
            detector.detect(image)
            took_ms[name].append((time.perf_counter_ns() - began_ns) / 1e6)
    return {
        name: Latency(*(float(v) for v in np.percentile(values, (50, 95, 100))))
        for name, values in took_ms.items()
    }
