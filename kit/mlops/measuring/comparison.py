"""Two models side by side on the same photos: which is better, and is that more than luck?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kit.errors import ConfigError
from kit.events import Label
from kit.labels import say
from kit.mlops.measuring.labelled import LabelledPhoto
from kit.mlops.measuring.matching import Ranking, rank
from kit.mlops.measuring.measurement import Measurement, summarise
from kit.mlops.measuring.mistakes import mistakes_by_photo
from kit.mlops.measuring.observing import (
    FindsSigns,
    Observation,
    as_detections,
    observe_photo,
)
from kit.mlops.measuring.records import NOT_IN_JSON, as_json
from kit.mlops.measuring.timing import frames_of, time_frames
from kit.vision.frames import Image

SAMPLES = 2000
"""Samples of the photos that the bootstrap draws."""

LEVEL = 0.95
"""Share of the samples that the interval holds."""

_AT_ONCE = 250  # samples computed together: bounds the memory


@dataclass(frozen=True)
class Row:
    """One figure of both models.

    Attributes:
        figure: Its name, such as ``map50`` or ``DangerAhead recall``.
        model: Of the model; None if it has none.
        against: Of the one that it is compared with.
        difference: First minus second; more is better, but for milliseconds.
    """

    figure: str
    model: float | None
    against: float | None
    difference: float | None


@dataclass(frozen=True)
class Interval:
    """How sure the difference of the mAP50 is: a paired bootstrap over the photos.

    Attributes:
        difference: mAP50 of the model minus that of the other, on all photos.
        low: Lower end of the interval.
        high: Upper end of the interval.
        level: Share of the samples inside, 0..1.
        samples: Samples drawn.
        seed: Of the samples.
    """

    difference: float
    low: float
    high: float
    level: float
    samples: int
    seed: int


@dataclass(frozen=True)
class Disagreement:
    """A photo on which one model does better.

    Attributes:
        photo: Its name.
        model: Mistakes of the model in it.
        against: Mistakes of the other.
    """

    photo: str
    model: int
    against: int
    source: LabelledPhoto = field(repr=False, metadata=NOT_IN_JSON)
    found: tuple[NDArray[np.float64], NDArray[np.float64]] = field(
        repr=False, compare=False, metadata=NOT_IN_JSON
    )

    def pictures(self) -> tuple[Image, Image]:
        """Return the photo with the boxes of the model, and with those of the other, BGR uint8."""
        from kit.vision.overlay import draw

        image = self.source.read()
        first, second = (draw(image, as_detections(rows)) for rows in self.found)
        return first, second


@dataclass(frozen=True)
class Comparison:
    """Two models on the same photos.

    Attributes:
        names: Of the model and of the one it is compared with.
        model: Figures of the first.
        against: Figures of the second.
        rows: Each figure of both, and the difference.
        interval: How sure the difference of the mAP50 is.
        disagreements: Photos on which they differ, the most different first.
    """

    names: tuple[str, str]
    model: Measurement
    against: Measurement
    rows: tuple[Row, ...]
    interval: Interval
    disagreements: tuple[Disagreement, ...]

    @property
    def verdict(self) -> str:
        """What follows, in one sentence."""
        first, second = self.names
        one = self.interval
        if one.low > 0:
            answer = say("{first} is better than {second}", first=first, second=second)
        elif one.high < 0:
            answer = say("{first} is worse than {second}", first=first, second=second)
        else:
            answer = say(
                "These photos do not tell {first} and {second} apart", first=first, second=second
            )
        return say(
            "{answer}: mAP50 {one.difference:+.3f}, {one.low:+.3f} to {one.high:+.3f} "
            "in {one.level:.0%} of the samples.",
            answer=answer,
            one=one,
        )

    @property
    def measured(self) -> dict[str, Measurement]:
        """Both measurements by name, for the charts."""
        return dict(zip(self.names, (self.model, self.against), strict=True))

    def as_json(self) -> dict[str, Any]:
        """Return rows, interval, verdict and disagreements; not the two measurements."""
        kept = {name: as_json(getattr(self, name)) for name in ("rows", "interval")}
        different = as_json(self.disagreements)
        return {"names": list(self.names), "verdict": self.verdict, **kept, "photos": different}


def compare(
    detectors: tuple[FindsSigns, FindsSigns],
    photos: Sequence[LabelledPhoto],
    *,
    names: tuple[str, str],
    thresholds: tuple[float, float],
    timed: tuple[FindsSigns, FindsSigns] | None = None,
    seed: int = 1,
) -> Comparison:
    """Let two detectors look at the same photos, timed in turns.

    Args:
        detectors: The model and the one it is compared with; both must report weak detections.
        photos: Labelled photos.
        names: Of the two, different from each other.
        thresholds: Confidence from which a detection of each counts.
        timed: Are timed in their places: the same models, reporting only what counts, are faster.
        seed: Of the bootstrap.

    Raises:
        ConfigError: If there are no photos.
        CameraError: If a photo cannot be read.
    """
    if not photos:
        raise ConfigError("There is nothing to compare on", expected="labelled photos", got="none")
    pairs = [tuple(observe_photo(one, photo) for one in detectors) for photo in photos]
    took = time_frames(dict(zip(names, timed or detectors, strict=True)), frames_of(photos))
    seen = [[pair[index] for pair in pairs] for index in range(2)]
    first, second = (
        summarise(seen[index], threshold=thresholds[index], took_ms=took[names[index]])
        for index in range(2)
    )
    return Comparison(
        names=names,
        model=first,
        against=second,
        rows=tuple(_rows(first, second)),
        interval=bootstrap(rank(seen[0]), rank(seen[1]), photos=len(photos), seed=seed),
        disagreements=_disagreements(seen, thresholds),
    )


def bootstrap(
    model: Mapping[Label, Ranking],
    against: Mapping[Label, Ranking],
    *,
    photos: int,
    seed: int = 1,
    samples: int = SAMPLES,
) -> Interval:
    """Draw the photos anew, with repetition, and see how the difference of the mAP50 varies.

    Both models are judged on the same samples, so that hard photos weigh on both alike.

    Args:
        model: Rankings of the model, by class.
        against: Rankings of the other, on the same photos.
        photos: How many there are, from 1.
        seed: The same seed draws the same samples.
        samples: How many to draw.
    """
    rng = np.random.default_rng(seed)
    once = np.ones((1, photos), np.intp)
    found: list[float] = []
    for start in range(0, samples, _AT_ONCE):
        size = min(_AT_ONCE, samples - start)
        draws = rng.multinomial(photos, np.full(photos, 1 / photos), size).astype(np.intp)
        found += (_map50(model, draws) - _map50(against, draws)).tolist()
    rest = (1 - LEVEL) / 2 * 100
    low, high = np.percentile(found, [rest, 100 - rest])
    difference = float((_map50(model, once) - _map50(against, once))[0])
    return Interval(difference, float(low), float(high), LEVEL, samples, seed)


def _map50(rankings: Mapping[Label, Ranking], draws: NDArray[np.intp]) -> NDArray[np.float64]:
    """Average over the classes that each sample holds; 0 where it holds none."""
    each = np.array([one.average_precision(draws) for one in rankings.values()])
    each = each.reshape(len(rankings), len(draws))
    held = ~np.isnan(each)
    return np.asarray(np.nansum(each, axis=0) / np.maximum(held.sum(axis=0), 1), np.float64)


def _rows(first: Measurement, second: Measurement) -> Iterator[Row]:
    ours, theirs = dict(_figures(first)), dict(_figures(second))
    for figure in [*ours, *(name for name in theirs if name not in ours)]:
        one, other = ours.get(figure), theirs.get(figure)
        gap = None if one is None or other is None else one - other
        yield Row(figure, one, other, gap)


def _figures(measured: Measurement) -> Iterator[tuple[str, float | None]]:
    one = measured.evaluation
    yield from (("map50", one.map50), ("map50_95", one.map50_95))
    yield from (("precision", one.precision), ("recall", one.recall))
    yield "best F1", measured.tradeoff.best.f1
    for name, figures in one.per_class.items():
        yield from ((f"{name} ap50", figures.ap50), (f"{name} ap50_95", figures.ap50_95))
        yield from ((f"{name} precision", figures.precision), (f"{name} recall", figures.recall))
    for size in measured.sizes:
        yield f"recall {size.name}", size.recall
    yield "calibration error", measured.calibration.error
    yield from ((f"latency {name} ms", value) for name, value in one.latency_ms.items())


def _disagreements(
    seen: Sequence[Sequence[Observation]], thresholds: tuple[float, float]
) -> tuple[Disagreement, ...]:
    ours, theirs = (
        mistakes_by_photo(one, threshold=threshold)
        for one, threshold in zip(seen, thresholds, strict=True)
    )
    found = [
        Disagreement(
            first.photo.name,
            len(mine),
            len(its),
            source=first.photo,
            found=(first.above(thresholds[0]), second.above(thresholds[1])),
        )
        for first, second, mine, its in zip(*seen, ours, theirs, strict=True)
        if len(mine) != len(its)
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.model - one.against)))
