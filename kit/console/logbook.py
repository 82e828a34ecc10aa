"""What happened: only changes are written down, for the page to put into words."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from kit.events import Action, Alive, CaptureSwitch, Command, Event, Motion, Origin, TrainState

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
        what: What happened, as a name for which the page has words: ``action.stop``,
            ``motion.stopped.latched``, ``alive.online``, ``capture.off``.
        reason: Why, as somebody said it; may be empty.
    """

    number: int
    at: datetime
    tone: str
    who: str
    what: str
    reason: str


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
        elif isinstance(event, CaptureSwitch):
            tone, what = ("plain", "capture.on") if event.on else ("slow", "capture.off")
            self._write(event, tone, "capture", what, event.reason)

    def after(self, number: int) -> list[Entry]:
        """Return the entries with higher numbers, oldest first."""
        return [entry for entry in self._entries if entry.number > number]

    def _command(self, command: Command) -> None:
        if command.origin is Origin.DECISION:
            if command.action is self._action:
                return
            self._action = command.action
        tone, who = _TONE_OF_ACTION[command.action], str(command.origin)
        self._write(command, tone, who, f"action.{command.action}", command.reason)

    def _state(self, state: TrainState) -> None:
        now = (state.motion, state.latched)
        if now != self._motion:
            self._motion = now
            tone = _TONE_OF_MOTION.get(state.motion, "plain")
            what = f"motion.{state.motion}" + (".latched" if state.latched else "")
            self._write(state, tone, "train", what, state.reason)

    def _alive(self, alive: Alive) -> None:
        known = alive.service in self._services
        if self._services.get(alive.service) == alive.status:
            return
        if not known and len(self._services) >= SERVICES:
            return
        self._services[alive.service] = alive.status
        tone = "plain" if alive.status == "online" else "slow"
        self._write(alive, tone, alive.service, f"alive.{alive.status}", alive.detail)

    def _write(self, event: Event, tone: str, who: str, what: str, reason: str) -> None:
        self._written += 1
        self._entries.append(Entry(self._written, event.made_at, tone, who, what, reason))
