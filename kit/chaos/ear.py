"""What the services say over MQTT while things go wrong."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from kit.events import Alive, Command, Event, Frame, Motion, Origin, Prediction, Stage, TrainState

_KEPT = 2000


@dataclass(frozen=True)
class Heard:
    """An event, and when it came.

    Attributes:
        event: The event.
        at_ns: Monotonic nanoseconds.
    """

    event: Event
    at_ns: int


class Ear:
    """Keeps the newest of everything; its method ``receive`` is a handler of MQTT."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._alive: dict[str, Heard] = {}
        self._states: deque[tuple[TrainState, int]] = deque(maxlen=_KEPT)
        self._seen_ns: dict[type[Event], int] = {}

    def receive(self, event: Event, received_ns: int) -> None:
        """Take in one event; quick, for the network's thread."""
        with self._changed:
            if isinstance(event, Alive):
                self._alive[event.service] = Heard(event, received_ns)
            elif isinstance(event, TrainState):
                self._states.append((event, received_ns))
            elif isinstance(event, Frame | Prediction) or (
                isinstance(event, Command) and event.origin is Origin.DECISION
            ):
                self._see(event)
            self._changed.notify_all()

    def _see(self, event: Event) -> None:
        captured_ns = event.stamp.captured_ns if event.stamp else 0
        if captured_ns <= time.monotonic_ns():  # a forged one may claim to come from the future
            known_ns = self._seen_ns.get(type(event), 0)
            self._seen_ns[type(event)] = max(known_ns, captured_ns)

    @property
    def state(self) -> TrainState | None:
        """The train's latest state."""
        with self._changed:
            return self._states[-1][0] if self._states else None

    def flows(self, since_ns: int) -> bool:
        """Return whether frames captured after a moment became commands, and the train speaks."""
        with self._changed:
            spoke_ns = self._states[-1][1] if self._states else 0
            kinds = (Frame, Prediction, Command)
            return spoke_ns > since_ns and all(
                self._seen_ns.get(kind, 0) > since_ns for kind in kinds
            )

    def online(self, service: str, since_ns: int) -> bool:
        """Return whether a service has said since a moment that it is there."""
        with self._changed:
            heard = self._alive.get(service)
            if heard is None or heard.at_ns <= since_ns:
                return False
            return isinstance(heard.event, Alive) and heard.event.status == "online"

    def offline(self, service: str) -> bool:
        """Return whether a service has said goodbye, or the broker for it."""
        with self._changed:
            heard = self._alive.get(service)
            return heard is not None and getattr(heard.event, "status", "") == "offline"

    def oldest_acted_ms(self, since_ns: int) -> float | None:
        """Return the age of the oldest frame on which the train moved, milliseconds.

        Args:
            since_ns: Only states that came after this count.

        Returns:
            From the frame's capture until the controller acted on it; None without any.
        """
        with self._changed:
            ages = [
                (state.marks[Stage.ACTED] - state.frame.captured_ns) / 1e6
                for state, at_ns in self._states
                if at_ns > since_ns
                and state.motion in {Motion.CRUISING, Motion.SLOWED}
                and state.frame is not None
                and Stage.ACTED in state.marks
            ]
        return max(ages, default=None)

    def wait_for(self, happened: Callable[[], bool], *, timeout_s: float) -> bool:
        """Wait until something has been said; return whether it has within ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(happened, timeout_s)
