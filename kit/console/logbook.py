"""What happened, in sentences: only changes are written down."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from kit.events import Action, Alive, Command, Event, Motion, Origin, TrainState

ENTRIES = 200
"""How many entries are kept for each train."""

SERVICES = 20
"""How many services of a train are remembered."""

_TONE_OF_ACTION = {
    Action.STOP: "stop",
    Action.EMERGENCY_STOP: "stop",
    Action.SLOW: "slow",
    Action.CRUISE: "go",
    Action.ARM: "plain",
}
_TONE_OF_MOTION = {Motion.FAULT: "stop", Motion.DISCONNECTED: "stop"}


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Attributes:
        number: Counts from 1; gaps never occur.
        at: When it happened, on the clock of the one who said so.
        tone: ``go``, ``slow``, ``stop`` or ``plain``: how it is coloured.
        who: Who said it.
        text: The sentence.
    """

    number: int
    at: datetime
    tone: str
    who: str
    text: str


class Logbook:
    """Keeps the last changes of one train."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES)
        self._written = 0
        self._action: Action | None = None
        self._motion: tuple[Motion, bool] | None = None
        self._services: dict[str, str] = {}

    def observe(self, event: Event) -> None:
        """Write the event down if it changes something."""
        if isinstance(event, Command):
            self._command(event)
        elif isinstance(event, TrainState):
            self._state(event)
        elif isinstance(event, Alive):
            self._alive(event)

    def after(self, number: int) -> list[Entry]:
        """Return the entries with higher numbers, oldest first."""
        return [entry for entry in self._entries if entry.number > number]

    def _command(self, command: Command) -> None:
        if command.origin is Origin.DECISION:
            if command.action is self._action:
                return
            self._action = command.action
        tone = _TONE_OF_ACTION[command.action]
        text = f"{command.action.replace('_', ' ').upper()}: {command.reason}"
        self._write(command, tone, str(command.origin), text)

    def _state(self, state: TrainState) -> None:
        now = (state.motion, state.latched)
        if now != self._motion:
            self._motion = now
            latched = ", latched" if state.latched else ""
            text = f"{str(state.motion).capitalize()}{latched}: {state.reason}"
            self._write(state, _TONE_OF_MOTION.get(state.motion, "plain"), "train", text)

    def _alive(self, alive: Alive) -> None:
        known = alive.service in self._services
        if self._services.get(alive.service) == alive.status:
            return
        if not known and len(self._services) >= SERVICES:
            return
        self._services[alive.service] = alive.status
        detail = f": {alive.detail}" if alive.detail else ""
        tone = "plain" if alive.status == "online" else "slow"
        self._write(alive, tone, alive.service, f"{alive.status.capitalize()}{detail}")

    def _write(self, event: Event, tone: str, who: str, text: str) -> None:
        self._written += 1
        self._entries.append(Entry(self._written, event.made_at, tone, who, text))
