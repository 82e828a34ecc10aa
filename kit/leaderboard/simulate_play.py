"""Plays a simulated event: all at once, or as fast as wanted, to whoever takes its records."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from kit.errors import ConfigError
from kit.leaderboard.events import AnyRecord
from kit.leaderboard.rules import Rules
from kit.leaderboard.simulate import Arrival

TICK_S = 0.1
"""Records that arrive within so many seconds of real time are handed over together."""


def play(
    arrivals: Sequence[Arrival],
    take: Callable[[Sequence[AnyRecord]], None],
    *,
    speed: float | None = None,
    begun_s: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> int:
    """Hand over records when they arrive.

    Args:
        arrivals: In the order of their arrival.
        take: Takes the records of one moment.
        speed: How much faster than life, above 0; all at once if None.
        begun_s: When the event started, by the clock; now if None.
        clock: Tells the time, seconds.
        wait: Waits for so many seconds.

    Returns:
        How many records were handed over.

    Raises:
        ConfigError: If the speed cannot be.
    """
    if speed is None:
        records = [arrival.record for arrival in arrivals]
        take(records)
        return len(records)
    if not 0 < speed <= 1e6:
        raise ConfigError("The speed cannot be", expected="above 0, 1,000,000 at most", got=speed)
    begun_s = clock() if begun_s is None else begun_s
    first = 0
    while first < len(arrivals):
        due_s = begun_s + arrivals[first].arrives_ms / 1000 / speed + TICK_S
        wait(max(due_s - clock(), 0))
        reached_ms = (clock() - begun_s) * 1000 * speed
        last = first + 1
        while last < len(arrivals) and arrivals[last].arrives_ms <= reached_ms:
            last += 1
        take([arrival.record for arrival in arrivals[first:last]])
        first = last
    return len(arrivals)


def faster(rules: Rules, speed: float) -> Rules:
    """Return the rules of the same event with a faster clock, for rehearsals.

    Steps shrink with everything else, so that a finish is worth as much as in life.

    Args:
        rules: Of the event.
        speed: How much faster, above 0.

    Raises:
        ConfigError: If the event would be shorter than its own milliseconds.
    """
    if not 0 < speed <= rules.duration_ms / 1000:
        raise ConfigError(
            "The rules cannot be made so much faster",
            expected=f"above 0, {rules.duration_ms / 1000:g} at most",
            got=speed,
        )
    plain = rules.model_dump(mode="json", exclude_defaults=True)
    for name in ("duration_s", "step_s", "freeze_s"):
        plain[name] = _divided(getattr(rules, name), speed)
    for fields, exercise in zip(plain["exercises"], rules.exercises, strict=True):
        fields["nominal_end_s"] = _divided(exercise.nominal_end_s, speed)
        fields["step_s"] = _divided(exercise.step_s, speed)
    return Rules.model_validate(plain)


def _divided(seconds: float, speed: float) -> float:
    return round(seconds / speed, 3)
