"""A whole event that never was: people of all kinds, and all that goes wrong, for rehearsals.

Pure: the same rules, number of people and seed always give the same event. A record has two times:
the one it carries, and the one at which it arrives, which outages make later and out of order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from kit.errors import ConfigError
from kit.leaderboard.events import AnyRecord, Event, Join, identified
from kit.leaderboard.rules import Exercise, Rules
from kit.leaderboard.simulate_names import name_of


class Kind(StrEnum):
    """How somebody goes about it."""

    FAST = "fast"
    STEADY = "steady"
    SLOW = "slow"
    LATE = "late"
    """Starts late, and then is fast."""
    GIVES_UP = "gives-up"
    """Leaves somewhere on the way."""


@dataclass(frozen=True)
class Mix:
    """What people there are and what goes wrong.

    Attributes:
        shares: How many there are of each kind, in proportion.
        flapping: Share of people whose conditions come and go, 0 to 1.
        skewed: Share of people whose clock is wrong by up to `skew_s`.
        skew_s: Seconds.
        outages: How many times a site goes dark, and all its records come afterwards.
        outage_s: How long, seconds.
        sites: Among how many sites, such as clusters, the people are spread.
        repeated: Share of records that arrive twice.
    """

    shares: Mapping[Kind, float] = field(
        default_factory=lambda: {
            Kind.FAST: 0.15,
            Kind.STEADY: 0.45,
            Kind.SLOW: 0.2,
            Kind.LATE: 0.1,
            Kind.GIVES_UP: 0.1,
        }
    )
    flapping: float = 0.25
    skewed: float = 0.1
    skew_s: float = 3.0
    outages: int = 2
    outage_s: float = 300.0
    sites: int = 6
    repeated: float = 0.05


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record on its way.

    Attributes:
        arrives_ms: When it arrives, in milliseconds from the start; never before it happened,
            clocks that are ahead apart.
        record: With its identity.
    """

    arrives_ms: int
    record: AnyRecord


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes part.

    Attributes:
        user: Identifier.
        name: To be shown.
        kind: How this one goes about it.
        pace: Time for an exercise, in parts of what the rules think it takes.
        starts_ms: When this one begins, in milliseconds from the start.
        leaves_ms: When this one gives up; after the end for the others.
        skew_ms: How much the clock is ahead.
        flaps: Whether conditions come and go.
        site: Number of the site.
    """

    user: str
    name: str
    kind: Kind
    pace: float
    starts_ms: int
    leaves_ms: int
    skew_ms: int
    flaps: bool
    site: int


_PACE = {
    Kind.FAST: 0.65,
    Kind.STEADY: 0.95,
    Kind.SLOW: 1.35,
    Kind.LATE: 0.7,
    Kind.GIVES_UP: 1.1,
}
_NEVER_MS = 2**53


def simulate(
    rules: Rules, *, people: int = 96, seed: int = 1, mix: Mix | None = None
) -> list[Arrival]:
    """Play an event.

    Args:
        rules: Of the event.
        people: How many take part, 1 to a million.
        seed: Any whole number that is not negative.
        mix: What people and what mishaps; the usual ones if None.

    Returns:
        All records, in the order of their arrival.

    Raises:
        ConfigError: If the number of people or the seed cannot be.
    """
    if not 1 <= people <= 1_000_000 or seed < 0:
        raise ConfigError(
            "Such an event cannot be simulated",
            expected="1 to 1,000,000 people and a seed of 0 or more",
            got=f"{people} people, seed {seed}",
        )
    what = mix or Mix()
    rng = np.random.default_rng(seed)
    dark = _outages(rules, what, rng)
    arrivals: list[Arrival] = []
    for number in range(people):
        person = _person(number, rules, what, rng)
        for record in _records(person, rules, rng):
            arrivals += _on_its_way(record, person, what, dark, rng)
    arrivals.sort(key=lambda arrival: (arrival.arrives_ms, arrival.record.id))
    return arrivals


def _person(number: int, rules: Rules, mix: Mix, rng: np.random.Generator) -> Person:
    kinds, shares = list(mix.shares), np.array(list(mix.shares.values()), float)
    kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
    length = rules.duration_ms
    begins = rng.uniform(0.15, 0.35) if kind is Kind.LATE else abs(rng.normal(0, 0.01))
    leaves = int(rng.uniform(0.2, 0.8) * length) if kind is Kind.GIVES_UP else _NEVER_MS
    skewed, flaps = rng.random() < mix.skewed, rng.random() < mix.flapping
    return Person(
        user=name_of(number).replace(" ", ""),
        name=name_of(number),
        kind=kind,
        pace=_PACE[kind] * float(rng.lognormal(0, 0.12)),
        starts_ms=int(min(begins, 0.9) * length),
        leaves_ms=leaves,
        skew_ms=int(rng.uniform(-1, 1) * mix.skew_s * 1000) if skewed else 0,
        flaps=bool(flaps),
        site=int(rng.integers(mix.sites)),
    )


def _records(person: Person, rules: Rules, rng: np.random.Generator) -> Iterator[AnyRecord]:
    bracket = rules.brackets[int(rng.integers(len(rules.brackets)))] if rules.brackets else ""
    yield Join(at_ms=0, user=person.user, name=person.name, bracket=bracket)
    now_ms, planned_ms = person.starts_ms, 0
    for exercise in rules.exercises:
        if exercise.measure is not None:
            yield from _attempts(person, exercise, rules, rng)
            continue
        ought_ms = max(exercise.nominal_end_ms - planned_ms, exercise.step_ms)
        planned_ms = max(exercise.nominal_end_ms, planned_ms)
        now_ms += int(ought_ms * person.pace * rng.lognormal(0, 0.15))
        for record in _work(person, exercise, now_ms, ought_ms, rng):
            if record.at_ms < min(person.leaves_ms, rules.duration_ms):
                yield record


def _attempts(
    person: Person, exercise: Exercise, rules: Rules, rng: np.random.Generator
) -> Iterator[Event]:
    measure = exercise.measure
    assert measure is not None, "only measured exercises are attempted"
    until = min(person.leaves_ms, rules.duration_ms)
    for share in np.sort(rng.random(int(rng.integers(1, 5)))):
        at_ms = int(person.starts_ms + share * max(until - person.starts_ms, 0))
        skill = float(np.clip(rng.normal(0.9 / (1 + person.pace), 0.2), 0, 1))
        value = round(measure.worst + skill * (measure.best - measure.worst), 4)
        yield Event(at_ms=at_ms, user=person.user, exercise=exercise.id, value=value)


def _work(
    person: Person, exercise: Exercise, done_ms: int, ought_ms: int, rng: np.random.Generator
) -> Iterator[Event]:
    """Do an exercise: in one environment after the other, the last one at `done_ms`."""
    environments = exercise.environments or ("",)
    conditions = [condition.id for condition in exercise.conditions] or [""]
    for place, env in enumerate(environments):
        left = len(environments) - 1 - place
        env_ms = done_ms - int(left * ought_ms * rng.uniform(0.05, 0.15))
        last = int(rng.integers(len(conditions)))
        for number, condition in enumerate(conditions):
            early = 0.0 if number == last else rng.uniform(0.02, 0.3)
            at_ms = max(env_ms - int(early * ought_ms), person.starts_ms)
            event = Event(
                at_ms=at_ms, user=person.user, exercise=exercise.id, env=env, condition=condition
            )
            yield event
            if person.flaps and condition:
                yield from _flaps(event, ought_ms, rng)


def _flaps(event: Event, ought_ms: int, rng: np.random.Generator) -> Iterator[Event]:
    at_ms = event.at_ms
    for _ in range(int(rng.integers(1, 4))):
        at_ms += int(rng.uniform(0.05, 0.4) * ought_ms) + 1
        yield replace(event, at_ms=at_ms, value=0.0)
        at_ms += int(rng.uniform(0.001, 0.05) * ought_ms) + 1
        yield replace(event, at_ms=at_ms, value=1.0)


def _outages(rules: Rules, mix: Mix, rng: np.random.Generator) -> dict[int, list[tuple[int, int]]]:
    dark: dict[int, list[tuple[int, int]]] = {}
    for _ in range(mix.outages):
        length = min(int(mix.outage_s * 1000), rules.duration_ms)
        begins = int(rng.uniform(0, rules.duration_ms - length + 1))
        dark.setdefault(int(rng.integers(mix.sites)), []).append((begins, begins + length))
    return dark


def _on_its_way(
    record: AnyRecord,
    person: Person,
    mix: Mix,
    dark: Mapping[int, list[tuple[int, int]]],
    rng: np.random.Generator,
) -> Iterator[Arrival]:
    told = identified(replace(record, at_ms=record.at_ms + person.skew_ms))
    arrives_ms = record.at_ms + int(rng.exponential(120)) + 1
    for begins, ends in dark.get(person.site, ()):
        if begins <= arrives_ms < ends:  # what was held back comes within seconds, in any order
            arrives_ms = ends + int(rng.uniform(0, 5000))
    yield Arrival(arrives_ms, told)
    if rng.random() < mix.repeated:
        yield Arrival(arrives_ms + int(rng.uniform(1, 10_000)), told)
