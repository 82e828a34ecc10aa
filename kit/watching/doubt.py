"""Which frames deserve a second look: near the threshold, or belied by their neighbours.

A sign that stands beside the track is in one frame about where it was in the last one. So each
frame is judged between the one before it and the one after it, by functions of their arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from supervision import box_iou_batch

from kit.events import Box, Detection, Label

T = TypeVar("T")


class Reason(StrEnum):
    """Why a frame was kept."""

    NEAR_THRESHOLD = "near_threshold"
    """The model was nearly as ready to say the opposite."""
    MISSED = "missed"
    """The frames before and after show a sign where this one shows none."""
    ALONE = "alone"
    """A sign that neither the frame before nor the one after shows."""
    OTHER_CLASS = "other_class"
    """The same sign is of another class in the next or the last frame."""
    JUMP = "jump"
    """The box is not where those before and after lead to."""
    SAMPLE = "sample"
    """No doubt at all: taken by turn, to see what else there is."""


class Doubt(BaseModel):
    """One reason to look at a frame again.

    Attributes:
        reason: Why.
        score: How doubtful, 0 to 1.
        label: The class in question; none for a sample.
        box: Where, ``(x, y, width, height)`` in pixels of the frame; none for a sample.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    reason: Reason
    score: Annotated[float, Field(ge=0, le=1)]
    label: Label | None = None
    box: Box | None = None


class DoubtRules(BaseModel):
    """When to doubt.

    Attributes:
        band: A confidence is doubtful when it is nearer to the threshold than this, 0 to 1.
        min_side_px: Signs whose shorter side is less are too small to be worth a label.
        neighbour_s: Frames that are further apart than this are no neighbours, seconds.
        same_iou: Boxes of neighbours that overlap this much (intersection over union) are of
            one sign.
        jump_iou: A box that overlaps less than this with the middle of its neighbours jumps.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    band: Annotated[float, Field(gt=0, le=1)] = 0.15
    min_side_px: Annotated[float, Field(ge=0, le=400)] = 10.0
    neighbour_s: Annotated[float, Field(gt=0, le=10)] = 0.4
    same_iou: Annotated[float, Field(gt=0, le=1)] = 0.15
    jump_iou: Annotated[float, Field(gt=0, le=1)] = 0.5

    def floor(self, threshold: float) -> float:
        """Return the confidence from which weak detections are worth knowing, above 0."""
        return max(threshold - self.band, LEAST_CONFIDENCE)


LEAST_CONFIDENCE = 0.05
"""Below this a network's answer is noise."""


@dataclass(frozen=True)
class Sighting:
    """What a model saw in a frame.

    Attributes:
        captured_ns: Monotonic time of capture, nanoseconds.
        model: Version of the model; frames that two models looked at are no neighbours.
        threshold: Confidence from which a detection counts, 0 to 1.
        detections: Signs, those below the threshold too; boxes in pixels of the frame.
    """

    captured_ns: int
    model: str
    threshold: float
    detections: tuple[Detection, ...]

    @property
    def seen(self) -> tuple[Detection, ...]:
        """The detections that count."""
        return tuple(d for d in self.detections if d.confidence >= self.threshold)


class _Neighbours(NamedTuple):
    """A sign of the frame between, and what the frames beside it show in its place."""

    here: Detection
    before: Detection | None
    after: Detection | None


def judge(
    here: Sighting, *, before: Sighting | None, after: Sighting | None, rules: DoubtRules
) -> tuple[Doubt, ...]:
    """Tell what is doubtful about a frame.

    Args:
        here: The frame.
        before: The one before it, if there was one.
        after: The one after it, if there was one.
        rules: When to doubt.

    Returns:
        The doubts, the strongest first.
    """
    signs = _useful(here, rules)
    last, following = (
        _useful(side, rules) if side is not None and _close(here, side, rules) else None
        for side in (before, after)
    )
    found = [*_near_threshold(here, rules), *_belied(signs, last, following, rules)]
    return tuple(sorted(found, key=lambda d: (-d.score, d.reason, d.box or ())))


class Doubter(Generic[T]):
    """Judges the frames of a stream, each when the next one has come.

    Args:
        rules: When to doubt.
    """

    def __init__(self, rules: DoubtRules) -> None:
        self._rules = rules
        self._before: Sighting | None = None
        self._here: tuple[T, Sighting] | None = None

    def push(self, item: T, sighting: Sighting) -> tuple[T, tuple[Doubt, ...]] | None:
        """Take the next frame and judge the last one.

        Args:
            item: Anything that goes with the frame; it comes back with the judgement.
            sighting: What the model saw in it.

        Returns:
            The last frame's item and its doubts; None after the first frame.
        """
        judged = self._judge(sighting)
        self._before = self._here[1] if self._here else None
        self._here = (item, sighting)
        return judged

    def finish(self) -> tuple[T, tuple[Doubt, ...]] | None:
        """Judge the frame that waits for a next one which will not come."""
        judged = self._judge(None)
        self._before = self._here = None
        return judged

    def _judge(self, after: Sighting | None) -> tuple[T, tuple[Doubt, ...]] | None:
        if self._here is None:
            return None
        item, here = self._here
        return item, judge(here, before=self._before, after=after, rules=self._rules)


def _close(here: Sighting, other: Sighting, rules: DoubtRules) -> bool:
    near = abs(here.captured_ns - other.captured_ns) <= rules.neighbour_s * 1e9
    return near and here.model == other.model


def _useful(sighting: Sighting, rules: DoubtRules) -> tuple[Detection, ...]:
    return tuple(d for d in sighting.seen if _is_useful(d, rules))


def _is_useful(detection: Detection, rules: DoubtRules) -> bool:
    return min(detection.box.width, detection.box.height) >= rules.min_side_px


def _near_threshold(here: Sighting, rules: DoubtRules) -> Iterator[Doubt]:
    for sign in here.detections:
        away = abs(sign.confidence - here.threshold)
        if away < rules.band and _is_useful(sign, rules):
            score = 1 - away / rules.band
            yield Doubt(reason=Reason.NEAR_THRESHOLD, score=score, label=sign.label, box=sign.box)


def _belied(
    here: Sequence[Detection],
    before: Sequence[Detection] | None,
    after: Sequence[Detection] | None,
    rules: DoubtRules,
) -> Iterator[Doubt]:
    """Compare a frame's signs with those of its neighbours; None where there is no neighbour."""
    pairs_before, pairs_after = (
        _pairs(here, side or (), rules.same_iou) for side in (before, after)
    )
    for index, sign in enumerate(here):
        beside = _Neighbours(sign, pairs_before.get(index), pairs_after.get(index))
        yield from _of_sign(beside, both=before is not None and after is not None, rules=rules)
    if before is not None and after is not None:
        yield from _missed(here, before, after, rules)


def _of_sign(beside: _Neighbours, *, both: bool, rules: DoubtRules) -> Iterator[Doubt]:
    here, before, after = beside
    others = [s for s in (before, after) if s is not None]
    if both and not others:
        yield _doubt(Reason.ALONE, here, here.confidence)
    flips = [s.confidence for s in others if s.label != here.label]
    if flips:
        yield _doubt(Reason.OTHER_CLASS, here, min(here.confidence, max(flips)))
    if before is not None and after is not None and not flips:
        off = _overlaps([here.box], [_middle(before.box, after.box)])[0, 0]
        if off < rules.jump_iou:
            yield _doubt(Reason.JUMP, here, 1 - float(off))


def _missed(
    here: Sequence[Detection],
    before: Sequence[Detection],
    after: Sequence[Detection],
    rules: DoubtRules,
) -> Iterator[Doubt]:
    for index, last in _pairs(after, before, rules.same_iou).items():
        following = after[index]
        if last.label != following.label:
            continue
        place = _middle(last.box, following.box)
        if not here or _overlaps([place], [s.box for s in here]).max() < rules.same_iou:
            score = min(last.confidence, following.confidence)
            yield Doubt(reason=Reason.MISSED, score=score, label=last.label, box=place)


def _pairs(
    ones: Sequence[Detection], others: Sequence[Detection], least: float
) -> dict[int, Detection]:
    """Find the counterpart of each sign: the pairs that overlap most first, each sign once."""
    if not ones or not others:
        return {}
    overlaps = _overlaps([s.box for s in ones], [s.box for s in others])
    pairs: dict[int, Detection] = {}
    taken: set[int] = set()
    for flat in np.argsort(-overlaps, axis=None, kind="stable").tolist():
        one, other = divmod(flat, len(others))
        if overlaps[one, other] < least:
            break
        if one not in pairs and other not in taken:
            pairs[one] = others[other]
            taken.add(other)
    return pairs


def _overlaps(ones: Sequence[Box], others: Sequence[Box]) -> npt.NDArray[np.float64]:
    """Return the intersection over union of each box with each other, (N, M), 0..1."""
    shares = box_iou_batch(_corners(ones), _corners(others))
    return np.nan_to_num(np.asarray(shares, np.float64)).clip(0, 1)


def _corners(boxes: Sequence[Box]) -> npt.NDArray[np.float64]:
    corners = np.array(boxes, np.float64).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    return corners


def _middle(one: Box, other: Box) -> Box:
    return Box(*((a + b) / 2 for a, b in zip(one, other, strict=True)))


def _doubt(reason: Reason, sign: Detection, score: float) -> Doubt:
    return Doubt(reason=reason, score=score, label=sign.label, box=sign.box)
