from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kit.console.clock import TransitClock
from kit.events import FrameStamp

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def captured(*, ns: int, after_noon_s: float = 0.0) -> FrameStamp:
    at = datetime.fromtimestamp(NOON.timestamp() + after_noon_s, UTC)
    return FrameStamp.new(sequence=0, captured_ns=ns, captured_at=at)


def test_a_frame_of_this_machine_is_timed_by_the_monotonic_clock() -> None:
    found = TransitClock().transit_ms(
        captured(ns=5_000_000_000), received_ns=5_042_000_000, received_s=NOON.timestamp() + 0.5
    )
    assert found == (42.0, True)


def test_a_frame_of_another_machine_counts_from_the_fastest_one() -> None:
    clock = TransitClock()
    # That machine booted long before ours, and its wall clock is an hour fast.
    first = clock.transit_ms(
        captured(ns=9 * 10**15, after_noon_s=3600.0), received_ns=10**9, received_s=NOON.timestamp()
    )
    late = clock.transit_ms(
        captured(ns=9 * 10**15 + 10**8, after_noon_s=3600.1),
        received_ns=4 * 10**9,
        received_s=NOON.timestamp() + 3.0,
    )
    assert first == (0.0, False)
    assert late[0] == pytest.approx(2900, abs=0.01)
    assert late[1] is False


def test_a_monotonic_time_in_the_future_is_of_another_machine() -> None:
    _, exact = TransitClock().transit_ms(
        captured(ns=2_000), received_ns=1_000, received_s=NOON.timestamp()
    )
    assert not exact
