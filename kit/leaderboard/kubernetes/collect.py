"""Reads what kube-state-metrics said from Prometheus or Thanos, and makes events of it.

The stored samples are read, with their own times, since the last look and `OVERLAP_S` before it: no
scrape is lost, and what reaches a central Thanos late is still found. Each cluster is a source of
its own, so an exercise is done when all its conditions hold in one cluster, and a user who is in
two clusters counts once. Events are the same each time they are read, so they can be told again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kit.leaderboard.events import AnyRecord, Event, Join, identified
from kit.leaderboard.kubernetes.holding import STALE_S, Condition, Series
from kit.leaderboard.kubernetes.objects import NAMESPACES
from kit.leaderboard.prometheus.api import PrometheusApi, Samples
from kit.leaderboard.prometheus.conditions import object_of
from kit.leaderboard.prometheus.names import ALL, environments, scored
from kit.leaderboard.rules import Rules

OVERLAP_S = 600.0
"""How far before the last look samples are read again, in seconds: twice the five minutes in which
Advanced Cluster Management's collectors send by default."""

CHUNK_S = 1800.0
"""How much is read at once, in seconds."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One selector, and what its series mean."""

    selector: str
    meanings: tuple[tuple[str, str, str, str], ...]  # looked into, exercise, environment, condition


@dataclass(frozen=True, slots=True)
class _Key:
    user: str
    exercise: str
    env: str
    condition: str
    source: str


class KubernetesReader:
    """Follows one event in the clusters' metrics.

    Args:
        rules: Of the event; each condition says what it looks at.
        starts_at_s: Start of the event, seconds since 1970. What holds before it counts from the
            first sample after it.
        servers: To ask. The same cluster may be seen by several of them.
        cluster_label: Label that tells the clusters of one server apart; series without it are of
            a cluster of this server's own.
        stale_s: How long a sample counts, in seconds.
        overlap_s: How far before the last look to read again, in seconds.

    Raises:
        ConfigError: If a condition does not say what it looks at.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        starts_at_s: float,
        servers: Sequence[PrometheusApi],
        cluster_label: str = "cluster",
        stale_s: float = STALE_S,
        overlap_s: float = OVERLAP_S,
    ) -> None:
        self._rules = rules
        self._starts_at_s = starts_at_s
        self._servers = servers
        self._cluster_label = cluster_label
        self._stale_ms = round(stale_s * 1000)
        self._overlap_s = overlap_s
        self._namespace = re.compile(rules.namespaces.regex(*environments(rules)))
        self._questions = tuple(_questions(rules))
        self._conditions: dict[_Key, Condition] = {}
        self._seen_by: dict[int, set[_Key]] = {number: set() for number in range(len(servers))}
        self._users: set[str] = set()
        self._read_until = dict.fromkeys(range(len(servers)), starts_at_s)

    def look(self, server: int, *, until_s: float) -> list[AnyRecord]:
        """Read what is new at one server.

        Args:
            server: Its number.
            until_s: Read up to here, seconds since 1970; usually the server's now.

        Returns:
            New records: who is there, and conditions that began or ended to hold.

        Raises:
            BrokerError: If the server cannot be reached; nothing is lost, the next look reads it.
        """
        begin = max(self._read_until[server] - self._overlap_s, self._starts_at_s)
        found: list[AnyRecord] = []
        while begin < until_s:
            end = min(begin + CHUNK_S, until_s)
            for question in self._questions:
                for series in self._servers[server].raw(
                    question.selector, end_s=end, seconds=end - begin
                ):
                    found += self._take(server, question, series)
            begin = end
        self._read_until[server] = max(self._read_until[server], until_s)
        return found + list(self._news(server, until_s))

    def _take(self, server: int, question: _Question, series: Samples) -> Iterator[AnyRecord]:
        namespace = self._namespace.fullmatch(series.labels.get("namespace", ""))
        if namespace is None or not series.samples:
            return
        user = namespace[self._rules.namespaces.user_group]
        where = namespace[self._rules.namespaces.env_group]
        cluster = series.labels.get(self._cluster_label, f"server-{server + 1}")
        samples = [(self._ms(at), value >= 1) for at, value in series.samples]
        if user not in self._users:
            self._users.add(user)
            yield identified(Join(at_ms=max(samples[0][0], 0), user=user))
        identity = (("server", str(server)), *sorted(series.labels.items()))
        for looked_into, exercise, env, name in question.meanings:
            if looked_into == where:
                key = _Key(user, exercise, env, name, cluster)
                self._seen_by[server].add(key)
                condition = self._conditions.setdefault(key, Condition())
                one = condition.series.setdefault(identity, Series())
                one.add(samples, stale_ms=self._stale_ms)

    def _news(self, server: int, until_s: float) -> Iterator[Event]:
        for key in self._seen_by[server]:
            news = self._conditions[key].news(self._ms(until_s), stale_ms=self._stale_ms)
            for at_ms, holds in news:
                yield identified(
                    Event(
                        at_ms=at_ms,
                        user=key.user,
                        exercise=key.exercise,
                        env=key.env,
                        condition=key.condition,
                        value=float(holds),
                        source=key.source,
                    )
                )

    def _ms(self, moment_s: float) -> int:
        return round((moment_s - self._starts_at_s) * 1000)


def _questions(rules: Rules) -> Iterator[_Question]:
    """Yield a selector for each condition, and one for the namespaces themselves."""
    there: list[tuple[str, str, str, str]] = []
    for exercise in scored(rules, ALL):
        for condition in exercise.conditions:
            it = object_of(exercise, condition)
            envs = exercise.environments
            there += [(env, exercise.id, env, condition.id) for env in envs if env in it.absent_in]
            judged = [env for env in envs if env not in it.absent_in]
            meanings = [(it.looked_for_in(env), exercise.id, env, condition.id) for env in judged]
            wanted = dict.fromkeys(looked_into for looked_into, *_ in meanings)
            if wanted:
                namespaces = rules.namespaces.regex(*wanted)
                selector = f"{it.metric}{{namespace=~'{namespaces}',{it.matchers}}}"
                yield _Question(selector, tuple(meanings))
    namespaces = rules.namespaces.regex(*environments(rules))
    selector = f"{NAMESPACES}{{namespace=~'{namespaces}',phase='Active'}}"
    yield _Question(selector, tuple(there))
