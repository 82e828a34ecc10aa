"""Plays a recording in its own time, or faster, or slower, once or again and again."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kit.errors import ConfigError, EventError
from kit.events import Alive, Command, Event, Frame, Prediction, TrainState
from kit.recording.reader import Recording
from kit.recording.restamp import Restamper, Timeline, is_replay_id

KINDS: tuple[str, ...] = tuple(
    model.kind for model in (Frame, Prediction, Command, TrainState, Alive)
)
"""Kinds of events that are played; a change of models is none, for a train would act on it."""

MOST_SPEED = 1000.0
"""The fastest that a recording is played."""

_Publish = Callable[[Event], None]


@dataclass
class Played:
    """What was played so far.

    Attributes:
        events: How many events were sent, by kind.
        loops: How often the recording was played to its end.
        unplayable: Events that could not be played: frames without a picture, other versions.
        damage: What could not be read of it, in words.
    """

    events: Counter[str] = field(default_factory=Counter)
    loops: int = 0
    unplayable: int = 0
    damage: tuple[str, ...] = ()


class Player:
    """Plays a recording as a train of its own.

    Args:
        recording: What to play.
        train_id: The train to play it as; begins with ``replay``, and no controller takes such
            a name, so that nothing that is played can ever move a train.
        speed: How much faster than it was; 0.5 is half as fast.
        loop: Whether to begin again at the end.
        kinds: Kinds of events to play, of `KINDS`.

    Raises:
        ConfigError: If the train, the speed or a kind cannot be.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        train_id: str,
        speed: float = 1.0,
        loop: bool = False,
        kinds: Collection[str] = KINDS,
    ) -> None:
        if not is_replay_id(train_id):
            raise ConfigError(
                "A recording cannot be played as this train",
                expected="an id that begins with 'replay', which no controller listens to",
                got=train_id,
                fix="a recording must never move a train: name it 'replay-1', for example",
            )
        if not 0 < speed <= MOST_SPEED:
            raise ConfigError(
                "A recording cannot be played at this speed",
                expected=f"more than 0 and at most {MOST_SPEED:g}",
                got=speed,
            )
        if unknown := sorted(set(kinds) - set(KINDS)):
            raise ConfigError(
                "Events of this kind are not played",
                expected=f"some of {', '.join(KINDS)}",
                got=", ".join(unknown),
            )
        self.played = Played()
        self._recording = recording
        self._train_id = train_id
        self._speed = speed
        self._loop = loop
        self._kinds = frozenset(kinds)
        self._restamper = Restamper(train_id, source=recording.path.name)
        self._online: dict[str, Alive] = {}
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the playing soon; safe from any thread."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether the end was asked for before the recording's own."""
        return self._stopped.is_set()

    def play(self, publish: _Publish) -> Played:
        """Play to the end, or until stopped if it loops.

        Args:
            publish: Called with each event when it is due.

        Returns:
            What was played.

        Raises:
            ConfigError: If there is not a single event to play.
        """
        try:
            while not self._stopped.is_set():
                before = self.played.events.total()
                self._play_once(publish)
                self.played.damage = tuple(self._recording.damage)
                if self.played.events.total() == before and not self._stopped.is_set():
                    raise self._nothing()
                if not self._loop:
                    break
        finally:
            self._say_goodbye(publish)
        return self.played

    def _play_once(self, publish: _Publish) -> None:
        self._restamper.begin()
        timeline: Timeline | None = None
        for event, received_ns in self._events():
            if timeline is None:
                now = datetime.now(UTC)  # first, so that nothing claims to be of later than now
                now_ns = time.monotonic_ns()
                timeline = Timeline(received_ns, now_ns, now, self._speed)
            late_ns = timeline.ns(received_ns) - time.monotonic_ns()
            if self._stopped.wait(max(0, late_ns) / 1e9):
                return
            played = self._restamper.restamp(event, received_ns, timeline)
            if played is not None:
                self._send(played, publish)
        self.played.loops += 1

    def _events(self) -> Iterator[tuple[Event, int]]:
        for record in self._recording:
            if record.note or record.type.split(".")[-2] not in self._kinds:
                continue
            try:
                yield record.event(), record.received_ns
            except EventError:
                self.played.unplayable += 1

    def _send(self, event: Event, publish: _Publish) -> None:
        if isinstance(event, Alive):
            self._online.pop(event.service, None)
            if event.status == "online":
                self._online[event.service] = event
        publish(event)
        self.played.events[event.kind] += 1

    def _say_goodbye(self, publish: _Publish) -> None:
        """Let nobody believe that the services of the recording are still there."""
        for alive in self._online.values():
            detail = "the replay has ended"
            publish(
                Alive(
                    train_id=self._train_id, service=alive.service, status="offline", detail=detail
                )
            )
        self._online.clear()

    def _nothing(self) -> ConfigError:
        return ConfigError(
            f"There is nothing to play in '{self._recording.path}'",
            expected=f"events: {', '.join(sorted(self._kinds))}",
            got="; ".join(self._recording.damage) or "none of them",
        )
