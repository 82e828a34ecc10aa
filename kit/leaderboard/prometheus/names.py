"""Names of the series: those that the exporter tells and those that the rules record.

Recorded names are the original's, with another prefix: ``leaderboard_<exercise>:<board>`` is 0 or
1, ``leaderboard_<exercise>_onetime_bonus:<board>`` and ``..._lifetime_bonus:<board>`` are points. A
board is an environment, or ``all`` for the event's own standings, which join the environments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kit.errors import ConfigError
from kit.leaderboard.rules import Exercise, Rules

PREFIX = "leaderboard"
"""First part of all recorded names."""

ALL = "all"
"""The board of the event's own standings."""

START = "leaderboard_start_timestamp_seconds"
"""Recorded: when the event starts, in seconds since 1970; no labels."""

END = "leaderboard_end_timestamp_seconds"
"""Recorded: when the event ends, in seconds since 1970; no labels."""

USER = "leaderboard_user"
"""Recorded: 1 for each participant; label ``user``."""

SCORE = "leaderboard_score"
"""Recorded for each board: points; label ``user``."""

EXPORTED = "kit_leaderboard"
"""First part of all names that the exporter tells."""


def part(identifier: str) -> str:
    """Turn an identifier of a rule file into a part of a metric's name."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", identifier)


def environments(rules: Rules) -> tuple[str, ...]:
    """Return the environments that the rules name, in their order."""
    return tuple(dict.fromkeys(env for each in rules.exercises for env in each.environments))


def boards(rules: Rules) -> tuple[str, ...]:
    """Return the boards: each environment of the rules, and ``all``.

    Raises:
        ConfigError: If an environment is itself named ``all``, or two are one in a metric's name.
    """
    names = (*environments(rules), ALL)
    check_distinct(f"{SCORE}:{part(name)}" for name in names)
    return names


def scored(rules: Rules, board: str) -> tuple[Exercise, ...]:
    """Return the exercises of a board that are finished, not measured: those with a formula."""
    finished = (each for each in rules.exercises if each.measure is None)
    return tuple(each for each in finished if board == ALL or board in each.environments)


def check_distinct(records: Iterable[str]) -> None:
    """Refuse two series of one name.

    Raises:
        ConfigError: If a name comes twice.
    """
    seen: set[str] = set()
    for record in records:
        if record in seen:
            raise ConfigError(
                f"Two series would both be named '{record}'",
                expected="exercises, conditions and environments that differ by letters and digits",
                fix="rename an exercise, condition or environment in the rule file",
            )
        seen.add(record)


def state(exercise: str, board: str) -> str:
    """Name of the 0 or 1: whether an exercise is done now."""
    return f"{PREFIX}_{part(exercise)}:{part(board)}"


def condition(exercise: str, name: str, env: str) -> str:
    """Name of the 0 or 1: whether one condition holds now, by user and cluster."""
    return f"{PREFIX}_condition_{part(exercise)}_{part(name)}:{part(env)}"


def seen(exercise: str, env: str) -> str:
    """Name of the moments at which an exercise was seen done, seconds since 1970."""
    return f"{PREFIX}_{part(exercise)}_seen_timestamp_seconds:{part(env)}"


def completion(exercise: str, board: str) -> str:
    """Name of the moment of the first completion, seconds since 1970."""
    return f"{PREFIX}_{part(exercise)}_completion_timestamp_seconds:{part(board)}"


def onetime(exercise: str, board: str) -> str:
    """Name of the points for the finish itself."""
    return f"{PREFIX}_{part(exercise)}_onetime_bonus:{part(board)}"


def lifetime(exercise: str, board: str) -> str:
    """Name of the points since the finish."""
    return f"{PREFIX}_{part(exercise)}_lifetime_bonus:{part(board)}"


def score(board: str) -> str:
    """Name of the sum of both over all exercises."""
    return f"{SCORE}:{part(board)}"
