"""Each mistake by itself: what went wrong, why, and a picture of the place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.events import LABELS
from kit.labels import say
from kit.mlops.measuring.labelled import LabelledPhoto
from kit.mlops.measuring.matching import MATCH_IOU, labelled, match, overlaps
from kit.mlops.measuring.observing import Observation
from kit.mlops.measuring.records import NOT_IN_JSON
from kit.mlops.measuring.sizes import frame_scale
from kit.vision.frames import PADDING, Image

GRAZING_IOU = 0.1
"""From here to `MATCH_IOU`, a detection is of the sign but its box is bad."""

CROP_PX = 192
"""Edge of a mistake's picture."""

_CONTEXT = 2.6  # edge of the place shown, in longer sides of the box
_LEAST_PX = 56.0  # ... and at least so many pixels of the photo
_TRUTH, _GUESS = (90, 220, 60), (60, 70, 255)  # BGR

_Corners = tuple[float, float, float, float]
_Floats = NDArray[np.float64]


class Kind(StrEnum):
    """What can go wrong, in the order of a gallery."""

    FALSE_ALARM = "false alarm"
    MISSED = "missed sign"
    WRONG_CLASS = "wrong class"
    BAD_BOX = "bad box"
    TWICE = "found twice"


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        kind: What went wrong.
        photo: Name of the photo.
        label: Class reported; of a missed sign, its class.
        confidence: Of the detection, 0..1; None for a missed sign that was not seen at all.
        size_px: Longer side in the 600 x 400 frame, pixels: of the sign if there is one, else of
            the detection.
        reason: In words for people.
        sign: The true box x1, y1, x2, y2 in pixels of the photo; None if nothing is there.
        detection: The box reported; None for a missed sign.
    """

    kind: Kind
    photo: str
    label: str
    confidence: float | None
    size_px: float
    reason: str
    sign: _Corners | None
    detection: _Corners | None
    source: LabelledPhoto = field(repr=False, compare=False, metadata=NOT_IN_JSON)

    @property
    def caption(self) -> str:
        """A line below its picture: class, confidence, size and reason."""
        sure = "" if self.confidence is None else f" {self.confidence:.2f}"
        return say(
            "{label}{sure}, {size:.0f} px: {reason}",
            label=self.label,
            sure=sure,
            size=self.size_px,
            reason=self.reason,
        )

    def picture(self) -> Image:
        """Return the place, true box green, reported box red, (192, 192, 3) uint8 BGR."""
        boxes = [box for box in (self.sign, self.detection) if box is not None]
        low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
        edge = max(float((high - low).max()) * _CONTEXT, _LEAST_PX)
        corner = (low + high) / 2 - edge / 2
        scale = CROP_PX / edge
        move = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
        grey = (PADDING, PADDING, PADDING)
        size = (CROP_PX, CROP_PX)
        # Areas cannot be averaged by warpAffine: a large place is shrunk after it was cut out.
        if scale < 1:
            image = _cut(self.source.read(), corner, edge)
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        else:
            image = np.asarray(
                cv2.warpAffine(self.source.read(), move, size, borderValue=grey), np.uint8
            )
        for box, colour in ((self.sign, _TRUTH), (self.detection, _GUESS)):
            if box is not None:
                x1, y1, x2, y2 = (np.array(box).reshape(2, 2) - corner).ravel() * scale
                ends = (round(x1), round(y1)), (round(x2), round(y2))
                cv2.rectangle(image, *ends, colour, 2, cv2.LINE_AA)
        return image


def find_mistakes(observations: Sequence[Observation], *, threshold: float) -> list[Mistake]:
    """List all mistakes, those of a kind together, the worst first.

    Worst are the surest false alarms and the largest missed signs. A sign that was found with a
    bad box or as another class is not told again as missed.

    Args:
        observations: What was seen.
        threshold: Confidence from which a detection counts.
    """
    by_photo = mistakes_by_photo(observations, threshold=threshold)
    return sorted((mistake for found in by_photo for mistake in found), key=_order)


def mistakes_by_photo(
    observations: Sequence[Observation], *, threshold: float
) -> list[list[Mistake]]:
    """List the mistakes in each photo, in the order of the photos; see :func:`find_mistakes`."""
    classes = {LABELS.index(label) for label in labelled(observations)}
    return [list(_in_photo(one, classes, threshold)) for one in observations]


def worst(mistakes: Sequence[Mistake], kind: Kind, most: int) -> list[Mistake]:
    """Return the worst mistakes of a kind, at most so many."""
    return [mistake for mistake in mistakes if mistake.kind is kind][:most]


def _order(mistake: Mistake) -> tuple[int, float]:
    badness = mistake.size_px if mistake.kind is Kind.MISSED else mistake.confidence or 0.0
    return list(Kind).index(mistake.kind), -badness


def _in_photo(one: Observation, classes: set[int], threshold: float) -> Iterator[Mistake]:
    found = one.above(threshold)
    found = found[np.isin(found[:, 0], list(classes))]
    signs = one.photo.signs
    matched = match(signs, found)
    explained = {int(sign) for sign in matched if sign >= 0}
    for row in np.flatnonzero(matched < 0):
        mistake, sign = _explain(one, found[row], explained, found[matched >= 0])
        if sign is not None:
            explained.add(sign)
        yield mistake
    for sign in set(range(len(signs))) - explained:
        yield _missed(one, signs[sign], threshold)


def _explain(
    one: Observation, detection: _Floats, used: set[int], right: _Floats
) -> tuple[Mistake, int | None]:
    """Say why a detection is no hit, and which sign it accounts for, if any."""
    signs = one.photo.signs
    overlap = overlaps(detection[None, 1:5], signs[:, 1:5])[0]
    same = signs[:, 0] == detection[0]
    rivals = np.where(same, 0.0, overlap)
    label = LABELS[int(detection[0])]
    if len(signs) and rivals.max() >= MATCH_IOU:
        sign = int(rivals.argmax())
        other_label = LABELS[int(signs[sign, 0])]
        reason = say("a {other} taken for {label}", other=other_label, label=label)
        return _mistake(one, Kind.WRONG_CLASS, detection, signs[sign], reason), sign
    for other in one.photo.others:
        if overlaps(detection[None, 1:5], np.array([other.corners]))[0, 0] >= MATCH_IOU:
            reason = say("'{other}' taken for {label}", other=other.name, label=label)
            box = np.array([detection[0], *other.corners])
            return _mistake(one, Kind.WRONG_CLASS, detection, box, reason), None
    own = np.where(same, overlap, 0.0)
    if len(signs) and own.max() >= GRAZING_IOU:
        sign = int(own.argmax())
        if sign in used:
            again = right[right[:, 0] == detection[0]]
            reason = say("this sign was found already")
            if len(again):
                reason += say(", surest with {confidence:.2f}", confidence=again[:, 5].max())
            return _mistake(one, Kind.TWICE, detection, signs[sign], reason), None
        reason = say("overlaps the sign by {overlap:.2f} only", overlap=own[sign])
        return _mistake(one, Kind.BAD_BOX, detection, signs[sign], reason), sign
    reason = say("no sign is labelled there")
    return _mistake(one, Kind.FALSE_ALARM, detection, None, reason), None


def _missed(one: Observation, sign: _Floats, threshold: float) -> Mistake:
    weak = one.found[(one.found[:, 0] == sign[0]) & (one.found[:, 5] < threshold)]
    close = overlaps(weak[:, 1:5], sign[None, 1:5])[:, 0] >= MATCH_IOU
    confidence = float(weak[close][:, 5].max()) if close.any() else None
    reason = (
        say("not seen at all")
        if confidence is None
        else say(
            "seen with {confidence:.2f}, below {least:g}", confidence=confidence, least=threshold
        )
    )
    mistake = _mistake(one, Kind.MISSED, None, sign, reason)
    return Mistake(**{**vars(mistake), "confidence": confidence})


def _mistake(
    one: Observation, kind: Kind, detection: _Floats | None, sign: _Floats | None, reason: str
) -> Mistake:
    shown = sign if sign is not None else detection
    assert shown is not None
    reported = shown if detection is None else detection
    size = float((shown[3:5] - shown[1:3]).max()) * frame_scale(one.width, one.height)
    return Mistake(
        kind=kind,
        photo=one.photo.name,
        label=LABELS[int(reported[0])].value,
        confidence=None if detection is None else float(detection[5]),
        size_px=size,
        reason=reason,
        sign=None if sign is None else _corners(sign),
        detection=None if detection is None else _corners(detection),
        source=one.photo,
    )


def _corners(row: _Floats) -> _Corners:
    x1, y1, x2, y2 = row[1:5].tolist()
    return x1, y1, x2, y2


def _cut(image: Image, corner: _Floats, edge: float) -> Image:
    """Cut a square that may reach out of the picture; what is outside is grey."""
    side = round(edge)
    x, y = (round(float(value)) for value in corner)
    pad = max(0, -x, -y, x + side - image.shape[1], y + side - image.shape[0])
    grey = (PADDING, PADDING, PADDING)
    wide = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=grey)
    return np.asarray(wide[y + pad : y + pad + side, x + pad : x + pad + side], np.uint8)
