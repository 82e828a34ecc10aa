"""What the controller's tests share: a controller on a scripted hub, and plays on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from kit.events import Action, Motion, TrainState
from kit.train.controller import Controller, ControlParameters
from tests.train import hub_bench
from tests.train.hub_bench import ARM_KEY, ScriptedHub, arm, command, give
from tests.waiting import until

BRAKE = 127
PATIENT = ControlParameters(
    ramp_percent_per_s=600,
    ramp_step_ms=10,
    confirm_ms=10,
    max_age_ms=60_000,
    arm_expires_ms=60_000,
).model_copy(update=hub_bench.PATIENT)


class Bench:
    """A controller on a scripted hub, and the states that it told."""

    def __init__(self, parameters: ControlParameters, *, by_hand: bool = False) -> None:
        self.hub = ScriptedHub()
        self.states: list[TrainState] = []
        self.controller = Controller(
            self.hub,
            parameters,
            train_id="train-1",
            arm_key=ARM_KEY,
            on_state=self.states.append,
            by_hand=by_hand,
        )

    @property
    def motions(self) -> list[Motion]:
        """The states told, without repetitions."""
        told = [state.motion for state in self.states]
        return [now for before, now in zip([None, *told], told, strict=False) if before != now]

    async def standing(self) -> None:
        await until(lambda: self.controller.motion is Motion.STOPPED, "stopped")

    async def armed(self) -> None:
        await self.standing()
        give(self.controller, arm(self.controller))

    async def cruising(self) -> None:
        await self.armed()
        give(self.controller, command(Action.CRUISE))
        await until(lambda: self.hub.motor[-1:] == [60], "full power")


@asynccontextmanager
async def bench(
    parameters: ControlParameters = PATIENT, *, by_hand: bool = False
) -> AsyncIterator[Bench]:
    it = Bench(parameters, by_hand=by_hand)
    async with it.controller:
        yield it


def scene(
    play: Callable[[Bench], Awaitable[None]],
    parameters: ControlParameters = PATIENT,
    *,
    by_hand: bool = False,
) -> Bench:
    """Run a play on a fresh bench and return the bench."""
    kept: list[Bench] = []

    async def run() -> None:
        async with bench(parameters, by_hand=by_hand) as it:
            kept.append(it)
            await play(it)

    asyncio.run(run())
    return kept[0]
