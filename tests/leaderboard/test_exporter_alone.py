"""The exporter that follows a log by itself, scraped as Prometheus does it."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from kit.errors import ConfigError
from kit.leaderboard.events import Event
from kit.leaderboard.prometheus.alone import LogReader, exporting
from kit.leaderboard.rules import load_rules
from kit.leaderboard.store import Store
from tests.monitoring.scraping import value

RULES = load_rules("original")
STARTS_AT_S = 1_700_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'event.db'}") as it:
        yield it


def reader(store: Store) -> LogReader:
    return LogReader(RULES, store, starts_at_s=STARTS_AT_S, clock=lambda: STARTS_AT_S + 6000)


def scrape(url: str) -> dict[str, Metric]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        text = answer.read().decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_what_comes_into_the_log_is_in_the_next_scrape(store: Store) -> None:
    with exporting(RULES, reader(store)) as url:
        before = scrape(url)
        store.append([Event(at_ms=1_800_000, user="ada", exercise="hero")])
        after = scrape(url)
        store.append([Event(at_ms=2_400_000, user="ada", exercise="villain")])
        last = scrape(url)
    assert value(before, "kit_leaderboard_participants") == 0
    assert value(after, "kit_leaderboard_score_points", user="ada") == 74
    assert value(last, "kit_leaderboard_records") == 2
    assert value(last, "kit_leaderboard_score_points", user="ada") == 74 + 25 + 9 + 12


def test_only_the_first_users_have_series(store: Store) -> None:
    store.append([Event(at_ms=n, user=f"u{n}", exercise="hero") for n in range(5)])
    with exporting(RULES, reader(store), limit=2) as url:
        found = scrape(url)
    assert {s.labels["user"] for s in found["kit_leaderboard_rank"].samples} == {"u0", "u1"}
    assert value(found, "kit_leaderboard_finishers", exercise="hero") == 5


def test_a_port_that_is_taken_is_told(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=f"Port {port} of"),
            exporting(RULES, reader(store), port=port),
        ):
            pass
