"""One user's records, sorted out: what counts at a moment, whatever the order of arrival."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from kit.leaderboard.events import (
    Adjust,
    AnyRecord,
    Disqualify,
    Event,
    Hide,
    Hint,
    Join,
    Undo,
    identified,
)


class Pile:
    """One user's records up to a moment, sorted out.

    Args:
        records: Of one user, in any order.
        at_ms: The moment, in milliseconds from the start.
        end_ms: End of the event; nothing is earned after it, but corrections count.

    Attributes:
        events: By exercise.
        hints: (exercise, hint), each once.
        join: The latest, if any.
        present: Whether the user was there at all.
        disqualified: Whether the user is out of the ranking.
        hidden: Whether this is an account for tests.
    """

    def __init__(self, records: Iterable[AnyRecord], at_ms: int, end_ms: int) -> None:
        past = [record for record in records if record.at_ms <= at_ms]
        struck = _struck([record for record in past if isinstance(record, Undo)])
        self.events: dict[str, list[Event]] = defaultdict(list)
        self.hints: set[tuple[str, str]] = set()
        self.join: Join | None = None
        self.present = False
        self._adjusted: dict[str, tuple[int, float]] = {}
        verdicts: list[tuple[int, bool, str]] = []
        shown: list[tuple[int, bool, str]] = []
        for record in past:
            if isinstance(record, Disqualify):
                verdicts.append((record.at_ms, not record.lifted, record.id))
            elif isinstance(record, Hide):
                shown.append((record.at_ms, record.hidden, record.id))
            elif not isinstance(record, Undo) and record.id not in struck:
                self.present = True
                if not isinstance(record, Event | Hint) or record.at_ms <= end_ms:
                    self._take(record)
        self.disqualified = max(verdicts)[1] if verdicts else False
        self.hidden = max(shown)[1] if shown else False

    def points(self) -> list[float]:
        """Return what was given and taken."""
        return [points for _, points in self._adjusted.values()]

    def _take(self, record: Event | Hint | Join | Adjust) -> None:
        match record:
            case Event():
                self.events[record.exercise].append(record)
            case Hint():
                self.hints.add((record.exercise, record.hint))
            case Join():
                if self.join is None or _newer(record, self.join):
                    self.join = record
            case Adjust():
                name, new = identified(record).id, (record.at_ms, record.points)
                self._adjusted[name] = max(new, self._adjusted.get(name, new))


def _newer(one: Join, other: Join) -> bool:
    return _age(one) > _age(other)


def _age(join: Join) -> tuple[int, str, str, str, str]:
    return join.at_ms, join.id, join.name, join.bracket, join.team


def _struck(undoings: Sequence[Undo]) -> set[str]:
    latest: dict[str, tuple[int, bool, str]] = {}
    for undo in undoings:
        word = (undo.at_ms, not undo.restore, undo.id)
        latest[undo.target] = max(word, latest.get(undo.target, word))
    return {target for target, (_, strikes, _) in latest.items() if strikes}
