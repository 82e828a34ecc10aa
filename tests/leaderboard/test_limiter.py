"""The rate limiter, with windows so long that no test sees their end."""

from __future__ import annotations

import pytest

from kit.errors import ConfigError
from kit.leaderboard.limiter import LIMITS, Kind, Limiter

HOURLY = dict.fromkeys(Kind, "3/hour")


def test_more_than_the_rate_is_refused_with_the_seconds_to_wait() -> None:
    limiter = Limiter(HOURLY)
    assert [limiter.refuses(Kind.CLAIM, "ada") for _ in range(3)] == [None] * 3
    wait_s = limiter.refuses(Kind.CLAIM, "ada")
    assert wait_s is not None
    assert 1 <= wait_s <= 3600


def test_each_person_and_each_kind_is_counted_apart() -> None:
    limiter = Limiter(HOURLY)
    for _ in range(4):
        limiter.refuses(Kind.CLAIM, "ada")
    assert limiter.refuses(Kind.CLAIM, "bob") is None
    assert limiter.refuses(Kind.FAULT, "ada") is None


def test_looking_does_not_count() -> None:
    limiter = Limiter(HOURLY)
    assert [limiter.spent(Kind.READ, "x") for _ in range(9)] == [None] * 9
    for _ in range(3):
        limiter.refuses(Kind.READ, "x")
    assert limiter.spent(Kind.READ, "x") is not None


def test_all_rates_of_a_kind_hold() -> None:
    limiter = Limiter({Kind.CLAIM: "100/hour;2/day"})
    assert [limiter.refuses(Kind.CLAIM, "ada") is None for _ in range(3)] == [True, True, False]


def test_a_rate_that_is_none_is_told() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Limiter({Kind.CLAIM: "often"})


def test_every_kind_has_a_rate() -> None:
    assert set(LIMITS) == set(Kind)
