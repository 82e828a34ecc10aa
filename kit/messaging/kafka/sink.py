"""The way to Kafka: hand over and go on; an event waits on disk until Kafka has it.

Why there are three lanes, and what is in order where, is told in
docs/adr/0007-store-and-forward.md.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from kit.config import Settings
from kit.errors import EventError
from kit.events import Event, Frame
from kit.messaging.bindings import (
    LATE_FRAMES_TOPIC,
    MAX_IMAGE_BYTES,
    ContentMode,
    kafka_topic,
    to_kafka,
)
from kit.messaging.counters import Counters
from kit.messaging.kafka.cluster import client_config
from kit.messaging.kafka.keeper import Keeper
from kit.messaging.kafka.live_lane import LiveAnswer, LiveLane
from kit.messaging.kafka.ordered_lane import OrderedLane, Pace
from kit.messaging.kafka.outbox import Outbox, OutboxLimits, Parcel, Shelf
from kit.messaging.kafka.uplink import Uplink

DELIVERY_TIMEOUT_S = 2.0
"""After how long without an answer a live frame is left for later, seconds."""

STOP_TIMEOUT_S = 2.0
"""How long :meth:`KafkaSink.stop` waits for Kafka to take what is on its way, seconds."""

EVENTS_PACE = Pace(window=200, per_s=2000.0)
"""How events are caught up: fifty times faster than a train makes them."""

IMAGES_PACE = Pace(window=1, per_s=20.0)
"""How images are caught up: one at a time, behind everything else."""

BEHIND = 50
"""With more events waiting than this, the newest go to the live topic as well, as copies."""

MEMORY_BYTES = 64_000_000
"""How much a sink without a file keeps, bytes."""


@dataclass(frozen=True)
class KafkaSinkStats:
    """What a sink counted since it was made.

    Attributes:
        connected: Whether Kafka took the last message that it answered for.
        sent: Events handed over and kept.
        acknowledged: Events that Kafka has taken, those from an earlier process included.
        live: Frames that Kafka took at once, among those.
        copies: Copies of events that went to the live topic while the events' lane was behind.
        waiting: Events and frames that Kafka has not acknowledged.
        events_waiting: Events among them.
        images_waiting: Frames among them.
        outbox_bytes: What they take, bytes.
        thinned: Frames given up, for want of room or because of their age.
        lost: Events given up because events alone exceed the outbox, or are too old.
        refused: Events that Kafka will never take.
        dropped: Events that could not be kept: too long, or the disk failed.
        last_errors: The newest reasons, at most 20, oldest first.
    """

    connected: bool = False
    sent: int = 0
    acknowledged: int = 0
    live: int = 0
    copies: int = 0
    waiting: int = 0
    events_waiting: int = 0
    images_waiting: int = 0
    outbox_bytes: int = 0
    thinned: int = 0
    lost: int = 0
    refused: int = 0
    dropped: int = 0
    last_errors: tuple[str, ...] = ()


_COUNTED = ("sent", "acknowledged", "live", "copies", "refused", "dropped")


class KafkaSink:
    """Sends events to Kafka; a context manager.

    It needs no Kafka to start, and never waits for one. Events reach ``kit.events`` in the order
    in which they were handed over, however long the cluster was away and whoever was killed
    meanwhile. Frames go to ``kit.frames`` at once, or to ``kit.frames.late`` later.

    Args:
        bootstrap: ``host:port`` of the cluster, comma-separated.
        settings: Its security.
        source: Name of the service that sends.
        outbox: File that keeps what Kafka has not acknowledged; in memory only if None.
        limits: How much is kept, and for how long.
        mode: How events are written: binary or structured CloudEvents.
        delivery_timeout_s: After how long a live frame is left for later, seconds.
        events_pace: How events are caught up.
        on_answer: Called with what became of each live frame, in any thread; must be quick.

    Attributes:
        late_held: Set to keep late frames back, so that a narrow link is left to what is live.

    Raises:
        ConfigError: If the settings or the outbox cannot be used.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        settings: Settings,
        source: str = "streaming",
        outbox: Path | None = None,
        limits: OutboxLimits | None = None,
        mode: ContentMode = ContentMode.BINARY,
        delivery_timeout_s: float = DELIVERY_TIMEOUT_S,
        events_pace: Pace = EVENTS_PACE,
        on_answer: Callable[[LiveAnswer], None] = lambda _: None,
    ) -> None:
        config = client_config(bootstrap, settings) | {"message.max.bytes": 3 * MAX_IMAGE_BYTES}
        self._source = source
        self._mode = mode
        self._counters = Counters()
        self._changed = threading.Condition()
        self._stopped = False
        self.late_held = False
        self._uplink = Uplink()
        if limits is None and outbox is None:
            limits = OutboxLimits(max_bytes=MEMORY_BYTES)
        self._outbox = Outbox(outbox, limits=limits)
        try:
            self._live = LiveLane(
                config,
                self._outbox,
                uplink=self._uplink,
                counters=self._counters,
                timeout_s=delivery_timeout_s,
                on_change=self._tell,
                on_answer=on_answer,
            )
            self._events = self._lane(config, Shelf.EVENTS, events_pace)
            self._images = self._lane(config, Shelf.IMAGES, IMAGES_PACE)
        except BaseException:
            self._outbox.close()
            raise
        self._keeper = Keeper(
            config,
            self._outbox,
            (self._live, self._events, self._images),
            uplink=self._uplink,
            counters=self._counters,
        )

    @property
    def stats(self) -> KafkaSinkStats:
        """What was counted so far."""
        events, images = (self._outbox.waiting(shelf) for shelf in Shelf)
        return KafkaSinkStats(
            connected=self._uplink.up,
            waiting=events + images,
            events_waiting=events,
            images_waiting=images,
            outbox_bytes=self._outbox.bytes,
            thinned=self._outbox.given.thinned,
            lost=self._outbox.given.lost,
            last_errors=self._counters.last_errors,
            **{name: self._counters[name] for name in _COUNTED},
        )

    def start(self) -> None:
        """Begin to send; does not wait for Kafka."""
        self._keeper.start()
        self._live.start()
        self._events.start()
        self._images.start()

    @property
    def oldest_s(self) -> float:
        """For how long the oldest live frame has had no answer, seconds; 0 without any."""
        return self._live.oldest_s

    def send(self, event: Event, *, smaller: bytes | None = None, later: bool = False) -> bool:
        """Keep an event and hand it over; never waits for Kafka and never raises.

        Args:
            event: What to send.
            smaller: JPEG that is sent live in the place of a frame's own; if it does not get
                through at once, the whole frame goes later.
            later: Whether a frame is only kept for later.

        Returns:
            False if it could not be kept: it is dropped and counted then.
        """
        try:
            parcel = self._pack(event)
            if isinstance(event, Frame) and later:
                self._live.keep(parcel)
            elif isinstance(event, Frame):
                live = event.model_copy(update={"image": smaller}) if smaller else None
                self._live.offer(parcel, None if live is None else self._pack(live))
            elif self._outbox.put(Shelf.EVENTS, parcel):
                self._events.nudge()
                if self._outbox.waiting(Shelf.EVENTS) > BEHIND:
                    self._live.copy(parcel)
        except (EventError, sqlite3.Error) as error:
            self._counters.fault("dropped", error)
            return False
        self._counters.add("sent")
        return True

    def flush(self, timeout_s: float) -> bool:
        """Wait until Kafka has acknowledged all that waits.

        Args:
            timeout_s: How long to wait, seconds.

        Returns:
            Whether nothing waits any more.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self.stats.waiting == 0, timeout_s)

    def stop(self) -> None:
        """Wait a little for Kafka, leave the rest on disk and end; safe to call twice."""
        if self._stopped:
            return
        self._stopped = True
        if not self._uplink.down:
            self.flush(STOP_TIMEOUT_S)
        self._keeper.stop()
        for lane in (self._live, self._events, self._images):
            lane.stop()
        self._outbox.checkpoint()
        self._outbox.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _pack(self, event: Event) -> Parcel:
        message = to_kafka(event, source=self._source, mode=self._mode)
        key = message.key.encode() if isinstance(message.key, str) else message.key
        return Parcel(event.event_id, kafka_topic(event), key, message.headers, message.value)

    def _lane(self, config: dict[str, object], shelf: Shelf, pace: Pace) -> OrderedLane:
        late = shelf is Shelf.IMAGES
        return OrderedLane(
            config,
            self._outbox,
            shelf,
            pace=pace,
            uplink=self._uplink,
            counters=self._counters,
            may_send=self._images_turn if late else lambda: True,
            before=(lambda: self._live.horizon) if late else lambda: None,
            topic=LATE_FRAMES_TOPIC if late else None,
            on_change=self._tell,
        )

    def _images_turn(self) -> bool:
        """Live frames and events go first."""
        return (
            not self.late_held
            and self._outbox.waiting(Shelf.EVENTS) <= BEHIND
            and not self._live.crowded
        )

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()
