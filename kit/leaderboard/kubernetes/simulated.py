"""What kube-state-metrics would have told of an event, from its log: for tests and rehearsals."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from kit.errors import ConfigError
from kit.leaderboard.events import AnyRecord, Event
from kit.leaderboard.kubernetes.objects import NAMESPACES, KubernetesObject
from kit.leaderboard.prometheus.conditions import object_of
from kit.leaderboard.prometheus.history import History
from kit.leaderboard.prometheus.names import environments
from kit.leaderboard.rules import Rules


def kube_state(
    rules: Rules,
    records: Iterable[AnyRecord],
    *,
    starts_at_s: float,
    start_s: float,
    step_s: float,
    length: int,
    gaps: Sequence[range] = (),
) -> History:
    """Return the series of all clusters in which something happened.

    Args:
        rules: Of the event; their conditions say what they look at.
        records: Its log. An event's ``source`` is the cluster; conditions that no event is about
            do not hold.
        starts_at_s: Start of the event, seconds since 1970.
        start_s: Moment of the first scrape.
        step_s: Seconds between two scrapes.
        length: How many scrapes.
        gaps: Which scrapes failed, as ranges of their numbers.
    """
    history = History(start_s, step_s, length)
    missed = {index for gap in gaps for index in gap}
    changes = _changes(rules, records)
    for (name, labels), steps in changes.items():
        for index, moment in enumerate(history.moments()):
            if index not in missed:
                value = _at(steps, (moment - starts_at_s) * 1000)
                history.put(name, dict(labels), index, value)
    return history


_Steps = list[tuple[int, float]]
_Series = tuple[str, tuple[tuple[str, str], ...]]


def _changes(rules: Rules, records: Iterable[AnyRecord]) -> dict[_Series, _Steps]:
    found: dict[_Series, _Steps] = defaultdict(list)
    for record in records:
        if not isinstance(record, Event):
            continue
        it = _object(rules, record)
        if it is None:
            continue
        where = it.looked_for_in(record.env)
        for env in environments(rules):
            labels = {"namespace": _namespace(rules, record.user, env), "phase": "Active"}
            found[_series(NAMESPACES, labels, record.source)] = [(-(2**50), 1.0)]
        if record.env not in it.absent_in:
            labels = {"namespace": _namespace(rules, record.user, where), **_labels(it)}
            found[_series(it.metric, labels, record.source)].append((record.at_ms, record.value))
    return {key: sorted(steps) for key, steps in found.items()}


def _object(rules: Rules, event: Event) -> KubernetesObject | None:
    exercise = rules.exercise(event.exercise)
    for condition in exercise.conditions if exercise else ():
        if exercise and condition.id == event.condition:
            return object_of(exercise, condition)
    return None


def _at(steps: _Steps, at_ms: float) -> float:
    value = 0.0
    for moment, now in steps:
        if moment <= at_ms:
            value = now
    return value


def _series(name: str, labels: dict[str, str], cluster: str) -> _Series:
    everywhere = labels | ({"cluster": cluster} if cluster else {})
    return name, tuple(sorted(everywhere.items()))


def _namespace(rules: Rules, user: str, env: str) -> str:
    return rules.namespaces.pattern.replace("<user>", user).replace("<env>", env)


def _labels(it: KubernetesObject) -> dict[str, str]:
    if it.pod:
        return {"pod": example_of(it.pod), "phase": it.phase}
    return {
        "deployment": example_of(it.deployment or ""),
        "condition": "Available",
        "status": "true",
    }


def example_of(pattern: str) -> str:
    """Invent a name that matches a simple pattern.

    Args:
        pattern: With character classes, ``.``, ``*`` and ``+``.

    Raises:
        ConfigError: If it is not as simple as that.
    """
    name = re.sub(r"(\[[^\]]*\]|\.)[*+?]?", "x", pattern)
    if re.fullmatch(pattern, name) is None:
        raise ConfigError(
            f"No name can be invented for the pattern '{pattern}'",
            expected="letters, digits, '-', character classes, '.', '*' and '+'",
            got=name,
        )
    return name
