"""What people at the console may have done to a train, over its MQTT broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kit.config import Settings
from kit.errors import KitError
from kit.services.operator import emergency_stop

NOT_CONFIRMED = "The stop was sent, but the train has not said that it stands."
"""Told when a train does not answer a stop in time."""


class Controls:
    """Sends orders to trains, one of a kind and train at a time, whoever asked for it.

    Lives in the event loop of the console; what waits for a broker waits in a thread.

    Args:
        settings: The trains' broker.
        changed: Called when there is something new to tell.
    """

    def __init__(self, settings: Settings, *, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._changed = changed
        self._stopping: dict[str, asyncio.Task[None]] = {}
        self._trouble: dict[str, str] = {}

    @property
    def available(self) -> bool:
        """Whether the console has a way to the trains at all."""
        return self._settings.mqtt_url is not None

    def stop(self, train_id: str) -> None:
        """Stop a train at once, as anyone may who can see it, and latch it; returns at once."""
        if self.available and train_id not in self._stopping:
            self._trouble.pop(train_id, None)
            self._stopping[train_id] = asyncio.create_task(self._stop(train_id))

    def told(self, train_id: str) -> dict[str, object] | None:
        """Tell about the stop of a train, ready for JSON; None if it cannot be stopped from here.

        Returns:
            ``under_way``: whether one is being sent; ``trouble``: what went wrong with the
            latest, in words for people, empty if nothing did.
        """
        if not self.available:
            return None
        return {
            "under_way": train_id in self._stopping,
            "trouble": self._trouble.get(train_id, ""),
        }

    async def _stop(self, train_id: str) -> None:
        try:
            stands = await asyncio.to_thread(
                emergency_stop,
                self._settings,
                train_id=train_id,
                reason="emergency stop at the console",
            )
        except KitError as error:
            self._trouble[train_id] = str(error)
        else:
            if stands is None:
                self._trouble[train_id] = NOT_CONFIRMED
        finally:
            del self._stopping[train_id]
            self._changed()
