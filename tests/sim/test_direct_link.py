"""The hub's client on a virtual hub, without any Bluetooth between them."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from kit.errors import HubError
from kit.runtime.simulated_time import SimulatedClock, run_simulated
from kit.sim.direct_link import DirectLink
from kit.sim.hub import VirtualHub
from kit.sim.scenario import load_scenario
from kit.sim.world import World
from kit.train.hub import Hub
from kit.train.hub_facts import HubEvent, HubEventKind


class Set:
    """A hub on the virtual train, and a client whose messages take ever less time."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.world = World(load_scenario("endless"))
        self.messages: list[bytes] = []
        self.virtual = VirtualHub(self.world, on_message=self.messages.append)
        self._delays = iter([0.05, 0.001] * 1000)

    def hub(self) -> Hub:
        delay = partial(next, self._delays)
        return Hub("hci:simulated", link=partial(DirectLink, hub=self.virtual, delay_s=delay))


@pytest.fixture
def stage() -> Set:
    return Set()


def test_the_hub_brakes_and_confirms_it_in_simulated_time(stage: Set) -> None:
    async def brake() -> bool:
        async with stage.hub() as hub:
            await hub.set_power(60)
            await hub.brake()
            return await hub.braked(1.0)

    assert run_simulated(brake(), stage.clock)
    assert stage.world.state.braking


def test_messages_arrive_in_order_however_long_each_takes(stage: Set) -> None:
    async def write() -> None:
        async with stage.hub() as hub:
            for percent in range(10, 100, 10):
                await hub.set_power(percent)
            await asyncio.sleep(1)

    run_simulated(write(), stage.clock)
    powers = [message[-1] for message in stage.messages if message[2] == 0x81 and message[3] == 0]
    assert powers[-9:] == list(range(10, 100, 10))


def test_a_hub_that_hangs_up_is_connected_again(stage: Set) -> None:
    async def lose() -> list[HubEventKind]:
        events: list[HubEvent] = []
        async with stage.hub() as hub:
            hub.on_event(events.append)
            await hub.write(bytes.fromhex("04 00 02 02"))  # disconnect
            await asyncio.sleep(3)
            assert hub.connected
        return [e.kind for e in events]

    kinds = run_simulated(lose(), stage.clock)
    assert HubEventKind.DISCONNECTED in kinds
    assert kinds.index(HubEventKind.CONNECTED) > kinds.index(HubEventKind.DISCONNECTED)


def test_nothing_can_be_written_once_it_is_closed(stage: Set) -> None:
    async def write() -> None:
        async with stage.hub() as hub:
            pass
        with pytest.raises(HubError):
            await hub.brake()

    run_simulated(write(), stage.clock)
