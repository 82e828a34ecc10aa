"""Recorded events made new: of now, with ids of their own, and unable to move a train."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ulid import ULID

from kit.events import REPLAY_PREFIX, Action, Alive, Command, Event, Frame, FrameStamp, TrainState

TRAIN_ID = REPLAY_PREFIX
"""The train that a recording is played as, if none is named."""

_KEPT_STAMPS = 1000
_TRAIN_ID = re.compile(REPLAY_PREFIX + r"[A-Za-z0-9_.-]{0,34}")


def is_replay_id(train_id: str) -> bool:
    """Whether a train's id is one of those that recordings are played as."""
    return _TRAIN_ID.fullmatch(train_id) is not None


@dataclass(frozen=True)
class Timeline:
    """Leads from the times of a recording to those of its replay.

    Attributes:
        recorded_ns: A moment of the recording, monotonic nanoseconds.
        played_ns: When that is played, monotonic nanoseconds.
        played_at: The same on the wall clock.
        speed: How much faster than it was, above 0.
    """

    recorded_ns: int
    played_ns: int
    played_at: datetime
    speed: float = 1.0

    def ns(self, recorded_ns: int) -> int:
        """Return when a moment of the recording is played, monotonic nanoseconds."""
        return max(0, self.played_ns + round((recorded_ns - self.recorded_ns) / self.speed))

    def wall(self, recorded_ns: int) -> datetime:
        """Return the same on the wall clock."""
        late_us = (self.ns(recorded_ns) - self.played_ns) / 1000
        return self.played_at + timedelta(microseconds=late_us)


class Restamper:
    """Gives the events of a recording the times, ids and the train of a replay.

    All events of a frame keep having the same stamp. Numbers of frames go on rising when a
    recording begins again.

    Args:
        train_id: The train to play it as.
        source: What signs of life say that they come from.
    """

    def __init__(self, train_id: str, *, source: str) -> None:
        self._train_id = train_id
        self._source = source
        self._stamps: OrderedDict[str, FrameStamp] = OrderedDict()
        self._next_sequence = 0
        self._shift = 0

    def begin(self) -> None:
        """Tell that the recording begins, for the first time or again."""
        self._shift = self._next_sequence
        self._stamps.clear()

    def restamp(self, event: Event, received_ns: int, timeline: Timeline) -> Event | None:
        """Return the event to send in place of a recorded one; None if none must be sent.

        Args:
            event: The recorded event.
            received_ns: When it was received, monotonic nanoseconds of the recording.
            timeline: Where in time the replay is.
        """
        if isinstance(event, Command) and event.action is Action.ARM:
            return None  # nobody is to be released by a recording
        changes: dict[str, Any] = {
            "train_id": self._train_id,
            "event_id": str(ULID()),
            "made_at": timeline.wall(received_ns),
        }
        if event.stamp is not None:
            changes["frame"] = self._stamp(event.stamp, timeline)
        marks = getattr(event, "marks", None)
        if marks:
            changes["marks"] = {stage: timeline.ns(at_ns) for stage, at_ns in marks.items()}
        if isinstance(event, Frame):
            changes["encoded_ns"] = timeline.ns(event.encoded_ns)
        elif isinstance(event, TrainState):
            changes["challenge"] = None  # there is nothing to answer
        elif isinstance(event, Alive):
            detail = event.detail or f"played from {self._source}"
            changes |= {"pid": None, "metrics_port": None, "detail": detail}
        return event.model_copy(update=changes)

    def _stamp(self, stamp: FrameStamp, timeline: Timeline) -> FrameStamp:
        known = self._stamps.get(stamp.frame_id)
        if known is None:
            known = FrameStamp.new(
                sequence=stamp.sequence + self._shift,
                captured_ns=timeline.ns(stamp.captured_ns),
                captured_at=timeline.wall(stamp.captured_ns),
            )
            self._stamps[stamp.frame_id] = known
            self._next_sequence = max(self._next_sequence, known.sequence + 1)
            if len(self._stamps) > _KEPT_STAMPS:
                self._stamps.popitem(last=False)
        return known
