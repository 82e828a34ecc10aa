"""An INT8 copy that was measured before it is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.mlops.measuring.comparison import Comparison, compare
from kit.mlops.measuring.labelled import LabelledPhoto
from kit.mlops.measuring.observing import WEAKEST
from kit.mlops.measuring.records import NOT_IN_JSON, as_json
from kit.mlops.quantise import LARGEST_LOSS, note_metrics, quantise_int8
from kit.vision.detector import Detector
from kit.vision.frames import Image

FP32, INT8 = "fp32", "int8"


@dataclass(frozen=True)
class Saving:
    """What an INT8 copy saves, and what it costs.

    Attributes:
        out: The copy's file, whether it was kept or not.
        written: Whether it was kept: it costs at most `LARGEST_LOSS` of the mAP50.
        photos: Labelled photos that both were measured on.
        bytes: Sizes of both files, by precision.
        map50: Of both, by precision.
        latency_ms: Of both, by precision: ``p50``, ``p95``, ``p99`` of a frame, in turns.
        speedup: Median of fp32 by that of INT8; above 1 the copy is faster.
        comparison: All figures: INT8 against fp32.
    """

    out: Path
    written: bool
    photos: int
    bytes: dict[str, int]
    map50: dict[str, float]
    latency_ms: dict[str, dict[str, float]]
    speedup: float
    comparison: Comparison = field(repr=False, metadata=NOT_IN_JSON)

    @property
    def loss(self) -> float:
        """mAP50 that the copy costs; below 0 it is better."""
        return self.map50[FP32] - self.map50[INT8]

    def as_json(self) -> dict[str, Any]:
        """Return what ``kit quantise --json`` prints."""
        every: dict[str, Any] = as_json(self)
        return {**every, "loss": as_json(self.loss), "verdict": self.comparison.verdict}


def save_int8(
    model: Path,
    out: Path,
    *,
    photos: Sequence[LabelledPhoto],
    frames: Sequence[Image],
    threads: int = 2,
) -> Saving:
    """Make an INT8 copy, measure it beside the model, and keep it if it costs little.

    Args:
        model: An fp32 model of the kit's kind.
        out: The copy's file; left as it is if the copy is refused.
        photos: Labelled photos to measure both on.
        frames: To calibrate with, none of the photos; see :func:`quantise_int8`.
        threads: Of the CPU.

    Raises:
        ConfigError: If there are no frames, or onnx is not installed.
        ModelError: If the model is none of the kit's kind, or is INT8 already.
        CameraError: If a photo cannot be read.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that keeping it is one step that cannot end half-way.
    with tempfile.TemporaryDirectory(prefix=".kit-int8-", dir=out.parent) as folder:
        copy = quantise_int8(model, frames, Path(folder) / out.name)
        weak, timed = (
            (
                Detector(copy, provider="cpu", confidence=confidence, threads=threads),
                Detector(model, provider="cpu", confidence=confidence, threads=threads),
            )
            for confidence in (WEAKEST, None)
        )
        threshold = timed[0].info.threshold
        compared = compare(
            weak,
            photos,
            names=(INT8, FP32),
            thresholds=(threshold, threshold),
            timed=timed,
        )
        both = {name: one.evaluation for name, one in compared.measured.items()}
        map50 = {name: one.map50 for name, one in both.items()}
        sizes = {FP32: model.stat().st_size, INT8: copy.stat().st_size}
        written = map50[FP32] - map50[INT8] <= LARGEST_LOSS
        if written:
            rounded = {f"map50_{name}": round(value, 4) for name, value in map50.items()}
            note_metrics(copy, {**rounded, "photos": len(photos)})
            copy.replace(out)
    return Saving(
        out=out,
        written=written,
        photos=len(photos),
        bytes=sizes,
        map50=map50,
        latency_ms={name: one.latency_ms for name, one in both.items()},
        speedup=both[FP32].latency_ms["p50"] / max(both[INT8].latency_ms["p50"], 1e-9),
        comparison=compared,
    )
