"""What the runtime knows of a mission under way, from the events on MQTT."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime
from statistics import median

from kit.events import (
    Action,
    Alive,
    Command,
    Event,
    Frame,
    Motion,
    Origin,
    Prediction,
    Stage,
    TrainState,
)

RECENT = 50
"""How many of the newest latencies the live median is of."""


class Monitor:
    """Keeps the newest of everything, and lets others wait for something to happen.

    Args:
        since: Signs of life made before are left over from earlier runs, and ignored.
    """

    def __init__(self, *, since: datetime) -> None:
        self._since = since
        self.changed = threading.Condition()
        self.alive: dict[str, Alive] = {}
        self.counts: Counter[str] = Counter()
        self.state: TrainState | None = None
        self.command: Command | None = None
        self.stop_decision: Command | None = None
        self.armed = False
        self._released = False
        self._recent_ms: deque[float] = deque(maxlen=RECENT)
        self._captured_ns: deque[int] = deque(maxlen=RECENT)

    def receive(self, event: Event, _received_ns: int) -> None:
        """Take in one event; quick, for the network's thread."""
        with self.changed:
            self.counts[event.kind] += 1
            if isinstance(event, Alive):
                if event.made_at >= self._since:
                    self.alive[event.service] = event
            elif isinstance(event, Frame):
                self._captured_ns.append(event.frame.captured_ns)
            elif isinstance(event, TrainState):
                self._take_state(event)
            elif isinstance(event, Command):
                self._take_command(event)
            self.changed.notify_all()

    def status(self, service: str) -> str | None:
        """Return what a service last said of itself, or None if it has not said anything."""
        alive = self.alive.get(service)
        return alive.status if alive else None

    def count(self, kind: type[Frame | Prediction | Command | TrainState | Alive]) -> int:
        """Return how many events of a kind came by."""
        return self.counts[kind.kind]

    @property
    def latency_ms(self) -> float | None:
        """Median of the newest latencies, capture to action, milliseconds."""
        with self.changed:
            return median(self._recent_ms) if self._recent_ms else None

    @property
    def fps(self) -> float:
        """Frames a second, of the newest ones."""
        with self.changed:
            if len(self._captured_ns) < 2:
                return 0.0
            span_ns = self._captured_ns[-1] - self._captured_ns[0]
            return (len(self._captured_ns) - 1) * 1e9 / span_ns if span_ns > 0 else 0.0

    def wait_for(self, happened: Callable[[], bool], *, timeout_s: float) -> bool:
        """Wait until something has happened; return whether it has within ``timeout_s``."""
        with self.changed:
            return self.changed.wait_for(happened, timeout_s)

    def wake(self) -> None:
        """Let everyone who waits look again."""
        with self.changed:
            self.changed.notify_all()

    @property
    def stopped_by_decision(self) -> bool:
        """Whether the controller says that the train stands since a sign asked for it."""
        state = self.state
        return (
            self.stop_decision is not None
            and state is not None
            and state.motion is Motion.STOPPED
            and state.latched
        )

    @property
    def halted(self) -> bool:
        """Whether the train has latched after it was under way, and no sign had asked for it."""
        state = self.state
        return self._released and self.stop_decision is None and state is not None and state.latched

    def _take_state(self, state: TrainState) -> None:
        known = self.state.frame if self.state else None
        acted_ns = state.marks.get(Stage.ACTED)
        if state.frame is not None and acted_ns is not None and state.frame != known:
            self._recent_ms.append((acted_ns - state.frame.captured_ns) / 1e6)
        self.state = state
        self._released = self._released or (self.armed and not state.latched)

    def _take_command(self, command: Command) -> None:
        if command.origin is not Origin.DECISION:
            return
        self.command = command
        if command.action is Action.STOP and self.armed and self.stop_decision is None:
            self.stop_decision = command
