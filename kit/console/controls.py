"""What people at the console may have done to a train, over its MQTT broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kit.config import Settings
from kit.console.board import TRAINS
from kit.console.latches import latch_of
from kit.errors import KitError
from kit.events import TrainState
from kit.reasons import Reason
from kit.services.operator import Operator, emergency_stop, switch_capture

_OTHERS_AT_ONCE = 8


class Order(StrEnum):
    """What a train may be told from the console."""

    STOP = "stop"
    ARM = "arm"
    PAUSE = "pause"
    RESUME = "resume"


class Trouble(StrEnum):
    """What became of an order that was not simply carried out; the page has words for each."""

    NOT_CONFIRMED = "not_confirmed"
    NOT_CARRIED_OUT = "not_carried_out"
    CHANGED_SINCE = "changed_since"
    NO_KEY = "no_key"


@dataclass(frozen=True)
class Outcome:
    """What went wrong with an order.

    Attributes:
        trouble: What kind of thing.
        detail: More of it in words for people, if there is more.
    """

    trouble: Trouble
    detail: str = ""


class Controls:
    """Sends orders to trains, one of a kind and train at a time, whoever asked for it.

    Lives in the event loop of the console; what waits for a broker waits in a thread.

    Args:
        settings: The trains' broker, and the key that arms them.
        changed: Called when there is something new to tell.
    """

    def __init__(self, settings: Settings, *, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._changed = changed
        # Stops have threads of their own: nothing else that is slow may hold one up.
        self._stops = ThreadPoolExecutor(TRAINS, thread_name_prefix="stop")
        self._others = ThreadPoolExecutor(_OTHERS_AT_ONCE, thread_name_prefix="order")
        self._under_way: dict[tuple[str, Order], asyncio.Task[None]] = {}
        self._latest: dict[str, tuple[Order, Outcome | None]] = {}

    @property
    def available(self) -> bool:
        """Whether the console has a way to the trains at all."""
        return self._settings.mqtt_url is not None

    @property
    def can_arm(self) -> bool:
        """Whether the console holds the key that arms trains."""
        return self.available and self._settings.arm_key is not None

    def stop(self, train_id: str) -> None:
        """Stop a train at once, as anyone may who can see it, and latch it; returns at once."""
        self._begin(Order.STOP, train_id, lambda: self._stop(train_id))

    def arm(self, train_id: str, *, seen: str, state: TrainState | None) -> None:
        """Release a latched train, if it is still held by what the operator saw; returns at once.

        Args:
            train_id: Which train.
            seen: `latch_of` the state that the operator saw.
            state: The latest state that the console knows.
        """
        if not self.can_arm:
            self._latest[train_id] = Order.ARM, Outcome(Trouble.NO_KEY)
        elif state is None or latch_of(state) != seen:
            self._latest[train_id] = Order.ARM, Outcome(Trouble.CHANGED_SINCE)
        else:
            self._begin(Order.ARM, train_id, lambda: self._arm(train_id, state))

    def switch_capture(self, train_id: str, *, on: bool) -> None:
        """Have a train's capture pause, or go on; returns at once."""
        order = Order.RESUME if on else Order.PAUSE
        self._begin(order, train_id, lambda: self._switch(train_id, on=on))

    def told(self, train_id: str) -> dict[str, Any] | None:
        """Tell about the orders to a train, ready for JSON; None if it can be given none.

        Returns:
            ``under_way``: which are being sent; ``can_arm``; ``latest``: the order of which
            something is to be told, with ``trouble`` and ``detail``, or None.
        """
        if not self.available:
            return None
        order, outcome = self._latest.get(train_id, (None, None))
        latest = None
        if outcome is not None:
            latest = {"order": order, "trouble": outcome.trouble, "detail": outcome.detail}
        return {
            "under_way": [order for of, order in self._under_way if of == train_id],
            "can_arm": self.can_arm,
            "latest": latest,
        }

    def _begin(self, order: Order, train_id: str, send: Callable[[], Outcome | None]) -> None:
        if self.available and (train_id, order) not in self._under_way:
            self._latest.pop(train_id, None)
            task = asyncio.create_task(self._carry_out(order, train_id, send))
            self._under_way[train_id, order] = task

    async def _carry_out(
        self, order: Order, train_id: str, send: Callable[[], Outcome | None]
    ) -> None:
        outcome: Outcome | None = None
        try:
            threads = self._stops if order is Order.STOP else self._others
            outcome = await asyncio.get_running_loop().run_in_executor(threads, send)
        except KitError as error:
            outcome = Outcome(Trouble.NOT_CARRIED_OUT, str(error))
        finally:
            self._latest[train_id] = order, outcome
            del self._under_way[train_id, order]
            self._changed()

    def _stop(self, train_id: str) -> Outcome | None:
        reason = Reason.AT_CONSOLE
        stands = emergency_stop(self._settings, train_id=train_id, reason=reason)
        return None if stands else Outcome(Trouble.NOT_CONFIRMED)

    def _arm(self, train_id: str, state: TrainState) -> None:
        with Operator(train_id=train_id, settings=self._settings, service="console") as operator:
            operator.arm(answering=state)

    def _switch(self, train_id: str, *, on: bool) -> Outcome | None:
        reason = Reason.RESUMED_AT_CONSOLE if on else Reason.PAUSED_AT_CONSOLE
        done = switch_capture(self._settings, train_id=train_id, on=on, reason=reason)
        return None if done else Outcome(Trouble.NOT_CONFIRMED)
