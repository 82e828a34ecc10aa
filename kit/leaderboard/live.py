"""The event as it is now: the log and the desk of the database, followed and kept in memory.

One reader follows the log, whoever wrote to it, this process, another replica, an import, so that
all replicas come to the same standings. Only the event loop touches what is in memory; the database
is read in a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from kit.leaderboard.board import Extras, Kind, News, covered, document
from kit.leaderboard.desk import Desk, Entry, Moment, Phase, fold, moment
from kit.leaderboard.desk_store import DeskStore
from kit.leaderboard.events import Adjust, Event, Hide, Hint, Join, Undo
from kit.leaderboard.incremental import Incremental
from kit.leaderboard.prometheus.exporter import Reading
from kit.leaderboard.rules import Rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.standings import Finish, Standing, Standings
from kit.leaderboard.store import Store, Stored

NEWS = 12
"""How many pieces of news are kept."""

RECENT = 60
"""How many of the newest events are looked at for news."""

MOVES_OVER = 40
"""A rank is compared with that of so many parts of the event ago."""


def epoch_ms() -> int:
    """Return the time, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Live:
    """Follows an event.

    Args:
        rules: Of the event.
        store: Its log.
        desk_store: What the organiser did.
        clock_ms: Tells the time, milliseconds since 1970.
    """

    def __init__(
        self,
        rules: Rules,
        store: Store,
        desk_store: DeskStore,
        *,
        clock_ms: Callable[[], int] = epoch_ms,
    ) -> None:
        self.rules = rules
        self.desk = Desk()
        self.entries: list[Entry] = []
        self.log: list[Stored] = []
        self.people: dict[str, Join] = {}
        self.version = 0
        self._store = store
        self._desk_store = desk_store
        self._clock_ms = clock_ms
        self._reading = asyncio.Lock()
        self._engine = Incremental(rules)
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._turns_ms: dict[str, int] = {}
        self._leads: deque[News] = deque(maxlen=NEWS)
        self._leader = ""
        self._ranks: deque[tuple[int, dict[str, int]]] = deque()
        self._struck: dict[str, tuple[int, bool, str]] = {}
        self._cached: tuple[tuple[int, int], Standings] | None = None
        self._cold: tuple[tuple[int, int], Standings] | None = None

    async def refresh(self) -> bool:
        """Take in what is new in the database; tell whether something was."""
        async with self._reading:
            after = self.log[-1].sequence if self.log else 0
            new = await asyncio.to_thread(self._store.read, after=after)
            count = await asyncio.to_thread(self._desk_store.count)
            entries = None
            if count != len(self.entries) or self.version == 0:
                entries = await asyncio.to_thread(self._desk_store.read)
            if entries is not None:
                self.entries = entries
                self.desk = fold(entries)
            self._take(new)
            if new or entries is not None:
                self.version += 1
            return bool(new) or entries is not None

    async def enter(self, entry: Entry) -> None:
        """Keep what the organiser did, and take it in."""
        await asyncio.to_thread(self._desk_store.append, entry)
        await self.refresh()

    def here(self) -> Moment:
        """Tell where the event is now."""
        return moment(self.desk, self.rules, at_ms=self._clock_ms())

    def now_ms(self) -> int:
        """Return the time in milliseconds from the start; 0 without a start."""
        return self._clock_ms() - self.desk.starts_ms if self.desk.starts_ms is not None else 0

    def epoch_ms(self) -> int:
        """Return the time, milliseconds since 1970."""
        return self._clock_ms()

    def standings(self, here: Moment | None = None, *, everything: bool = False) -> Standings:
        """Rank everybody.

        Args:
            here: Where the event is; now if None.
            everything: What the organiser sees: the standings of now, whatever is frozen.
        """
        here = here or self.here()
        if here.frozen_ms is not None and not everything:
            return self._frozen(here, here.frozen_ms)
        # What organisers correct after the end counts, so the moment lies after it.
        return self._at(max(0, here.elapsed_ms or 0), over=here.over)

    def _at(self, at_ms: int, *, over: bool) -> Standings:
        key = (self.version, -1 if over else at_ms)
        if self._cached is None or self._cached[0] != key:
            self._cached = key, self._engine_of_now().standings(at_ms / 1000)
        return self._cached[1]

    def _engine_of_now(self) -> Incremental:
        """Return the engine; a new one if the organiser has changed when the event ends."""
        rules = self._scored_by()
        if rules != self._engine.rules:
            self._engine = Incremental(rules)
            self._engine.apply(*(stored.record for stored in self.log))
        return self._engine

    def _frozen(self, here: Moment, at_ms: int) -> Standings:
        """Rank everybody as it was, but without those whom the organiser has taken off since."""
        now = self.standings(here, everything=True)
        key = (self.version, at_ms)
        if self._cold is None or self._cold[0] != key:
            off = (
                Hide(at_ms=at_ms, user=row.user, who="", why="", id=f"off-{row.user}"[:100])
                for row in now.unranked
            )
            past = (each.record for each in self.log if each.record.at_ms <= at_ms)
            self._cold = key, standings(self._scored_by(), [*past, *off], at_ms / 1000)
        return self._cold[1]

    def _scored_by(self) -> Rules:
        """Return the rules, with the end that the organiser set, if that is earlier."""
        ended, starts = self.desk.ended_ms, self.desk.starts_ms
        if ended is None or starts is None or ended - starts >= self.rules.duration_ms:
            return self.rules
        return self.rules.model_copy(update={"duration_s": max(1, ended - starts) / 1000})

    def reading(self, *, everything: bool) -> Reading:
        """Return what is exported to Prometheus.

        Args:
            everything: The standings of now, instead of what the public may see.
        """
        here = self.here()
        shown = self.standings(here, everything=everything)
        if not everything:
            hidden = covered(shown.rows, self.rules, here)
            shown = replace(shown, rows=shown.rows[hidden:]) if hidden else shown
        starts_ms = self.desk.starts_ms
        starts_s = None if starts_ms is None else starts_ms / 1000
        ends_s = None if starts_s is None else starts_s + here.ends_ms / 1000
        return Reading(shown, starts_s, records=len(self.log), ends_at_s=ends_s)

    def is_undone(self, record_id: str) -> bool:
        """Tell whether an organiser has undone a record."""
        return self._struck.get(record_id, (0, False, ""))[1]

    def document(self) -> dict[str, Any]:
        """Return what the public's page shows now."""
        here = self.here()
        shown = self.standings(here)
        self._notice(shown, here)
        extras = Extras(self._before(here), self._news(shown, here), self._turns_ms)
        told = document(self.rules, self.desk, here, shown, extras=extras)
        # How far into the log it goes, so that anyone can tell whether a record is in it.
        return {"log": self.log[-1].sequence if self.log else 0, **told}

    def _take(self, new: Iterable[Stored]) -> None:
        for stored in new:
            self.log.append(stored)
            self._engine.apply(stored.record)
            record = stored.record
            match record:
                case Event():
                    self._recent.append(record)
                case Join():
                    self.people[record.user] = record
                case Hint() | Adjust():
                    self._turns_ms[record.user] = record.at_ms
                case Undo():
                    word = (record.at_ms, not record.restore, record.id)
                    self._struck[record.target] = max(word, self._struck.get(record.target, word))

    def _notice(self, shown: Standings, here: Moment) -> None:
        """Remember who led and where everybody stood, to tell what has changed."""
        if here.phase is not Phase.RUNNING or not shown.rows:
            return
        first = shown.rows[0]
        if first.finishes and first.user != self._leader:
            if self._leader:
                news = News(here.shown_ms, Kind.LEAD, first.user, first.shown, rank=1)
                self._leads.appendleft(news)
            self._leader = first.user
        window_ms = self.rules.duration_ms // MOVES_OVER
        if not self._ranks or here.shown_ms - self._ranks[-1][0] >= window_ms // 10:
            ranks = {row.user: row.rank for row in shown.rows[:1000]}
            self._ranks.append((here.shown_ms, ranks))
        while len(self._ranks) > 1 and self._ranks[1][0] <= here.shown_ms - window_ms:
            self._ranks.popleft()

    def _before(self, here: Moment) -> dict[str, int]:
        shown = here.phase in {Phase.RUNNING, Phase.FROZEN}
        return self._ranks[0][1] if shown and self._ranks else {}

    def _news(self, shown: Standings, here: Moment) -> list[News]:
        """Return who finished what lately, by the standings, so that what was undone is gone."""
        users = {event.user for event in self._recent}
        rows = {user: row for user in users if (row := shown.of(user)) and row.rank}
        found: dict[tuple[str, str], News] = {}
        for event in self._recent:
            row = rows.get(event.user)
            finish = _finish(row, event.exercise) if row else None
            if row is None or finish is None or finish.at_ms > here.shown_ms:
                continue
            first = (shown.firsts or {}).get(event.exercise) == (event.user, finish.at_ms)
            kind = Kind.FIRST if first and finish.value is None else Kind.FINISH
            found[event.user, event.exercise] = News(
                finish.at_ms,
                kind,
                event.user,
                row.shown,
                event.exercise,
                row.rank,
                finish.value,
            )
        news = [*found.values(), *(each for each in self._leads if each.at_ms <= here.shown_ms)]
        return sorted(news, key=lambda each: -each.at_ms)[:NEWS]


def _finish(row: Standing, exercise: str) -> Finish | None:
    return next((each for each in row.finishes if each.exercise == exercise), None)
