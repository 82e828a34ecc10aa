import asyncio
from dataclasses import replace

import pytest

from kit.errors import CameraError
from kit.sim.scenario import load_scenario
from kit.sim.window import Window, WindowServer
from kit.sim.world import World


@pytest.fixture
def state():
    return World(load_scenario("standard")).state


def look_through(states):
    """Open a window on some states and look through it once for each."""

    async def run():
        remaining = iter(states)

        def look(port):
            with Window("127.0.0.1", port) as window:
                return [window.look() for _ in states]

        async with WindowServer(lambda: next(remaining)) as server:
            return await asyncio.to_thread(look, server.port)

    return asyncio.run(run())


def test_what_is_seen_is_the_state_as_it_is_then(state):
    states = [state, replace(state, position_m=1.25, derailed=True, derail_reason="fell")]
    assert look_through(states) == states


def test_a_scenario_without_a_danger_passes_too(state):
    states = [replace(state, distance_to_danger_m=None)]
    assert look_through(states) == states


def test_no_world_is_an_error_in_words():
    with pytest.raises(CameraError, match="cannot be reached"):
        Window("127.0.0.1", 1)


def test_a_world_that_goes_is_an_error_in_words(state):
    async def run():
        async with WindowServer(lambda: state) as server:
            window = await asyncio.to_thread(Window, "127.0.0.1", server.port)
            await asyncio.to_thread(window.look)
        with window, pytest.raises(CameraError):
            await asyncio.to_thread(window.look)

    asyncio.run(run())
