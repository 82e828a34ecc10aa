"""Many missions one after another, each with another seed: how sure is the stop?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kit.config import Settings
from kit.runtime.mission import make_run_dir, result_json, run_mission
from kit.runtime.outcome import Outcome
from kit.runtime.plan import Plan

BATCH = "batch.json"
"""Name of the file of results in a batch's folder."""

MARGINS = "margins.png"
"""Name of the plot in a batch's folder."""


@dataclass(frozen=True)
class Flown:
    """One mission of a batch.

    Attributes:
        seed: Its seed.
        outcome: What came of it.
        run_dir: Folder of the run.
    """

    seed: int
    outcome: Outcome
    run_dir: Path


def run_batch(
    plan: Plan,
    seeds: Iterable[int],
    *,
    settings: Settings | None = None,
    on_flown: Callable[[Flown], None] = lambda _flown: None,
) -> tuple[list[Flown], Path]:
    """Run a mission once for each seed, and save results and a plot of the margins.

    Args:
        plan: The mission; its seed is replaced, and so many recordings get no pictures.
        seeds: The seeds.
        settings: What is configured; from the environment if None.
        on_flown: Called after each mission.

    Returns:
        The missions in order, and the folder that holds their folders.

    Raises:
        ConfigError: If the plan cannot be.
    """
    settings = settings or Settings.load()
    folder = make_run_dir(plan.out or settings.runs_dir)
    flown = []
    for seed in seeds:
        again = plan.model_copy(update={"seed": seed, "out": folder, "pictures": False})
        outcome, run_dir = run_mission(again, settings=settings)
        flown.append(Flown(seed, outcome, run_dir))
        on_flown(flown[-1])
        result = summarise(flown)
        (folder / BATCH).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    plot_margins(flown, folder / MARGINS)
    return flown, folder


def summarise(flown: Sequence[Flown]) -> dict[str, Any]:
    """Count what came of a batch.

    Returns:
        ``missions``, ``ok``, ``stopped``, ``derailed``, ``failed`` (seeds of missions that went
        wrong), ``margins_m`` and ``brake_latency_ms`` (least, median, most), and ``runs``.
    """
    margins = [f.outcome.stop_margin_m for f in flown if f.outcome.stop_margin_m is not None]
    brakes = [f.outcome.brake_latency_ms for f in flown if f.outcome.brake_latency_ms is not None]
    return {
        "missions": len(flown),
        "ok": sum(f.outcome.ok for f in flown),
        "stopped": sum(f.outcome.stopped for f in flown),
        "derailed": sum(f.outcome.derailed for f in flown),
        "failed": [f.seed for f in flown if not f.outcome.ok],
        "margins_m": _spread(margins),
        "brake_latency_ms": _spread(brakes),
        "runs": [result_json(f.outcome, f.run_dir) for f in flown],
    }


def plot_margins(flown: Sequence[Flown], path: Path) -> None:
    """Draw how much track each mission had left.

    Args:
        flown: The missions.
        path: File to write, PNG.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axis = figure.subplots()
    for position, mission in enumerate(flown):
        margin = mission.outcome.stop_margin_m
        good = mission.outcome.ok
        axis.bar(position, 0 if margin is None else margin, color="#1fa971" if good else "#d8412f")
        if margin is None:
            label = "derailed" if mission.outcome.derailed else "no stop"
            axis.text(position, 0, label, rotation=90, ha="center", va="bottom", color="#d8412f")
    axis.set_xticks(range(len(flown)), [str(mission.seed) for mission in flown], fontsize=8)
    axis.axhline(0, color="#16202e", linewidth=1)
    stopped = sum(mission.outcome.stopped for mission in flown)
    axis.set(xlabel="seed", ylabel="track left, metres")
    axis.set_title(f"{stopped} of {len(flown)} stopped before the danger", loc="left")
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {
        "least": round(min(values), 3),
        "median": round(float(np.median(values)), 3),
        "most": round(max(values), 3),
    }
