"""Hundreds of missions in simulated time: how sure is the stop?"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np

from kit.runtime.simulated import Delays, SimulatedMission, fly_simulated
from kit.sim.scenario import Scenario, load_scenario
from kit.vision.detector import Detector

_GOOD, _BAD = "#1fa971", "#d8412f"


@dataclass
class _Tools:
    """What each process of the pool holds."""

    scenario: Scenario
    detector: Detector
    fps: float


_held: list[_Tools] = []


def fly_many(
    scenario: str,
    seeds: Sequence[int],
    *,
    model: str = "",
    fps: float = 10.0,
    jobs: int = 1,
    on_flown: Callable[[SimulatedMission], None] = lambda _flown: None,
) -> list[SimulatedMission]:
    """Fly one mission for each seed, several at a time.

    Args:
        scenario: A name, or the path of a YAML file.
        seeds: The seeds.
        model: An ONNX model; the shipped one if empty.
        fps: Frames a second.
        jobs: How many processes to use, from 1.
        on_flown: Called after each mission.

    Returns:
        The missions in the order of their seeds.

    Raises:
        KitError: If there is no such scenario or model.
    """
    flown = []
    for mission in _fly(scenario, seeds, model=model, fps=fps, jobs=jobs):
        flown.append(mission)
        on_flown(mission)
    return flown


def _fly(
    scenario: str, seeds: Sequence[int], *, model: str, fps: float, jobs: int
) -> Iterator[SimulatedMission]:
    _hold(scenario, model, fps)  # here too: what is wrong shows before a process starts
    if jobs == 1:
        yield from map(_fly_one, seeds)
        return
    with _pool(jobs, scenario, model, fps) as pool:
        yield from pool.map(_fly_one, seeds)


@contextmanager
def _pool(jobs: int, *tools: Any) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=tools
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(scenario: str, model: str, fps: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is our parent's affair
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _hold(scenario, model, fps)


def _hold(scenario: str, model: str, fps: float) -> None:
    import cv2

    cv2.setNumThreads(1)
    _held[:] = [_Tools(load_scenario(scenario), Detector(model or None, threads=1), fps)]


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _fly_one(seed: int) -> SimulatedMission:
    (tools,) = _held
    return fly_simulated(tools.scenario, seed=seed, detect=tools.detector.detect, fps=tools.fps)


def went_well(mission: SimulatedMission, expect: str) -> bool:
    """Return whether a mission went as its scenario expects.

    Args:
        mission: The mission.
        expect: ``stop``, ``slow``, ``derail`` or ``run``.
    """
    if expect == "stop":
        return mission.stopped and mission.margin_m is not None and mission.margin_m > 0
    if expect == "derail":
        return mission.derailed
    return not mission.derailed and not mission.stopped


def summarise_simulated(flown: Sequence[SimulatedMission], *, expect: str) -> dict[str, Any]:
    """Count what came of a batch.

    Args:
        flown: The missions.
        expect: What the scenario expects of each.

    Returns:
        ``missions``, ``ok``, ``stopped``, ``derailed``, ``failed`` (seeds), ``for_a_real_sign``
        (stops for a sign that showed), ``stopped_for`` (count by sign), ``margins_m`` and
        ``brake_latency_ms`` (least, median, most), ``simulated_s``, ``delays`` and ``runs``.
    """
    margins = [m.margin_m for m in flown if m.stopped and m.margin_m is not None]
    brakes = [m.brake_latency_ms for m in flown if m.brake_latency_ms is not None]
    return {
        "missions": len(flown),
        "ok": sum(went_well(m, expect) for m in flown),
        "stopped": sum(m.stopped for m in flown),
        "derailed": sum(m.derailed for m in flown),
        "failed": [m.seed for m in flown if not went_well(m, expect)],
        "for_a_real_sign": sum(m.stopped and m.sign_there for m in flown),
        "stopped_for": dict(Counter(str(m.label) for m in flown if m.stopped)),
        "margins_m": _spread(margins),
        "brake_latency_ms": _spread(brakes),
        "simulated_s": round(sum(m.duration_s for m in flown), 1),
        "delays": asdict(Delays()),
        "runs": [asdict(m) for m in flown],
    }


def save_simulated(result: dict[str, Any], path: Path) -> None:
    """Write a batch's results as JSON.

    Args:
        result: From :func:`summarise_simulated`.
        path: File to write.
    """
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def plot_simulated(flown: Sequence[SimulatedMission], path: Path, *, expect: str) -> None:
    """Draw how much track each mission had left, and how often.

    Args:
        flown: The missions.
        path: File to write, PNG.
        expect: What the scenario expects of each.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    each, often = figure.subplots(1, 2, width_ratios=[3, 1], sharey=True)
    seeds = [m.seed for m in flown]
    margins = [0.0 if m.margin_m is None or m.derailed else m.margin_m for m in flown]
    colours = [_GOOD if went_well(m, expect) else _BAD for m in flown]
    each.scatter(seeds, margins, s=9, c=colours, linewidths=0)
    often.hist(margins, bins=30, orientation="horizontal", color=_GOOD)
    for axis in (each, often):
        axis.axhline(0, color="#16202e", linewidth=1)
        axis.spines[["top", "right"]].set_visible(False)
    each.set(xlabel="seed", ylabel="track left, metres")
    often.set(xlabel="missions")
    good = sum(went_well(m, expect) for m in flown)
    each.set_title(f"{good} of {len(flown)} went as they should", loc="left")
    figure.savefig(path, dpi=100)


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    least, low, median, high, most = np.percentile(values, [0, 1, 50, 99, 100]).tolist()
    named = {"least": least, "p1": low, "median": median, "p99": high, "most": most}
    return {name: round(value, 3) for name, value in named.items()}
