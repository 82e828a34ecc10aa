"""A run that nobody watches: one power from start to end, faster than life.

It shows what the mission is about. At full power, with no one to read the signs, the train
of most scenarios derails.
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.sim.scenario import Scenario, load_scenario
from kit.sim.scene.view import Picture
from kit.sim.world import World, WorldState

_SAMPLE_S = 0.02
_AFTERWARDS_S = 0.6  # long enough to see the train lie still


@dataclass(frozen=True)
class Moment:
    """A picture of a run.

    Attributes:
        state: When, where and how fast.
        image: (400, 600, 3) uint8 BGR.
    """

    state: WorldState
    image: Picture


@dataclass(frozen=True)
class UnwatchedRun:
    """What became of the train.

    Attributes:
        times_s: Since the start, every 20 ms.
        positions_m: Along the track, at those times.
        speeds_mps: At those times.
        derailed: Whether it ended off the track.
        reason: Why, in words for people; empty if it did not.
        pictures: What the camera saw, in order; the last one is of the end.
    """

    times_s: tuple[float, ...]
    positions_m: tuple[float, ...]
    speeds_mps: tuple[float, ...]
    derailed: bool
    reason: str
    pictures: tuple[Moment, ...]


def run_unwatched(
    scenario: str | Scenario,
    *,
    seed: int = 0,
    power_percent: int = 100,
    limit_s: float = 60.0,
    pictures: int = 6,
) -> UnwatchedRun:
    """Let a train run at one power until it derails, its scenario ends, or time is up.

    Args:
        scenario: A name, a path, or the scenario itself.
        seed: Varies it.
        power_percent: Motor power, -100 to 100.
        limit_s: Simulated seconds that it may take at most.
        pictures: How many pictures to take, spread evenly over the run; 0 for none.

    Returns:
        The run.

    Raises:
        ConfigError: If there is no such scenario, or the power is out of range.
    """
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    world = World(scenario, seed=seed)
    world.set_motor(power_percent)
    states = [world.state]
    end_s = limit_s
    while world.state.time_s < end_s - _SAMPLE_S / 2:
        world.step(_SAMPLE_S)
        states.append(world.state)
        if (world.state.derailed or world.state.finished) and end_s == limit_s:
            end_s = min(limit_s, world.state.time_s + _AFTERWARDS_S)
    last = states[-1]
    return UnwatchedRun(
        tuple(state.time_s for state in states),
        tuple(state.position_m for state in states),
        tuple(state.speed_mps for state in states),
        last.derailed,
        last.derail_reason,
        _photograph(scenario, seed, states, pictures),
    )


def _photograph(
    scenario: Scenario, seed: int, states: list[WorldState], count: int
) -> tuple[Moment, ...]:
    if not count:
        return ()
    from kit.sim.renderer import Renderer

    renderer = Renderer(scenario, seed=seed)
    chosen = [states[round((n + 1) / count * (len(states) - 1))] for n in range(count)]
    return tuple(Moment(state, renderer.render(state)[0]) for state in chosen)
