"""The loop of ``kit leaderboard collect``: look, tell, wait, until the event is over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from kit.errors import BrokerError, ConfigError
from kit.leaderboard.events import AnyRecord
from kit.leaderboard.kubernetes.collect import OVERLAP_S, KubernetesReader
from kit.leaderboard.kubernetes.holding import STALE_S
from kit.leaderboard.kubernetes.sinks import ServicePost, Sink, to_file, to_lines, to_store
from kit.leaderboard.prometheus.api import PrometheusApi
from kit.leaderboard.rules import Rules

EVERY_S = 15.0
"""Seconds between two looks."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """What to collect, from where, and where to.

    Attributes:
        rules: Of the event.
        starts_at_s: Its start, seconds since 1970.
        urls: Of the Prometheus or Thanos servers.
        token: Bearer token for them.
        ca_file: Certificate authority for them.
        cluster_label: Label that tells clusters apart.
        stale_s: How long a sample counts, in seconds.
        overlap_s: How far before the last look to read again, in seconds.
        every_s: Seconds between two looks; one look only if None.
        until_s: Read up to here, seconds since 1970; each server's now if None.
    """

    rules: Rules
    starts_at_s: float
    urls: Sequence[str]
    token: str | None = None
    ca_file: str | None = None
    cluster_label: str = "cluster"
    stale_s: float = STALE_S
    overlap_s: float = OVERLAP_S
    every_s: float | None = EVERY_S
    until_s: float | None = None


@dataclass
class Tally:
    """What came of it.

    Attributes:
        looks: How often a server was read.
        failures: How often one could not be.
        records: How many records were told.
    """

    looks: int = 0
    failures: int = 0
    records: int = 0


def follow(what: Collecting, sinks: Sequence[Sink], *, stop: threading.Event) -> Tally:
    """Collect until the event is over and late samples have had their time, or once.

    A server or a sink that fails is tried again at the next look; nothing is lost meanwhile.

    Args:
        what: What to do.
        sinks: Where records go.
        stop: Ends it early.

    Raises:
        BrokerError: If there is one look only, and a server or a sink fails.
    """
    tally = Tally()
    with ExitStack() as stack:
        servers = [
            stack.enter_context(PrometheusApi(url, token=what.token, ca_file=what.ca_file))
            for url in what.urls
        ]
        reader = KubernetesReader(
            what.rules,
            starts_at_s=what.starts_at_s,
            servers=servers,
            cluster_label=what.cluster_label,
            stale_s=what.stale_s,
            overlap_s=what.overlap_s,
        )
        over_s = what.starts_at_s + what.rules.duration_s + what.overlap_s
        outbox: list[list[AnyRecord]] = [[] for _ in sinks]
        while True:
            moments = list(_look(what, reader, servers, outbox, tally))
            _tell(what, sinks, outbox, tally)
            over = bool(moments) and min(moments) > over_s
            if what.every_s is None or over or stop.wait(what.every_s):
                return tally


def _look(
    what: Collecting,
    reader: KubernetesReader,
    servers: Sequence[PrometheusApi],
    outbox: Sequence[list[AnyRecord]],
    tally: Tally,
) -> Iterator[float]:
    """Read every server once; yield the moments up to which they were read."""
    for number, server in enumerate(servers):
        try:
            until_s = server.now() if what.until_s is None else what.until_s
            records = reader.look(number, until_s=until_s)
        except BrokerError as error:
            if what.every_s is None:
                raise
            tally.failures += 1
            _logger.warning("%s", error)
            continue
        tally.looks += 1
        tally.records += len(records)
        for waiting in outbox:
            waiting.extend(records)
        yield until_s


def _tell(
    what: Collecting, sinks: Sequence[Sink], outbox: Sequence[list[AnyRecord]], tally: Tally
) -> None:
    for sink, waiting in zip(sinks, outbox, strict=True):
        if not waiting:
            continue
        try:
            sink(waiting)
        except (BrokerError, ConfigError) as error:
            if what.every_s is None:
                raise
            tally.failures += 1
            _logger.warning("%s", error)
        else:
            waiting.clear()


def collect(
    what: Collecting,
    *,
    lines: TextIO | None = None,
    out: Path | None = None,
    store: str | None = None,
    post: str | None = None,
    post_token: str = "",
    stop: threading.Event | None = None,
) -> Tally:
    """Collect into everything that is named.

    Args:
        what: What to do.
        lines: Gets lines of JSON.
        out: File that gets them.
        store: URL of a log's database.
        post: URL of the leaderboard's service.
        post_token: Its organiser's token.
        stop: Ends it early.

    Raises:
        ConfigError: If something that is named cannot be opened.
        BrokerError: If there is one look only, and a server cannot be reached.
    """
    with ExitStack() as stack:
        sinks: list[Sink] = [to_lines(lines)] if lines is not None else []
        if out is not None:
            sinks.append(to_lines(stack.enter_context(to_file(out))))
        if store is not None:
            from kit.leaderboard.store import Store

            sinks.append(to_store(stack.enter_context(Store.open(store))))
        if post is not None:
            brings = ServicePost(post, token=post_token, starts_at_s=what.starts_at_s)
            sinks.append(stack.enter_context(brings))
        return follow(what, sinks, stop=stop or threading.Event())
