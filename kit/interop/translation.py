"""The kit's events as the older demo's messages, and the reverse; pure functions.

Nothing that comes from the older demo may make the train less safe than the kit does: a sign
that it does not know is left out, its commands can slow and stop, and only a command that belongs
to a fresh frame can keep a train going.
"""

from __future__ import annotations

from datetime import UTC, datetime

from kit.errors import EventError
from kit.events import (
    LABELS,
    Action,
    Box,
    Command,
    Detection,
    FrameStamp,
    Label,
    Origin,
    Prediction,
    Stage,
)
from kit.interop.formats import OlderCommand, OlderDetection, OlderResult
from kit.interop.pictures import Fit, scale_of, to_square
from kit.reasons import Reason

MODEL = "older-demo"
"""Version of the model in predictions that their service made: it tells none."""

_THEIRS = {Label.SPEED_LIMIT: 0, Label.DANGER_AHEAD: 1, Label.STOP: 1}
"""Class ids that go out. They know no stop sign, and later versions of their controller take a
``2`` for "start": so it goes out as danger ahead, whose command stops the train."""

_SEVERITY = {Label.STOP: 0, Label.DANGER_AHEAD: 1, Label.SPEED_LIMIT: 2}
_ACTIONS = {
    OlderCommand.STOP: Action.STOP,
    OlderCommand.SLOW: Action.SLOW,
    OlderCommand.NONE: Action.CRUISE,
}
_NS = 1e9
_MS = 1_000_000


def stamp_of(older_id: int, *, sequence: int, now_ns: int, now: datetime) -> FrameStamp:
    """Stamp a picture of theirs by its id, the time of capture.

    Args:
        older_id: Milliseconds since 1970, by the clock of the machine that captured it.
        sequence: Counts the pictures from 0.
        now_ns: Monotonic time now, nanoseconds.
        now: The same moment on this machine's wall clock, with its zone.

    Returns:
        A stamp that is as old as the picture; one that claims to come from the future, as if it
        came now. If the clocks of two machines disagree, frames look old, and the train stands.

    Raises:
        EventError: If the id is no time of our age.
    """
    age_ms = max(0, int(now.timestamp() * 1000) - older_id)
    try:
        captured_at = datetime.fromtimestamp(older_id / 1000, tz=UTC)
        return FrameStamp.new(
            sequence=sequence, captured_ns=max(0, now_ns - age_ms * _MS), captured_at=captured_at
        )
    except (ValueError, OverflowError, OSError) as error:
        raise EventError(
            "The id of a picture of the older demo is no time of capture",
            expected="milliseconds since 1970",
            got=older_id,
        ) from error


def to_result(
    prediction: Prediction, *, older_id: int, webp: bytes, width: int, height: int
) -> OlderResult:
    """Express what our model saw as theirs would.

    Args:
        prediction: Boxes in pixels of the frame.
        older_id: Id of the picture.
        webp: The picture; empty to leave it out.
        width: Of the frame, pixels.
        height: Of the frame, pixels.

    Returns:
        The result. The sign that matters most comes first: theirs decides on the first alone.
    """
    scale = scale_of(width, height)
    ordered = sorted(
        prediction.detections, key=lambda found: (_SEVERITY[found.label], -found.confidence)
    )
    return OlderResult(
        id=older_id,
        image=webp,
        detections=tuple(
            OlderDetection(
                class_id=_THEIRS[found.label],
                class_name=LABELS[_THEIRS[found.label]].value,
                confidence=found.confidence,
                box=to_square(found.box, scale=scale),
            )
            for found in ordered
        ),
        scale=scale,
        times_s=_times(prediction),
    )


def to_detections(result: OlderResult, fit: Fit) -> tuple[Detection, ...]:
    """Express what their model saw in pixels of the frame; what is no sign of ours is left out.

    Args:
        result: Boxes in their square.
        fit: How their picture was brought into the frame.
    """
    found = (_detection(one, result.scale, fit) for one in result.detections)
    return tuple(detection for detection in found if detection is not None)


def to_command(
    command: OlderCommand, *, train_id: str, frame: FrameStamp | None, marks: dict[Stage, int]
) -> Command | None:
    """Express a command of theirs as one of ours.

    ``1`` stops and latches, whatever it belongs to. ``0`` and ``-1`` are decisions on a frame, and
    renew the train's lease only as far as that frame is fresh: the controller sees to it. ``-1``,
    which for them means "go on", is our cruise. Without a frame these two are worth nothing.

    Args:
        command: What their decision said.
        train_id: Which train.
        frame: The frame that it was decided on; None if that is not known.
        marks: Monotonic nanoseconds of the stages passed so far.

    Returns:
        Our command; None if it may not have any effect.
    """
    action = _ACTIONS[command]
    if frame is None and action is not Action.STOP:
        return None
    return Command(
        train_id=train_id,
        action=action,
        reason=Reason.THEIR_DECISION.say(word=command.value),
        origin=Origin.DECISION,
        frame=frame,
        marks=marks,
    )


def _detection(found: OlderDetection, scale: float, fit: Fit) -> Detection | None:
    if found.class_id not in {0, 1}:  # what they never learned, and "2" least of all
        return None
    left, top, width, height = (number * scale for number in found.box)
    box = fit.box(Box(left, top, width, height)) if width > 0 and height > 0 else None
    if box is None or not 0 <= found.confidence <= 1:
        return None
    return Detection(label=LABELS[found.class_id], confidence=found.confidence, box=box)


def _times(prediction: Prediction) -> tuple[float, float, float, float]:
    marks = prediction.marks

    def between(first: Stage, last: Stage) -> float:
        if first not in marks or last not in marks:
            return 0.0
        return max(0.0, (marks[last] - marks[first]) / _NS)

    return (
        between(Stage.FRAME_RECEIVED, Stage.DECODED),
        between(Stage.DECODED, Stage.INFERRED),
        0.0,
        between(Stage.FRAME_RECEIVED, Stage.INFERRED),
    )
