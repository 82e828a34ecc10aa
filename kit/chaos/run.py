"""Tries faults one after another, stage by stage."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from kit.chaos.catalogue import all_faults
from kit.chaos.fault import Fault, Where
from kit.chaos.ground import Ground, open_ground
from kit.chaos.trial import Trial, try_fault
from kit.chaos.wirings import stage_for
from kit.errors import ConfigError, KitError

RESULT = "chaos.json"
"""Name of the file of results in a folder of trials."""

_NEED_MORE = {Where.CLOCK, Where.BLUEZ}  # a program that not every machine has


def choose(names: Sequence[str]) -> tuple[Fault, ...]:
    """Return the faults of some names, in the order of trial; all of them if none is named.

    Args:
        names: Names or patterns, such as ``camera-*``.

    Raises:
        ConfigError: If no fault is called so.
    """
    known = all_faults()
    for name in names:
        if not any(fnmatch(fault.name, name) for fault in known):
            raise ConfigError(
                "There is no such fault",
                expected=f"one of {', '.join(fault.name for fault in known)}",
                got=name,
            )
    return tuple(f for f in known if not names or any(fnmatch(f.name, n) for n in names))


def run_chaos(
    faults: Sequence[Fault],
    folder: Path,
    *,
    on_trial: Callable[[Trial], None] = lambda _trial: None,
) -> list[Trial]:
    """Try faults on the virtual set.

    Args:
        faults: The faults; those of one stage stand together.
        folder: For logs, and for what the set notes.
        on_trial: Called after each.

    Returns:
        What came of each.

    Raises:
        KitError: If the brokers or the virtual set do not start.
    """
    trials: list[Trial] = []
    with open_ground(folder) as ground:
        for _where, group in itertools.groupby(faults, key=lambda fault: fault.where):
            for trial in _try_group(ground, tuple(group)):
                trials.append(trial)
                on_trial(trial)
    return trials


def _try_group(ground: Ground, faults: Sequence[Fault]) -> Iterator[Trial]:
    untried = list(faults)
    try:
        with stage_for(faults[0].where, ground) as stage:
            while untried:
                yield try_fault(stage, untried.pop(0))
    except KitError as error:  # the stage itself does not stand
        lacking = isinstance(error, ConfigError) and faults[0].where in _NEED_MORE
        for fault in untried:
            yield Trial(fault, None, trouble=str(error), skipped=lacking)


def result_json(rounds: Sequence[Sequence[Trial]]) -> dict[str, Any]:
    """Return the results as programs read them.

    Args:
        rounds: What came of each fault, round by round; the faults are the same in each.

    Returns:
        ``ok``, ``tried``, ``as_expected``, ``skipped`` and ``failed`` (names), ``rounds``, and
        ``faults``: for each what its worst round says, and all its rounds.
    """
    worst = [max(tried, key=_badness) for tried in zip(*rounds, strict=True)]
    return {
        "ok": all(trial.ok for trial in worst),
        "rounds": len(rounds),
        "tried": sum(not trial.skipped for trial in worst),
        "as_expected": sum(trial.ok and not trial.skipped for trial in worst),
        "skipped": [trial.fault.name for trial in worst if trial.skipped],
        "failed": [trial.fault.name for trial in worst if not trial.ok],
        "faults": [
            trial.as_json() | {"rounds": [each[index].as_json() for each in rounds]}
            for index, trial in enumerate(worst)
        ],
    }


def _badness(trial: Trial) -> tuple[bool, float]:
    stopped_ms = trial.verdict.stopped_in_ms if trial.verdict else None
    return not trial.ok, stopped_ms or 0.0


def save(result: dict[str, Any], folder: Path) -> None:
    """Write the results into a folder."""
    text = json.dumps(result, indent=1, ensure_ascii=False)
    (folder / RESULT).write_text(text + "\n", encoding="utf-8")
