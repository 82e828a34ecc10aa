"""Keeps many users in order while their scores change, one user or many at a time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from kit.leaderboard.scorer import Scored, Scorer
from kit.leaderboard.scoring import sort_key, tie_key

_Ints = npt.NDArray[np.int64]
_Finish = tuple[int, str]

LARGEST = 2**61
"""Units that a column can hold; larger scores are sorted as Python's whole numbers, slowly."""

ONE_BY_ONE = 200
"""Changed users up to which the order of ties is mended; with more of them it is made anew."""


class Ranking:
    """Users in columns, and the order in which ties are broken.

    Args:
        scorer: Of the rules.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._scores: list[Scored | None] = []  # by row; a user keeps its row
        self._rows: dict[str, int] = {}
        self._base = np.zeros(1024, np.int64)
        self._rate = np.zeros(1024, np.int64)
        self._in = np.zeros(1024, np.bool_)
        self._tie_rank = np.zeros(1024, np.int64)
        self._ties: list[tuple[Any, ...]] = []  # sorted: tie-breaks, user, row
        self._order: _Ints = np.empty(0, np.int64)  # as it was last time: nearly right
        self._finished: dict[str, list[_Finish]] = {e.id: [] for e in scorer.rules.exercises}
        self._left_out: set[str] = set()
        self._too_large = False

    def update(self, changes: Iterable[Scored | str]) -> None:
        """Take new scores.

        Args:
            changes: A user's score, or the name of a user who is not there (any more).
        """
        pending = list(changes)
        mend = len(pending) <= ONE_BY_ONE
        for change in pending:
            user = change if isinstance(change, str) else change.user
            row = self._row_of(user)
            if mend:
                self._take_out(row)
            self._set(row, user, None if isinstance(change, str) else change)
            if mend:
                self._put_in(row)
        if not mend:
            self._sort_anew()

    def ranked(self, at_ms: int) -> Sequence[Scored]:
        """Return who is ranked, the first one first.

        Args:
            at_ms: The moment, in milliseconds from the start.
        """
        if self._too_large:
            there = [scored for scored in self._scores if scored is not None and scored.ranked]
            return sorted(there, key=lambda scored: sort_key(self._scorer, scored, at_ms))
        new = np.arange(len(self._order), len(self._scores))
        order = np.concatenate([self._order, new])
        score = (self._base + self._rate * self._scorer.clock(at_ms))[order]
        by_score = np.argsort(-score, kind="stable")
        order, score = order[by_score], score[by_score]
        self._order = self._break_ties(order, score)
        return _Chosen(self._scores, self._order[self._in[self._order]])

    def unranked(self) -> list[Scored]:
        """Return who is there but not ranked, by user."""
        found = (self._scores[self._rows[user]] for user in sorted(self._left_out))
        return [scored for scored in found if scored is not None]

    def firsts(self) -> dict[str, tuple[str, int]]:
        """Return who of the ranked finished each exercise first: exercise → (user, ms)."""
        found: dict[str, tuple[str, int]] = {}
        for exercise, finished in self._finished.items():
            for ms, user in finished:
                if user not in self._left_out:
                    found[exercise] = (user, ms)
                    break
        return found

    def _break_ties(self, order: _Ints, score: _Ints) -> _Ints:
        rank = self._tie_rank[order]
        equal = score[1:] == score[:-1]
        if not np.any(equal & (rank[1:] < rank[:-1])):
            return order
        tied = np.zeros(len(order), np.bool_)
        tied[1:] |= equal
        tied[:-1] |= equal
        places = np.flatnonzero(tied)
        # Those of one score stand together, so sorting by score and tie leaves each in its group.
        inner = np.lexsort((rank[places], -score[places]))
        order[places] = order[places][inner]
        return order

    def _row_of(self, user: str) -> int:
        row = self._rows.get(user)
        if row is None:
            row = self._rows[user] = len(self._scores)
            self._scores.append(None)
            if row == len(self._in):
                for name in ("_base", "_rate", "_in", "_tie_rank"):
                    column = getattr(self, name)
                    setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
        return row

    def _set(self, row: int, user: str, scored: Scored | None) -> None:
        self._scores[row] = scored
        self._in[row] = scored is not None and scored.ranked
        self._left_out.discard(user)
        if scored is None:
            return
        if not scored.ranked:
            self._left_out.add(user)
        largest = abs(scored.base) + abs(scored.rate) * self._scorer.rules.duration_ms
        if largest > LARGEST:
            self._too_large = True
        else:
            self._base[row], self._rate[row] = scored.base, scored.rate

    def _take_out(self, row: int) -> None:
        scored = self._scores[row]
        if scored is None:
            return
        place = bisect_left(self._ties, self._tie(row, scored))
        del self._ties[place]
        ranks = self._tie_rank[: len(self._scores)]
        ranks[ranks > place] -= 1
        for exercise, finish in _finishes(scored):
            finished = self._finished[exercise]
            del finished[bisect_left(finished, finish)]

    def _put_in(self, row: int) -> None:
        scored = self._scores[row]
        if scored is None:
            return
        tie = self._tie(row, scored)
        place = bisect_left(self._ties, tie)
        self._ties.insert(place, tie)
        ranks = self._tie_rank[: len(self._scores)]
        ranks[ranks >= place] += 1
        ranks[row] = place
        for exercise, finish in _finishes(scored):
            insort(self._finished[exercise], finish)

    def _sort_anew(self) -> None:
        there = [(row, scored) for row, scored in enumerate(self._scores) if scored is not None]
        self._ties = sorted(self._tie(row, scored) for row, scored in there)
        rows = np.fromiter((tie[-1] for tie in self._ties), np.int64, len(self._ties))
        self._tie_rank[rows] = np.arange(len(rows))
        for finished in self._finished.values():
            finished.clear()
        for _, scored in there:
            for exercise, finish in _finishes(scored):
                self._finished[exercise].append(finish)
        for finished in self._finished.values():
            finished.sort()

    def _tie(self, row: int, scored: Scored) -> tuple[Any, ...]:
        return (*tie_key(self._scorer, scored), row)


class _Chosen(Sequence[Scored]):
    """Scores in an order."""

    def __init__(self, scores: Sequence[Scored | None], order: _Ints) -> None:
        # Scores are replaced, never changed, so the board keeps those of its moment.
        self._scores = list(scores)
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Scored: ...
    @overload
    def __getitem__(self, index: slice) -> list[Scored]: ...
    def __getitem__(self, index: int | slice) -> Scored | list[Scored]:
        if isinstance(index, slice):
            return [self._at(row) for row in self._order[index]]
        return self._at(self._order[index])

    def _at(self, row: np.int64) -> Scored:
        scored = self._scores[row]
        assert scored is not None, "who is not there is not chosen"
        return scored


def _finishes(scored: Scored) -> Iterator[tuple[str, _Finish]]:
    for exercise, so_far in scored.done:
        if so_far.at_ms is not None:
            yield exercise.id, (so_far.at_ms, scored.user)
