"""How often one client may ask, so that nobody keeps the others from being heard.

People at a workshop share one address, so an address alone condemns nobody: whoever signs well is
counted by name, and only what is not well signed counts against the address that it came from.
"""

from __future__ import annotations

import math
import time
from enum import StrEnum

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from kit.errors import ConfigError


class Kind(StrEnum):
    """What is counted together."""

    CLAIM = "claim"
    """Well signed claims of one person."""
    FAULT = "fault"
    """Claims and organiser's tokens from one address that are not well signed."""
    READ = "read"
    """Pages and answers that anyone may read, of one address."""


LIMITS: dict[Kind, str] = {
    Kind.CLAIM: "10/second;240/minute",
    Kind.FAULT: "20/second;120/minute",
    Kind.READ: "200/second",
}
"""How many of each, in the notation of the package ``limits``."""


class Limiter:
    """Counts requests, in the memory of this process, over moving windows.

    Args:
        rates: Replaces some of `LIMITS`.

    Raises:
        ConfigError: If a rate cannot be read.
    """

    def __init__(self, rates: dict[Kind, str] | None = None) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._items = {kind: _read(rate) for kind, rate in {**LIMITS, **(rates or {})}.items()}

    def refuses(self, kind: Kind, who: str) -> int | None:
        """Count one request.

        Args:
            kind: What it is.
            who: A name or an address.

        Returns:
            None if it may pass; else after how many seconds to come again, at least 1.
        """
        for item in self._items[kind]:
            if not self._windows.hit(item, kind, who):
                return self._wait_s(item, kind, who)
        return None

    def spent(self, kind: Kind, who: str) -> int | None:
        """Tell the same as `refuses`, but without counting."""
        for item in self._items[kind]:
            if not self._windows.test(item, kind, who):
                return self._wait_s(item, kind, who)
        return None

    def _wait_s(self, item: RateLimitItem, kind: Kind, who: str) -> int:
        reset_s = self._windows.get_window_stats(item, kind, who).reset_time
        return max(1, math.ceil(reset_s - time.time()))


def _read(rate: str) -> list[RateLimitItem]:
    try:
        return parse_many(rate)
    except ValueError as error:
        raise ConfigError(
            "This rate cannot be read", expected="something like 10/second;240/minute", got=rate
        ) from error
