"""Many writers, few transactions, and an answer for everyone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest

from kit.errors import ConfigError
from kit.leaderboard.events import AnyRecord, Event, identified
from kit.leaderboard.store import Appended, Store
from kit.leaderboard.writer import WAITING, Writer


class Watched(Store):
    """A real log that counts transactions, and may refuse some."""

    transactions = 0
    refusals = 0

    def append(self, records: Iterable[AnyRecord], *, by: str = "") -> Appended:
        self.transactions += 1
        if self.refusals:
            self.refusals -= 1
            raise ConfigError("the disk is full")
        return super().append(records, by=by)


def event(number: int) -> Event:
    return identified(Event(at_ms=number, user=f"u{number}", exercise="hero"))


def run(path: Path, doing: Callable[[Watched, Writer, list[int]], Awaitable[None]]) -> None:
    async def within() -> None:
        kept: list[int] = []
        with Watched.open(f"sqlite:///{path / 'event.sqlite'}") as store:
            async with Writer(store, on_kept=lambda: kept.append(store.last())) as writer:
                await doing(store, writer, kept)

    asyncio.run(within())


def test_what_comes_together_is_kept_together(tmp_path: Path) -> None:
    async def doing(store: Watched, writer: Writer, kept: list[int]) -> None:
        answers = await asyncio.gather(*(writer.keep([event(n)], by="claim") for n in range(500)))
        assert answers == [[True]] * 500
        assert store.transactions < 20
        assert [s.record for s in store.read()] == [event(n) for n in range(500)]
        assert kept[-1] == store.last()

    run(tmp_path, doing)


def test_of_the_same_record_one_is_new_however_it_comes(tmp_path: Path) -> None:
    async def doing(store: Watched, writer: Writer, _kept: list[int]) -> None:
        answers = await asyncio.gather(*(writer.keep([event(1)], by="claim") for _ in range(20)))
        assert sorted(answers) == [[False]] * 19 + [[True]]
        assert await writer.keep([event(1), event(2)], by="claim") == [False, True]
        assert len(store.read()) == 2

    run(tmp_path, doing)


def test_each_is_kept_under_the_name_of_its_own_writer(tmp_path: Path) -> None:
    async def doing(store: Watched, writer: Writer, _kept: list[int]) -> None:
        await asyncio.gather(writer.keep([event(1)], by="a"), writer.keep([event(2)], by="b"))
        assert {s.record.user: s.recorded_by for s in store.read()} == {"u1": "a", "u2": "b"}

    run(tmp_path, doing)


def test_a_database_that_refuses_is_told_to_all_and_tried_again_by_the_next(
    tmp_path: Path,
) -> None:
    async def doing(store: Watched, writer: Writer, kept: list[int]) -> None:
        store.refusals = 1
        with pytest.raises(ConfigError, match="disk is full"):
            await writer.keep([event(1), event(2)], by="claim")
        assert kept == []
        assert await writer.keep([event(1)], by="claim") == [True]

    run(tmp_path, doing)


def test_more_than_can_wait_is_refused_and_nothing_of_it_kept(tmp_path: Path) -> None:
    async def doing(store: Watched, writer: Writer, _kept: list[int]) -> None:
        with pytest.raises(ConfigError, match="Too many"):
            await writer.keep([event(n) for n in range(WAITING + 1)], by="claim")
        assert store.read() == []

    run(tmp_path, doing)
