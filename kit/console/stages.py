"""Where the time goes between the camera and the train: medians of the latest frames."""

from __future__ import annotations

import statistics
from collections import deque
from enum import StrEnum

from kit.events import Frame, Stage, TrainState

FRAMES = 50
"""Of how many of the latest frames the medians are."""


class Leg(StrEnum):
    """A part of a frame's way, as the page shows it; in order."""

    CAPTURE = "capture"
    NETWORK = "network"
    INFERENCE = "inference"
    DECISION = "decision"
    ACT = "act"
    KAFKA = "kafka"


_ON_THE_TRAIN: tuple[tuple[Leg, Stage, Stage], ...] = (
    (Leg.NETWORK, Stage.ENCODED, Stage.FRAME_RECEIVED),
    (Leg.INFERENCE, Stage.FRAME_RECEIVED, Stage.INFERRED),
    (Leg.DECISION, Stage.INFERRED, Stage.DECIDED),
    (Leg.ACT, Stage.DECIDED, Stage.ACTED),
)


class StageTimes:
    """Medians of how long the legs take.

    Those on the train are of its own clock, and exact wherever the console is. That from the
    train to the console is known only where both are one machine.
    """

    def __init__(self) -> None:
        self._ms: dict[Leg, deque[float]] = {leg: deque(maxlen=FRAMES) for leg in Leg}
        self._frame_id = ""

    def acted(self, state: TrainState) -> None:
        """Take in a state of the train; of each frame, the first one tells."""
        stamp, marks = state.frame, state.marks
        if stamp is None or stamp.frame_id == self._frame_id or Stage.ACTED not in marks:
            return
        self._frame_id = stamp.frame_id
        if Stage.ENCODED in marks:
            self._note(Leg.CAPTURE, marks[Stage.ENCODED] - stamp.captured_ns)
        for leg, begin, end in _ON_THE_TRAIN:
            if begin in marks and end in marks:
                self._note(leg, marks[end] - marks[begin])

    def arrived(self, frame: Frame, *, received_ns: int, exact: bool) -> None:
        """Take in a frame that came to the console.

        Args:
            frame: The frame.
            received_ns: Monotonic time of arrival, nanoseconds.
            exact: Whether it is of this machine's clock.
        """
        if exact:
            self._note(Leg.KAFKA, received_ns - frame.encoded_ns)
        else:
            self._ms[Leg.KAFKA].clear()

    def medians(self) -> dict[str, float | None]:
        """Return the legs' medians in order, milliseconds; None where nothing is known."""
        return {
            str(leg): round(statistics.median(times), 1) if times else None
            for leg, times in self._ms.items()
        }

    def _note(self, leg: Leg, ns: int) -> None:
        if ns >= 0:
            self._ms[leg].append(ns / 1e6)
