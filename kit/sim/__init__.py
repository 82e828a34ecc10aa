"""The virtual set: a train, its track, its camera and its hub, with no hardware.

``scenario`` reads what stands where, ``track`` and ``physics`` say how the train moves,
``world`` joins them, ``renderer`` shows what the camera sees, ``hub`` and ``radio`` are the
Bluetooth hub. ``python -m kit.sim`` runs them all in real time, in a process of its own.
"""

from __future__ import annotations

from kit.sim.scenario import Scenario, load_scenario, scenario_names
from kit.sim.unwatched import run_unwatched
from kit.sim.world import World, WorldState

__all__ = [
    "Scenario",
    "World",
    "WorldState",
    "load_scenario",
    "run_unwatched",
    "scenario_names",
]
