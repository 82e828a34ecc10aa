"""The exporter without the service: it follows a log's database by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kit.errors import ConfigError
from kit.leaderboard.incremental import Incremental
from kit.leaderboard.prometheus.exporter import (
    LIMIT,
    LeaderboardCollector,
    Reading,
    registry_of,
)
from kit.leaderboard.rules import Rules
from kit.leaderboard.store import Store

HOST = "127.0.0.1"
"""Where it listens unless told otherwise."""


class LogReader:
    """Reads what is new in a log each time it is asked.

    Args:
        rules: Of the event.
        store: Its log; others may write to it meanwhile.
        starts_at_s: Start of the event, seconds since 1970.
        clock: Tells the time, seconds since 1970.
    """

    def __init__(
        self,
        rules: Rules,
        store: Store,
        *,
        starts_at_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._starts_at_s = starts_at_s
        self._clock = clock
        self._engine = Incremental(rules)
        self._lock = threading.Lock()  # two scrapes may come at once
        self._after = 0
        self._records = 0

    def __call__(self) -> Reading:
        """Return the reading of now: everything, also what a public board would not show yet."""
        with self._lock:
            new = self._store.read(after=self._after)
            if new:
                self._after = new[-1].sequence
                self._records += len(new)
                self._engine.apply(*(stored.record for stored in new))
            board = self._engine.standings(self._clock() - self._starts_at_s)
            return Reading(board, self._starts_at_s, self._records)


@contextmanager
def exporting(
    rules: Rules,
    read: Callable[[], Reading],
    *,
    host: str = HOST,
    port: int = 0,
    limit: int = LIMIT,
) -> Iterator[str]:
    """Serve ``/metrics`` in threads, as long as the context lasts.

    Args:
        rules: Of the event.
        read: Gives the reading of now.
        host: Address to listen on.
        port: TCP port; 0 for any free one.
        limit: How many users have series of their own.

    Yields:
        The address of the metrics.

    Raises:
        ConfigError: If the port cannot be had.
    """
    from prometheus_client import start_http_server

    registry = registry_of(LeaderboardCollector(rules, read, limit=limit))
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise ConfigError(
            f"Port {port} of {host} cannot be had", got=str(error), fix="name another one: --port"
        ) from error
    try:
        yield f"http://{host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
