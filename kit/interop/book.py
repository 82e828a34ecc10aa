"""Which picture of the older demo is which frame of the kit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from kit.events import FrameStamp
from kit.interop.pictures import Fit

KEPT = 100
"""How many pictures are remembered: ten seconds at ten a second."""


@dataclass(frozen=True)
class Entry:
    """A picture that went over the bridge, one way or the other.

    Attributes:
        older_id: Its id there.
        stamp: Its stamp here.
        fit: How their picture was brought into the frame.
        webp: Their picture.
        width: Of that picture, pixels.
        height: Of that picture, pixels.
    """

    older_id: int
    stamp: FrameStamp
    fit: Fit
    webp: bytes
    width: int
    height: int


class Book:
    """Remembers the latest pictures; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: OrderedDict[int, Entry] = OrderedDict()
        self._last_id = 0

    def new_id(self, stamp: FrameStamp) -> int:
        """Make an id for a frame: its time in milliseconds, and higher than any before it."""
        with self._lock:
            self._last_id = max(self._last_id + 1, int(stamp.captured_at.timestamp() * 1000))
            return self._last_id

    def note(self, entry: Entry) -> None:
        """Remember a picture, and forget the oldest if there are too many."""
        with self._lock:
            self._by_id[entry.older_id] = entry
            while len(self._by_id) > KEPT:
                self._by_id.popitem(last=False)

    def find(self, older_id: int) -> Entry | None:
        """Return what is known of a picture of theirs."""
        with self._lock:
            return self._by_id.get(older_id)

    def of_frame(self, frame_id: str) -> Entry | None:
        """Return what is known of a frame of ours."""
        with self._lock:
            for entry in reversed(self._by_id.values()):
                if entry.stamp.frame_id == frame_id:
                    return entry
        return None
