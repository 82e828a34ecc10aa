"""What stays in a harvest when there is room for so many pictures only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from kit.watching.harvest import Draft, HarvestedFrame, Stored, remove, scan, tidy
from kit.watching.likeness import BITS, differing_bits

ALIKE_BITS = 8
"""Pictures whose fingerprints differ in no more bits than this are of the same view."""

SAMPLES_SHARE = 0.2
"""Share of the pictures that frames taken by turn may keep when doubtful ones crowd in."""

_SCORE_STEPS = 10
"""Doubts closer than a tenth count as equal; then the picture most like another one goes."""


class Outcome(StrEnum):
    """What became of a frame."""

    KEPT = "kept"
    ALIKE = "alike"
    CROWDED_OUT = "crowded_out"


class Granary:
    """Keeps the most doubtful frames that do not look alike; one thread may use it.

    Two pictures of one view are never kept: the more doubtful one stays. When there are too many,
    the least doubtful one goes, and of equals the one most like another.

    Args:
        folder: Where they go; made when the first one comes.
        pictures: How many to keep at most.
        max_bytes: How many bytes they may take, metadata included.
    """

    def __init__(self, folder: Path, *, pictures: int, max_bytes: int) -> None:
        self._folder = folder
        self._pictures = pictures
        self._max_bytes = max_bytes
        self._stored: dict[str, Stored] | None = None

    @property
    def entries(self) -> tuple[HarvestedFrame, ...]:
        """What is kept now."""
        return tuple(stored.entry for stored in (self._stored or {}).values())

    @property
    def size(self) -> int:
        """Bytes that they take."""
        return sum(stored.size for stored in (self._stored or {}).values())

    def keep(self, entry: HarvestedFrame, jpeg: bytes) -> Outcome:
        """Keep a frame, or not.

        Args:
            entry: What is known of it.
            jpeg: Its picture.

        Returns:
            What became of it.

        Raises:
            OSError: If the folder cannot be read or written, or the disk is full. What was kept
                before stays.
        """
        stored = self._open()
        draft = Draft(self._folder, entry, jpeg)
        alike = [s for s in stored.values() if _alike(s.entry, entry)]
        if any(s.entry.score >= entry.score for s in alike):
            return Outcome.ALIKE
        rest = [s for s in stored.values() if all(s is not a for a in alike)]
        going = self._surplus([*rest, draft.stored])
        if draft.stored.size > self._max_bytes or any(s is draft.stored for s in going):
            return Outcome.CROWDED_OUT
        self._replace([*alike, *going], draft, stored)
        return Outcome.KEPT

    def _open(self) -> dict[str, Stored]:
        if self._stored is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            whole = scan(self._folder)
            tidy(self._folder, whole)
            going = self._surplus(whole)
            for stored in going:
                remove(self._folder, stored.entry)
            gone = {s.entry.name for s in going}
            self._stored = {s.entry.name: s for s in whole if s.entry.name not in gone}
        return self._stored

    def _replace(self, going: Iterable[Stored], draft: Draft, stored: dict[str, Stored]) -> None:
        """Write first: when the disk is full, nothing that was kept is lost."""
        try:
            draft.write()
            for one in going:
                remove(self._folder, one.entry)
                del stored[one.entry.name]
            draft.publish()
        except OSError:
            draft.discard()
            raise
        stored[draft.stored.entry.name] = draft.stored

    def _surplus(self, stored: Sequence[Stored]) -> list[Stored]:
        """Choose who must go, so that the others are within the limits."""
        staying, going = list(stored), []
        while staying and not self._fits(staying):
            least = self._least_wanted(staying)
            staying.remove(least)
            going.append(least)
        return going

    def _fits(self, stored: Sequence[Stored]) -> bool:
        return len(stored) <= self._pictures and sum(s.size for s in stored) <= self._max_bytes

    def _least_wanted(self, stored: Sequence[Stored]) -> Stored:
        samples = [s for s in stored if s.entry.is_sample]
        doubtful = [s for s in stored if not s.entry.is_sample]
        crowd = samples if len(samples) > self._pictures * SAMPLES_SHARE else doubtful or samples
        lowest = min(_step(s) for s in crowd)
        equals = [s for s in crowd if _step(s) == lowest]
        return min(equals, key=lambda s: (_nearest(s, stored), s.entry.name))


def _alike(one: HarvestedFrame, other: HarvestedFrame) -> bool:
    return one.name == other.name or differing_bits(one.bits, other.bits) <= ALIKE_BITS


def _step(stored: Stored) -> int:
    return round(stored.entry.score * _SCORE_STEPS)


def _nearest(stored: Stored, others: Sequence[Stored]) -> int:
    """Return in how many bits the most alike of the others differs."""
    return min(
        (differing_bits(stored.entry.bits, o.entry.bits) for o in others if o is not stored),
        default=BITS,
    )
