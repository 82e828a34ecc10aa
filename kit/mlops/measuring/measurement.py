"""Everything that one pass over labelled photos tells of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kit.mlops.measuring.calibration import Calibration, calibrate
from kit.mlops.measuring.confusion import Confusion, confuse
from kit.mlops.measuring.evaluate import Evaluation, score_observations
from kit.mlops.measuring.labelled import LabelledPhoto
from kit.mlops.measuring.matching import rank
from kit.mlops.measuring.mistakes import Mistake, find_mistakes
from kit.mlops.measuring.observing import FindsSigns, Observation, observe
from kit.mlops.measuring.records import NOT_IN_JSON, as_json
from kit.mlops.measuring.sign_free import SignFree
from kit.mlops.measuring.sizes import SizeScore, by_size
from kit.mlops.measuring.timing import frames_of, time_frames
from kit.mlops.measuring.tradeoff import Curve, Tradeoff, curves, trade_off
from kit.mlops.measuring.transforms import STANDARD, transformed


@dataclass(frozen=True)
class RobustScore:
    """Figures on transformed copies of the photos.

    Attributes:
        transform: Such as ``roll:30``.
        map50: Mean average precision at IoU 0.5, 0..1.
        ap50: By class name.
        precision: At the threshold, 0..1.
        recall: At the threshold, 0..1.
    """

    transform: str
    map50: float
    ap50: dict[str, float]
    precision: float
    recall: float


@dataclass(frozen=True)
class Measurement:
    """What a model is worth, and where it fails.

    Attributes:
        evaluation: Average precisions, precision, recall, latency.
        curves: Precision over recall by class name.
        tradeoff: What other thresholds would give.
        sizes: By apparent size of the signs, the smallest first.
        calibration: Whether confidences mean what they say.
        confusion: What was taken for what.
        mistakes: Each one, the worst of each kind first.
        robustness: On transformed copies; empty unless asked for.
        sign_free: False alarms on frames without signs; None unless asked for.
        observations: What all this was computed from.
    """

    evaluation: Evaluation
    curves: dict[str, Curve]
    tradeoff: Tradeoff
    sizes: tuple[SizeScore, ...]
    calibration: Calibration
    confusion: Confusion
    mistakes: tuple[Mistake, ...]
    robustness: tuple[RobustScore, ...] = ()
    sign_free: SignFree | None = None
    observations: tuple[Observation, ...] = field(
        default=(), repr=False, compare=False, metadata=NOT_IN_JSON
    )

    def as_json(self) -> dict[str, Any]:
        """Return what ``kit evaluate --json`` prints: the evaluation's fields, then the rest."""
        every: dict[str, Any] = as_json(self)
        counted = Counter(mistake.kind.value for mistake in self.mistakes)
        return {**every.pop("evaluation"), "mistakes_by_kind": dict(counted), **every}


def measure(
    detector: FindsSigns,
    photos: Sequence[LabelledPhoto],
    *,
    threshold: float,
    timed: FindsSigns | None = None,
) -> Measurement:
    """Let a detector look at labelled photos once, time it on them, and say how good it is.

    Args:
        detector: Must report weak detections too (confidence 0.01 or so).
        photos: Of `read_coco`, `drawn_photos` or `transformed`.
        threshold: Confidence from which a detection counts.
        timed: Is timed in its place: the same model, reporting only what counts, is faster.

    Raises:
        CameraError: If a photo cannot be read.
    """
    observations = observe(detector, photos)
    took_ms = time_frames({"": timed or detector}, frames_of(photos))[""]
    return summarise(observations, threshold=threshold, took_ms=took_ms)


def summarise(
    observations: Sequence[Observation], *, threshold: float, took_ms: Sequence[float] = ()
) -> Measurement:
    """Compute every figure from what was seen; see :func:`measure`."""
    rankings = rank(observations)
    return Measurement(
        evaluation=score_observations(observations, threshold=threshold, took_ms=took_ms),
        curves=curves(rankings),
        tradeoff=trade_off(rankings, threshold=threshold),
        sizes=by_size(observations, threshold=threshold),
        calibration=calibrate(rankings.values()),
        confusion=confuse(observations, threshold=threshold),
        mistakes=tuple(find_mistakes(observations, threshold=threshold)),
        observations=tuple(observations),
    )


def with_robustness(
    measured: Measurement,
    detector: FindsSigns,
    photos: Sequence[LabelledPhoto],
    *,
    transforms: Sequence[str] = STANDARD,
) -> Measurement:
    """Add the figures on transformed copies of the photos.

    Args:
        measured: Of the photos as they are.
        detector: The same as was measured.
        photos: The same photos.
        transforms: Names; see :mod:`kit.mlops.measuring.transforms`.

    Raises:
        ConfigError: If there is no such transform.
    """
    threshold = measured.evaluation.threshold
    scores = []
    for name in transforms:
        seen = observe(detector, transformed(photos, name))
        result = score_observations(seen, threshold=threshold)
        ap50 = {label: one.ap50 for label, one in result.per_class.items()}
        scores.append(RobustScore(name, result.map50, ap50, result.precision, result.recall))
    return replace(measured, robustness=tuple(scores))
