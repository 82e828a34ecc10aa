"""From the metrics of two clusters, kept by two real Prometheus servers, to standings."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

import pytest

from kit.errors import BrokerError
from kit.leaderboard.events import AnyRecord, Event
from kit.leaderboard.kubernetes.collect import KubernetesReader
from kit.leaderboard.kubernetes.follow import Collecting, collect
from kit.leaderboard.kubernetes.simulated import example_of, kube_state
from kit.leaderboard.log import read_lines
from kit.leaderboard.prometheus.api import PrometheusApi
from kit.leaderboard.rules import load_rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.store import Store
from tests.leaderboard.served import served
from tests.leaderboard.servers import fill, prometheus

RULES = load_rules("kubernetes")
STARTS_AT_S = 1_700_000_000.0
STEP_S = 30.0
SCRAPES = round(RULES.duration_s / STEP_S) + 20
GAPS = (range(60, 66), range(120, 121), range(200, 207))  # 180, 30 and 210 seconds of silence
LONGEST_GAP_S = STEP_S * 8
CLUSTERS = ("east", "west")


def does(random: Random, user: str, exercise: str, at_s: float, cluster: str) -> list[Event]:
    """All conditions come about shortly before the deployment, which then flaps."""
    rule = RULES.exercise(exercise)
    assert rule is not None

    def event(env: str, name: str, when_s: float, *, holds: bool = True) -> Event:
        return Event(
            at_ms=round(when_s * 1000),
            user=user,
            exercise=exercise,
            env=env,
            condition=name,
            value=float(holds),
            source=cluster,
        )

    found = []
    pipeline_s = at_s - random.uniform(0, 200)
    for late, env in enumerate(rule.environments):
        done_s = at_s + 120 * late
        database_s = 0 if env == "prod" else done_s - random.uniform(0, 200)
        moments = {"deployment": done_s, "database": database_s, "pipeline": pipeline_s}
        found += [event(env, each.id, moments[each.id]) for each in rule.conditions]
        for number in range(1, 5):
            when_s = done_s + 100 * number
            found.append(event(env, "deployment", when_s, holds=number % 2 == 0))
    return found


def event_log() -> list[AnyRecord]:
    random = Random(7)
    records: list[AnyRecord] = []
    for number in range(10):
        pace = random.uniform(0.6, 1.1)
        for each in RULES.exercises:
            at_s = each.nominal_end_s * pace
            records += does(random, f"user{number}", each.id, at_s, CLUSTERS[number % 2])
    # One is in both clusters and is faster in the second one; another one has a part in each.
    records += does(random, "both", "hero", 4000, "east")
    records += does(random, "both", "hero", 2000, "west")
    for event in does(random, "split", "fight", 3000, "east"):
        cluster = "west" if event.condition == "pipeline" else "east"
        records.append(replace(event, source=cluster))
    return records


LOG = event_log()


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server for each cluster; both lost some scrapes."""
    folder = tmp_path_factory.mktemp("clusters")
    for number, cluster in enumerate(CLUSTERS):
        mine = [each for each in LOG if isinstance(each, Event) and each.source == cluster]
        told = kube_state(
            RULES,
            mine,
            starts_at_s=STARTS_AT_S,
            start_s=STARTS_AT_S - 5 * STEP_S + number,
            step_s=STEP_S,
            length=SCRAPES,
            gaps=GAPS[number:],
        )
        fill(folder / cluster, [told])
    with prometheus(folder / "east") as east, prometheus(folder / "west") as west:
        yield east, west


@cache  # reading again is what a test of its own does
def collected(urls: tuple[str, ...], moments: tuple[float, ...]) -> list[AnyRecord]:
    with PrometheusApi(urls[0]) as first, PrometheusApi(urls[-1]) as second:
        servers = [first, second][: len(urls)]
        reader = KubernetesReader(RULES, starts_at_s=STARTS_AT_S, servers=servers)
        return [
            record
            for moment in moments
            for number in range(len(servers))
            for record in reader.look(number, until_s=STARTS_AT_S + moment)
        ]


END_S = RULES.duration_s + 300


def test_everybody_finishes_at_the_first_scrape_that_saw_it(urls: tuple[str, str]) -> None:
    seen = standings(RULES, collected(urls, (END_S,)))
    truth = standings(RULES, LOG)
    assert {row.user for row in seen.rows} == {row.user for row in truth.rows}
    finishes = 0
    for row in truth.rows:
        mine = seen.of(row.user)
        assert mine is not None
        assert mine.finished.keys() == row.finished.keys()
        for exercise, at_s in row.finished.items():
            assert 0 <= mine.finished[exercise] - at_s <= LONGEST_GAP_S
            finishes += 1
    assert finishes >= 25


def test_the_scores_agree_within_one_step_of_the_formula(urls: tuple[str, str]) -> None:
    seen = standings(RULES, collected(urls, (END_S,)))
    for row in standings(RULES, LOG).rows:
        mine = seen.of(row.user)
        assert mine is not None
        steps = 2 * len(row.finishes) * LONGEST_GAP_S / 300
        assert abs(mine.score - row.score) <= steps


def test_a_user_on_two_clusters_counts_once_with_the_earlier_finish(urls: tuple[str, str]) -> None:
    row = standings(RULES, collected(urls, (END_S,))).of("both")
    assert row is not None
    assert list(row.finished) == ["hero"]
    assert 2240 <= row.finished["hero"] <= 2240 + LONGEST_GAP_S


def test_conditions_that_hold_in_different_clusters_do_not_make_a_finish(
    urls: tuple[str, str],
) -> None:
    row = standings(RULES, collected(urls, (END_S,))).of("split")
    assert row is not None
    assert row.finishes == ()


def test_many_looks_tell_the_same_as_one(urls: tuple[str, str]) -> None:
    once = collected(urls, (END_S,))
    often = collected(urls, (*range(0, int(END_S), 700), END_S))
    assert standings(RULES, often) == standings(RULES, once)


def test_a_new_collector_tells_the_same_records_again(urls: tuple[str, str]) -> None:
    first = {record.id for record in collected(urls, (END_S,))}
    again = {record.id for record in collected.__wrapped__(urls, (END_S,))}
    assert first == again


def test_a_server_that_is_away_for_a_while_loses_nothing(urls: tuple[str, str]) -> None:
    with PrometheusApi(urls[0]) as east, PrometheusApi(urls[1]) as west:
        reader = KubernetesReader(RULES, starts_at_s=STARTS_AT_S, servers=[east, west])
        records = []
        for moment in range(0, int(END_S), 1500):
            records += reader.look(0, until_s=STARTS_AT_S + moment)
        for number in (0, 1):
            records += reader.look(number, until_s=STARTS_AT_S + END_S)
    assert standings(RULES, records) == standings(RULES, collected(urls, (END_S,)))


def test_a_server_that_cannot_be_reached_is_named() -> None:
    with (
        PrometheusApi("http://127.0.0.1:9") as nobody,
        pytest.raises(BrokerError, match=r"127\.0\.0\.1:9 cannot be reached"),
    ):
        nobody.now()


def test_a_query_that_is_refused_says_why(urls: tuple[str, str]) -> None:
    with PrometheusApi(urls[0]) as server, pytest.raises(BrokerError, match="parse error"):
        server.raw("{", end_s=STARTS_AT_S, seconds=60)


def test_names_are_invented_for_simple_patterns() -> None:
    assert example_of("[a-z]+-hero-run-.*-resync-pod") == "x-hero-run-x-resync-pod"


def once(urls: tuple[str, str]) -> Collecting:
    return Collecting(
        rules=RULES,
        starts_at_s=STARTS_AT_S,
        urls=urls,
        every_s=None,
        until_s=STARTS_AT_S + END_S,
    )


def test_the_command_prints_lines_that_replay_to_the_same_standings(
    urls: tuple[str, str],
) -> None:
    start = datetime.fromtimestamp(STARTS_AT_S, UTC)
    end = start + timedelta(seconds=END_S)
    arguments = ["--prometheus", urls[0], "--prometheus", urls[1], "--json"]
    arguments += ["--starts-at", start.isoformat(), "--until", end.isoformat()]
    done = subprocess.run(
        [sys.executable, "-m", "kit", "leaderboard", "collect", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    records = list(read_lines(lines, rules=RULES))
    assert json.loads(last) == {"records": len(records), "looks": 2, "failures": 0}
    assert standings(RULES, records) == standings(RULES, collected(urls, (END_S,)))


def test_a_log_that_is_collected_twice_keeps_each_record_once(
    urls: tuple[str, str], tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path / 'event.db'}"
    for _ in range(2):
        collect(once(urls), store=store)
    with Store.open(store) as log:
        records = [stored.record for stored in log.read()]
    assert len({record.id for record in records}) == len(records)
    assert standings(RULES, records) == standings(RULES, collected(urls, (END_S,)))


def test_what_is_collected_reaches_the_running_leaderboard_once(
    urls: tuple[str, str], tmp_path: Path
) -> None:
    with served(tmp_path, rules="kubernetes", started_s=time.time() - STARTS_AT_S) as leaderboard:
        token = leaderboard.organiser["Authorization"].removeprefix("Bearer ")
        with pytest.raises(BrokerError, match="status 401"):
            collect(once(urls), post=leaderboard.url, post_token="wrong")
        for _ in range(2):
            collect(once(urls), post=leaderboard.url, post_token=token)
        places = leaderboard.places()
        kept = leaderboard.http.get("api/health").json()["records"]
    records = collected(urls, (END_S,))
    assert kept == sum(isinstance(record, Event) for record in records)
    for row in standings(RULES, records).rows:
        done = places[row.user]["done"]
        assert done.keys() == row.finished.keys()
        for exercise, at_s in row.finished.items():
            assert done[exercise]["at_s"] == pytest.approx(at_s, abs=5)
