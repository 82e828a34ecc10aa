"""Standings that follow a log record by record, for any number of users.

A user's score is a straight line, ``base + rate × t``, until one of the user's records changes it.
So with a new record one user is scored anew, and ranking all of them is a sort of whole numbers
that are nearly in order. The result is that of :func:`kit.leaderboard.scoring.standings`.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from itertools import count

from kit.leaderboard.events import MAX_MS, AnyRecord
from kit.leaderboard.lazy import LazyRows, LazyTeams
from kit.leaderboard.ranking import Ranking
from kit.leaderboard.rules import Rules, to_ms
from kit.leaderboard.scorer import Scored, Scorer
from kit.leaderboard.scoring import standings, teams
from kit.leaderboard.standings import Standing, Standings


class Incremental:
    """An event as far as it is known. Not for several threads at once.

    Asking for later and later moments is fast; a moment before one that was asked for already is
    worked out from all records.

    Args:
        rules: Of the event.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._scorer = Scorer(rules)
        self._ranking = Ranking(self._scorer)
        self._records: dict[str, list[AnyRecord]] = defaultdict(list)
        self._new: list[AnyRecord] = []
        self._future: list[tuple[int, int, AnyRecord]] = []  # a heap
        self._numbers = count()
        self._early: set[str] = set()  # who did something before the start: it counts from then on
        self._latest_ms = rules.duration_ms
        self._now_ms = -MAX_MS - 1

    def apply(self, *records: AnyRecord) -> None:
        """Take note of records, in any order; one that is known already changes nothing."""
        self._new.extend(records)

    def standings(self, at_s: float | None = None) -> Standings:
        """Rank everybody at one moment.

        Args:
            at_s: The moment, in seconds from the start; the end of the event, or the last record
                if that is later, if None.

        Returns:
            The board. Its rows are built when they are looked at.
        """
        latest_ms = max((record.at_ms for record in self._new), default=self._latest_ms)
        self._latest_ms = max(self._latest_ms, latest_ms)
        at_ms = self._latest_ms if at_s is None else to_ms(at_s)
        if at_ms < self._now_ms:
            return standings(self.rules, self._everything(), at_ms / 1000)
        self._now_ms = at_ms
        self._ranking.update(
            self._scorer.score(user, self._records[user], at_ms) or user
            for user in self._come_of_age()
        )
        return self._board(at_ms)

    def _come_of_age(self) -> set[str]:
        """File the records up to now; return their users."""
        changed = set()
        for record in self._new:
            if record.at_ms > self._now_ms:
                heapq.heappush(self._future, (record.at_ms, next(self._numbers), record))
            else:
                self._records[record.user].append(record)
                changed.add(record.user)
        self._new.clear()
        while self._future and self._future[0][0] <= self._now_ms:
            _, _, record = heapq.heappop(self._future)
            self._records[record.user].append(record)
            changed.add(record.user)
        if self._now_ms < 0:
            self._early |= changed
        else:
            changed |= self._early
            self._early.clear()
        return changed

    def _everything(self) -> Sequence[AnyRecord]:
        filed = [record for records in self._records.values() for record in records]
        return [*filed, *(record for _, _, record in self._future), *self._new]

    def _board(self, at_ms: int) -> Standings:
        scorer = self._scorer
        ranked = self._ranking.ranked(at_ms)

        def row(scored: Scored, rank: int, bracket_rank: int) -> Standing:
            return scorer.row(scored, at_ms=at_ms, rank=rank, bracket_rank=bracket_rank)

        return Standings(
            at_ms=at_ms,
            rows=LazyRows(ranked, row),
            unranked=tuple(row(scored, 0, 0) for scored in self._ranking.unranked()),
            teams=LazyTeams(lambda: teams(scorer, ranked, at_ms)),
            firsts=self._ranking.firsts(),
        )
