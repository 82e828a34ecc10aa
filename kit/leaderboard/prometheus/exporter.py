"""What the leaderboard tells Prometheus: what is done, since when, and the scores.

Only the first users have series of their own, `LIMIT` at most; the totals count everybody. Figures
are made when they are asked for, from the standings of that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.leaderboard.lazy import LazyRows
from kit.leaderboard.prometheus.names import EXPORTED, environments
from kit.leaderboard.rules import Rules
from kit.leaderboard.standings import Standing, Standings

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily, Metric
    from prometheus_client.registry import CollectorRegistry

LIMIT = 200
"""How many users have series of their own."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is exported at one moment.

    Attributes:
        standings: At that moment. Give the board that the public sees, or keep the endpoint from
            the public: while a board is frozen, this one tells what is hidden.
        starts_at_s: Start of the event, in seconds since 1970; None if it has not started.
        records: How many records the log holds.
        ends_at_s: End of the event, in seconds since 1970; after the rules' duration if None.
    """

    standings: Standings
    starts_at_s: float | None
    records: int = 0
    ends_at_s: float | None = None


class LeaderboardCollector:
    """Turns standings into families of metrics, for a registry of ``prometheus_client``.

    Args:
        rules: Of the event.
        read: Gives the reading of now.
        limit: How many users, the first ones, have series of their own.
    """

    def __init__(self, rules: Rules, read: Callable[[], Reading], *, limit: int = LIMIT) -> None:
        self._rules = rules
        self._read = read
        self._limit = limit

    def describe(self) -> Iterable[Metric]:
        """Tell the registry nothing in advance: figures are read only when they are asked for."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read and yield all families."""
        reading = self._read()
        rows = reading.standings.rows
        yield from self._event(reading)
        yield from self._totals(rows)
        yield from self._users(rows[: self._limit], reading.starts_at_s)

    def _event(self, reading: Reading) -> Iterator[Metric]:
        info = _gauge("info", "1; its label is the name of the rules", "rules")
        info.add_metric([self._rules.name], 1)
        yield info
        start = _gauge("start_timestamp_seconds", "Start of the event, in seconds since 1970")
        end = _gauge("end_timestamp_seconds", "End of the event, in seconds since 1970")
        if reading.starts_at_s is not None:
            start.add_metric([], reading.starts_at_s)
            end_s = reading.ends_at_s or reading.starts_at_s + self._rules.duration_s
            end.add_metric([], end_s)
        yield from (start, end)
        everybody = len(reading.standings.rows)
        for name, text, value in (
            ("records", "Records in the log", reading.records),
            ("participants", "Users who are ranked", everybody),
            (
                "exported_participants",
                "Users with series of their own",
                min(everybody, self._limit),
            ),
        ):
            gauge = _gauge(name, text)
            gauge.add_metric([], value)
            yield gauge

    def _totals(self, rows: Sequence[Standing]) -> Iterator[Metric]:
        finished = {each.id: 0 for each in self._rules.exercises}
        done = {(each.id, env): 0 for each in self._rules.exercises for env in each.environments}
        for exercise, is_finished, envs in _reached(rows):
            finished[exercise] += is_finished
            for env in envs:
                done[exercise, env] = done.get((exercise, env), 0) + 1
        finishers = _gauge("finishers", "Users who finished an exercise", "exercise")
        for exercise, count in finished.items():
            finishers.add_metric([exercise], count)
        yield finishers
        completions = _gauge(
            "completions", "Users who did an exercise in an environment", "exercise", "env"
        )
        for labels, count in done.items():
            completions.add_metric(list(labels), count)
        yield completions

    def _users(self, rows: Iterable[Standing], starts_at_s: float | None) -> Iterator[Metric]:
        score = _gauge("score_points", "Score", "user")
        rank = _gauge("rank", "Place, from 1", "user")
        other = _gauge(
            "other_points",
            "Points besides those for finishes: measures, hints, corrections",
            "user",
        )
        done = _gauge("finish_done", "1 if an exercise is finished, else 0", "exercise", "user")
        when = _gauge(
            "finish_timestamp_seconds",
            "When an exercise was finished, in seconds since 1970",
            "exercise",
            "user",
        )
        environments_ = _Environments(self._rules, starts_at_s)
        for row in rows:
            score.add_metric([row.user], row.score)
            rank.add_metric([row.user], row.rank)
            other.add_metric([row.user], self._other(row))
            finishes = {each.exercise: each.at_ms for each in row.finishes}
            for exercise in self._rules.exercises:
                at_ms = finishes.get(exercise.id)
                done.add_metric([exercise.id, row.user], float(at_ms is not None))
                if at_ms is not None and starts_at_s is not None:
                    when.add_metric([exercise.id, row.user], starts_at_s + at_ms / 1000)
            environments_.add(row)
        yield from (score, rank, other, done, when)
        yield from environments_.families()

    def _other(self, row: Standing) -> float:
        measured = {each.id for each in self._rules.exercises if each.measure is not None}
        points = sum(each.bonus for each in row.finishes if each.exercise in measured)
        return points + row.adjustment - row.penalty


class _Environments:
    """The two families of what is done where; none if the rules name no environments."""

    def __init__(self, rules: Rules, starts_at_s: float | None) -> None:
        labels = ("exercise", "env", "user")
        self.starts_at_s = starts_at_s
        self.wanted = [(each.id, env) for each in rules.exercises for env in each.environments]
        self.any = bool(environments(rules))
        self.done = _gauge(
            "completion_done", "1 if an exercise is done in an environment, else 0", *labels
        )
        self.when = _gauge(
            "completion_timestamp_seconds",
            "When an exercise was done in an environment, in seconds since 1970",
            *labels,
        )

    def add(self, row: Standing) -> None:
        completions = _completions(row)
        for key in self.wanted:
            at_ms = completions.get(key)
            self.done.add_metric([*key, row.user], float(at_ms is not None))
            if at_ms is not None and self.starts_at_s is not None:
                self.when.add_metric([*key, row.user], self.starts_at_s + at_ms / 1000)

    def families(self) -> Iterator[Metric]:
        if self.any:
            yield from (self.done, self.when)


def registry_of(collector: LeaderboardCollector) -> CollectorRegistry:
    """Return a registry that has this collector, and nothing else."""
    from prometheus_client.registry import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(collector)
    return registry


def exposition(collector: LeaderboardCollector, accept: str = "") -> tuple[bytes, str]:
    """Return what ``/metrics`` answers.

    Args:
        collector: Of the leaderboard.
        accept: The request's ``Accept``; it decides between Prometheus's text and OpenMetrics.

    Returns:
        The body and its content type.
    """
    from prometheus_client.exposition import choose_encoder

    encode, content_type = choose_encoder(accept)
    return encode(registry_of(collector)), content_type


def _reached(rows: Sequence[Standing]) -> Iterator[tuple[str, bool, list[str]]]:
    """Yield what everybody has reached: exercise, whether it is finished, environments done.

    There may be a hundred thousand people, so no row is built for it.
    """
    if isinstance(rows, LazyRows):
        for scored in rows.scored:
            for exercise, so_far in scored.done:
                envs = [env for env, _ in so_far.environments if env]
                yield exercise.id, so_far.at_ms is not None, envs
        return
    for row in rows:
        finished = {each.exercise for each in row.finishes}
        there = _completions(row)
        for name in finished | {each for each, _ in there}:
            yield name, name in finished, [env for each, env in there if each == name]


def _completions(row: Standing) -> dict[Key, int]:
    """Return when the user did each exercise in each environment, in milliseconds."""
    found = {(name, env): at_ms for name, env, at_ms in row.under_way}
    for finish in row.finishes:
        found |= {(finish.exercise, env): at_ms for env, at_ms in finish.environments if env}
    return found


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"{EXPORTED}_{name}", text, labels=labels)
