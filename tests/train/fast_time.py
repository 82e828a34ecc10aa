"""Plays in which time passes at once: an event loop whose clock jumps to the next alarm."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from kit.events import Action, Command, FrameStamp, Label, TrainState, arm_proof
from kit.train.controller import Controller, ControlParameters
from tests.train.hub_bench import ARM_KEY, ScriptedHub

BRAKE = 127
_START_S = 1000.0
_AT = datetime(2026, 1, 1, tzinfo=UTC)


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: it moves the clock on by as long as it was asked to wait."""

    now_s = _START_S

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everything waits, and no alarm will ever go off"
            self.now_s += max(0.0, timeout)
        return ready


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is its own."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    def hold_up(self, seconds: float) -> None:
        """Let time pass while the loop does nothing, as in a process that was stopped."""
        self._jumping.now_s += seconds


class Play:
    """A controller on a scripted hub, in a time of their own."""

    def __init__(
        self, loop: FastLoop, parameters: ControlParameters, *, by_hand: bool = False
    ) -> None:
        self.loop = loop
        self.hub = ScriptedHub()
        self.states: list[TrainState] = []
        self.controller = Controller(
            self.hub,
            parameters,
            train_id="train-1",
            arm_key=ARM_KEY,
            on_state=self.states.append,
            by_hand=by_hand,
            now_ns=self.now_ns,
        )

    def now_ns(self) -> int:
        return round(self.loop.time() * 1e9)

    def say(self, action: Action, *, age_ms: float = 0.0, **changes: Any) -> Command:
        """Hand over a command as the decision service would send it; return it."""
        captured_ns = self.now_ns() - round(age_ms * 1e6)
        decided = action in {Action.STOP, Action.SLOW, Action.CRUISE}
        stamp = FrameStamp.new(sequence=0, captured_ns=captured_ns, captured_at=_AT)
        fields: dict[str, Any] = {
            "train_id": "train-1",
            "action": action,
            "reason": f"test says {action}",
            "frame": stamp if decided else None,
            "label": Label.STOP if action is Action.STOP else None,
        }
        command = Command(**fields | changes)
        self.controller.handle(command, self.now_ns())
        return command

    def arm(self) -> Command:
        """Answer the challenge of now; return the command."""
        challenge = self.controller.state.challenge
        assert challenge is not None
        proof = arm_proof(ARM_KEY, train_id="train-1", challenge=challenge)
        return self.say(Action.ARM, proof=proof)

    async def wait(self, ms: float) -> None:
        """Let time pass."""
        await asyncio.sleep(ms / 1000)

    async def keep_saying(self, action: Action, *, for_ms: float) -> None:
        """Say the same for a while, ten times a second."""
        end = self.loop.time() + for_ms / 1000
        while self.loop.time() < end:
            self.say(action)
            await self.wait(100)

    async def cruising(self) -> None:
        """Bring the train to full power."""
        await self.wait(10)
        self.arm()
        await self.keep_saying(Action.CRUISE, for_ms=900)
        assert self.hub.motor[-1] >= 60


def play(
    script: Callable[[Play], Awaitable[None]],
    parameters: ControlParameters | None = None,
    *,
    by_hand: bool = False,
) -> Play:
    """Perform a script on a fresh controller, and return what was left."""
    loop = FastLoop()
    it = Play(loop, parameters or ControlParameters(), by_hand=by_hand)

    async def run() -> None:
        async with it.controller:
            await script(it)

    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    return it
