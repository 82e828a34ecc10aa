"""The older demo's controller as a hub: so the kit's own controller decides when it may move.

Theirs has no latch: it starts again by itself some seconds after a stop, and drops what it is
told meanwhile. So a stop is said again and again as long as the kit's train is stopped, and slow
as long as it is slow. It confirms nothing either: the broker's word that it took the stop is
all there is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from kit.interop.formats import OlderCommand
from kit.train.hub_facts import HubEvent, HubEventKind, HubFacts
from kit.train.lwp3.enums import Colour, IoType
from kit.train.motion import ControlParameters

REPEAT_S = 0.25
"""How often a stop or a slow is said again, seconds."""


class OlderTrain:
    """Says a command whenever the kit's controller writes to its hub; an async context manager.

    Args:
        say: Sends a command of theirs without waiting; returns a function that waits, for the
            seconds given, and tells whether the broker took it.
        rules: Powers of the kit's controller: what is at most ``slow_percent`` is slow.
    """

    def __init__(
        self, say: Callable[[OlderCommand], Callable[[float], bool]], rules: ControlParameters
    ) -> None:
        self.facts = HubFacts(name="the older demo's controller")
        self.facts.devices[0] = IoType.TRAIN_MOTOR  # as it says of itself: motor on port A
        self._say = say
        self._slow_percent = rules.slow_percent
        self._wanted = OlderCommand.STOP
        self._taken = asyncio.Event()
        self._callbacks: list[Callable[[HubEvent], None]] = []
        self._connected = True
        self._changed = asyncio.Event()
        self._repeating: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._connected

    @property
    def wanted(self) -> OlderCommand:
        """What is said now, again and again; ``-1`` is said once."""
        return self._wanted

    def on_event(self, callback: Callable[[HubEvent], None], /) -> None:
        """Have a function called when the broker goes or comes back."""
        self._callbacks.append(callback)

    def link_changed(self, connected: bool) -> None:  # noqa: FBT001  # the link's way
        """Tell that the broker came or went; on the event loop's thread."""
        if connected == self._connected:
            return
        self._connected = connected
        kind = HubEventKind.CONNECTED if connected else HubEventKind.DISCONNECTED
        for callback in self._callbacks:
            callback(HubEvent(kind))

    async def set_power(self, percent: int, /) -> None:
        """Let the train go on, slowly or not."""
        slow = percent <= self._slow_percent
        await self._want(OlderCommand.SLOW if slow else OlderCommand.NONE)

    async def brake(self) -> None:
        """Stop the train, and keep it stopped."""
        self._taken.clear()
        await self._want(OlderCommand.STOP)

    async def braked(self, timeout_s: float, /) -> bool:
        """Wait until the broker has taken the stop; whether the train stands, nobody tells."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._taken.wait(), timeout_s)
        return self._taken.is_set()

    async def set_light(self, percent: int, /) -> None:
        """Do nothing: their controller has its own mind about its light."""

    async def set_colour(self, colour: Colour, /) -> None:
        """Do nothing: nor can its hub's light be set."""

    async def __aenter__(self) -> Self:
        self._repeating = asyncio.create_task(self._repeat())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._repeating is not None:
            self._repeating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._repeating

    async def _want(self, command: OlderCommand) -> None:
        self._wanted = command
        self._changed.set()
        await self._say_it(command)

    async def _say_it(self, command: OlderCommand) -> None:
        taken = await asyncio.to_thread(self._say(command), REPEAT_S)
        if taken and command is OlderCommand.STOP and self._wanted is OlderCommand.STOP:
            self._taken.set()

    async def _repeat(self) -> None:
        while True:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), REPEAT_S)
                continue
            if self._wanted is not OlderCommand.NONE:
                await self._say_it(self._wanted)


def rules_for_older_train(rules: ControlParameters) -> ControlParameters:
    """Take the ramp out: their controller knows two speeds, and a step of a ramp is neither."""
    return rules.model_copy(
        update={"ramp_percent_per_s": 10_000, "ramp_step_ms": 40, "nominal_v": 0.0}
    )
