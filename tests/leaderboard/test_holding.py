"""When a condition held, whatever the scrapes lost and in whatever order they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kit.leaderboard.finishes import first_together
from kit.leaderboard.kubernetes.holding import Condition, Series, changes

STALE = 300


def held(*samples: tuple[int, bool], now: int | None = None) -> list[tuple[int, int | None]]:
    series = Series()
    series.add(samples, stale_ms=STALE)
    return series.intervals(samples[-1][0] if now is None else now, stale_ms=STALE)


def test_it_holds_from_the_first_sample_of_one_until_one_of_zero() -> None:
    assert held((0, False), (15, True), (30, True), (45, False)) == [(15, 45)]


def test_it_still_holds_while_the_last_sample_is_fresh() -> None:
    assert held((15, True), (30, True)) == [(15, None)]


def test_a_gap_of_missed_scrapes_changes_nothing() -> None:
    assert held((15, True), (290, True)) == [(15, None)]


def test_a_long_silence_ends_it() -> None:
    assert held((15, True), (500, True)) == [(15, 315), (500, None)]
    assert held((15, True), now=400) == [(15, 315)]


def test_samples_that_were_read_before_count_once() -> None:
    series = Series()
    series.add([(15, True), (30, False)], stale_ms=STALE)
    series.add([(15, True), (30, False), (45, True)], stale_ms=STALE)
    assert series.intervals(45, stale_ms=STALE) == [(15, 30), (45, None)]


def test_intervals_that_touch_or_overlap_are_one() -> None:
    assert changes([(0, 10), (10, 20), (5, 15), (30, None), (40, 50)]) == [
        (0, True),
        (20, False),
        (30, True),
    ]


def test_nothing_held_changes_nothing() -> None:
    assert changes([]) == []


def test_what_seemed_to_end_and_did_not_is_told_again_as_holding() -> None:
    condition = Condition()
    one, other = Series(), Series()
    condition.series = {(("n", "1"),): one, (("n", "2"),): other}
    one.add([(0, True), (100, False)], stale_ms=STALE)
    assert condition.news(100, stale_ms=STALE) == [(0, True), (100, False)]
    other.add([(90, True), (200, False)], stale_ms=STALE)
    assert condition.news(200, stale_ms=STALE) == [(100, True), (200, False)]
    assert condition.news(200, stale_ms=STALE) == []


TIMELINE = st.lists(st.booleans(), min_size=1, max_size=40)


@given(timeline=TIMELINE, data=st.data())
def test_reading_in_pieces_tells_the_same_as_reading_at_once(
    timeline: list[bool], data: st.DataObject
) -> None:
    samples = [(15 * index, holds) for index, holds in enumerate(timeline)]
    cuts = data.draw(st.lists(st.integers(0, len(samples)), max_size=5).map(sorted))
    pieces, whole = Condition(), Condition()
    pieces.series = {(): Series()}
    whole.series = {(): Series()}
    told: list[tuple[int, bool]] = []
    for cut in [*cuts, len(samples)]:
        pieces.series[()].add(samples[:cut], stale_ms=STALE)
        now = samples[cut - 1][0] if cut else 0
        told += pieces.news(now, stale_ms=STALE)
    whole.series[()].add(samples, stale_ms=STALE)
    assert told == whole.news(samples[-1][0], stale_ms=STALE)


@given(first=TIMELINE, second=TIMELINE, late=st.integers(0, 40))
def test_series_that_come_late_lead_to_the_same_first_moment(
    first: list[bool], second: list[bool], late: int
) -> None:
    """Two series of one condition; the second one is read up to the end only later."""
    ones = [(15 * index, holds) for index, holds in enumerate(first)]
    others = [(7 + 15 * index, holds) for index, holds in enumerate(second)]
    end = max(ones[-1][0], others[-1][0])
    late_told: list[tuple[int, bool]] = []
    condition = Condition()
    condition.series = {(("n", "1"),): Series(), (("n", "2"),): Series()}
    a, b = condition.series.values()
    a.add(ones, stale_ms=STALE)
    b.add(others[:late], stale_ms=STALE)
    late_told += condition.news(end, stale_ms=STALE)
    b.add(others, stale_ms=STALE)
    late_told += condition.news(end, stale_ms=STALE)
    at_once = Condition()
    at_once.series = {(("n", "1"),): Series(), (("n", "2"),): Series()}
    for series, samples in zip(at_once.series.values(), (ones, others), strict=True):
        series.add(samples, stale_ms=STALE)
    told = at_once.news(end, stale_ms=STALE)
    other_condition = [(end // 2, True, "b")]
    assert first_together(
        [(at, holds, "a") for at, holds in late_told] + other_condition, 2
    ) == first_together([(at, holds, "a") for at, holds in told] + other_condition, 2)
