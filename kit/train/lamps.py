"""The lights: the hub's own, which shows the state, and the train's on port B."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from kit.errors import HubError
from kit.train.lwp3.enums import Colour

BLINKS = 2
"""How often the train's light blinks when the train slows down or stops."""

_log = logging.getLogger(__name__)


class LampHub(Protocol):
    """What the lamps need of a hub."""

    async def set_light(self, percent: int, /) -> None:
        """Set the light's brightness."""

    async def set_colour(self, colour: Colour, /) -> None:
        """Set the colour of the hub's own light."""


class Lamps:
    """Shows one thing at a time; what it shows anew ends what it showed before.

    A failure to show something is only logged: no light is worth a stop.

    Args:
        hub: The hub.
        blink_ms: How long each half of a blink lasts, milliseconds; 0 never blinks.
    """

    def __init__(self, hub: LampHub, *, blink_ms: int) -> None:
        self._hub = hub
        self._blink_s = blink_ms / 1000
        self._shown: tuple[Colour, int] | None = None
        self._work: asyncio.Task[None] | None = None

    def show(self, colour: Colour, light_percent: int, *, blink: bool = False) -> None:
        """Set both lights, soon; nothing happens if they show this already.

        Args:
            colour: Of the hub's own light.
            light_percent: Brightness of the train's light in the end, 0 to 100.
            blink: Whether the train's light blinks first.
        """
        if self._shown == (colour, light_percent):
            return
        self.end()
        self._shown = (colour, light_percent)
        blinks = BLINKS if blink and self._blink_s else 0
        work = self._show(colour, light_percent, blinks=blinks)
        self._work = asyncio.get_running_loop().create_task(work)

    def end(self) -> None:
        """Leave the lights as they are, and forget what they show."""
        self._shown = None
        if self._work is not None:
            self._work.cancel()
            self._work = None

    async def _show(self, colour: Colour, light_percent: int, *, blinks: int) -> None:
        try:
            await self._hub.set_colour(colour)
            for _ in range(blinks):
                for percent in (100, 0):
                    await self._hub.set_light(percent)
                    await asyncio.sleep(self._blink_s)
            await self._hub.set_light(light_percent)
        except HubError as error:
            self._shown = None  # so that the same is tried again when it is asked for again
            _log.info("The lights were not set: %s", error)
