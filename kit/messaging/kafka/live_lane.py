"""The lane for what is worth most now: the newest frame first, and never a queue of old ones.

Frames are in the outbox already. This lane tries to get each through at once; a frame that was
overtaken, or that Kafka did not take in time, simply stays there and goes later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kit.messaging.bindings import LIVE_TOPIC
from kit.messaging.counters import Counters
from kit.messaging.kafka.cluster import build_producer
from kit.messaging.kafka.outbox import Outbox, Parcel, Shelf
from kit.messaging.kafka.uplink import Uplink

FRAMES_IN_FLIGHT = 3
"""How many live frames may be on their way at once: one that leaves and a little behind it."""

COPIES_IN_FLIGHT = 200
"""How many copies of events may be on their way at once."""

_POLL_S = 0.05
_END_POLL_S = 1.0
_NO_TOPIC = frozenset({KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART})  # noqa: SLF001


@dataclass(frozen=True)
class LiveAnswer:
    """What became of a frame in the live lane.

    Attributes:
        taken: Whether Kafka took it; False if not in time, None if a newer one overtook it
            before it could leave.
        size: Its bytes, as they were sent.
        delay_s: Since it was handed over, seconds.
    """

    taken: bool | None
    size: int
    delay_s: float


class LiveLane:
    """Sends frames as they come, and copies of events while the events' own lane is behind.

    Args:
        config: Kafka's client, with ``message.max.bytes``.
        outbox: Holds the frames; those that got through are taken out.
        uplink: What is known of the way to Kafka; told of each answer.
        counters: Gets ``acknowledged``, ``live`` and ``copies``.
        timeout_s: After how long a frame that was not taken is left for later, seconds.
        on_change: Called when a frame got through.
        on_answer: Called with what became of each frame, in any thread; must be quick.
    """

    def __init__(
        self,
        config: dict[str, Any],
        outbox: Outbox,
        *,
        uplink: Uplink,
        counters: Counters,
        timeout_s: float,
        on_change: Callable[[], None],
        on_answer: Callable[[LiveAnswer], None] = lambda _: None,
    ) -> None:
        self._on_change = on_change
        self._on_answer = on_answer
        self._outbox = outbox
        self._uplink = uplink
        self._counters = counters
        self._lock = threading.Lock()
        self._flying: dict[int, float] = {}
        self._copies = 0
        self._next: Parcel | None = None
        self._next_since_s = 0.0
        self._newest = outbox.newest(Shelf.IMAGES)
        self._ending = threading.Event()
        self._failing_since_s: float | None = None
        self._renewing = threading.Event()
        self._config = config
        self._timeout_ms = int(timeout_s * 1000)
        self._producer = self._build()
        self._thread = threading.Thread(target=self._work, name="kafka-live", daemon=True)

    @property
    def crowded(self) -> bool:
        """Whether a frame waits for the one before it to leave."""
        return self._next is not None

    @property
    def oldest_s(self) -> float:
        """For how long the oldest frame on its way has had no answer, seconds; 0 without any."""
        with self._lock:
            oldest = min(self._flying.values(), default=None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    @property
    def silent_s(self) -> float:
        """For how long Kafka has taken none of what it was sent, seconds."""
        since_s = self._failing_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    @property
    def horizon(self) -> int:
        """All frames with lower numbers are past being live."""
        with self._lock:
            numbers = {*self._flying, *((self._next.number,) if self._next else ())}
            return min(numbers, default=self._newest + 1)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def offer(self, parcel: Parcel, smaller: Parcel | None = None) -> None:
        """Put a frame into the outbox and send it now, or next.

        The frame that waited to be next is left for later.

        Args:
            parcel: The frame.
            smaller: What is sent live in its place, if given; later goes the whole one.

        Raises:
            sqlite3.Error: If the disk does not take it.
        """
        number = self._outbox.put(Shelf.IMAGES, parcel)
        if not number:  # it waits there already
            return
        now_s = time.monotonic()
        with self._lock:  # at one blow: a frame below the horizon is late
            self._newest = number
            overtaken, since_s = self._next, self._next_since_s
            self._next = replace(smaller or parcel, number=number)
            self._next_since_s = now_s
            self._send_next()
        if overtaken is not None:
            self._on_answer(LiveAnswer(None, len(overtaken.value), now_s - since_s))

    def keep(self, parcel: Parcel) -> None:
        """Put a frame into the outbox for later.

        Args:
            parcel: The frame.

        Raises:
            sqlite3.Error: If the disk does not take it.
        """
        number = self._outbox.put(Shelf.IMAGES, parcel)
        if number:
            with self._lock:
                self._newest = number

    def copy(self, parcel: Parcel) -> None:
        """Send a copy of an event that must wait its turn elsewhere; it may get lost."""
        with self._lock:
            if self._copies >= COPIES_IN_FLIGHT or not self._uplink.up:
                return
            if self._produce(parcel, LIVE_TOPIC, self._copied):
                self._copies += 1

    def renew(self) -> None:
        """Begin again with a client of its own making: the cluster may be elsewhere."""
        self._renewing.set()

    def stop(self) -> None:
        """End; frames that did not get through stay in the outbox."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._next = None
        self._producer.purge()
        self._producer.poll(_END_POLL_S if self._flying or self._copies else 0)

    def _build(self) -> Producer:
        return build_producer(
            self._config
            | {
                "linger.ms": 0,
                "acks": 1,
                "retries": 0,
                "message.timeout.ms": self._timeout_ms,
                "socket.timeout.ms": self._timeout_ms,
                "max.in.flight.requests.per.connection": 1,
                "error_cb": self._went_wrong,
            }
        )

    def _work(self) -> None:
        while not self._ending.is_set():
            self._producer.poll(_POLL_S)
            if self._renewing.is_set():
                self._renewing.clear()
                self._begin_again()

    def _begin_again(self) -> None:
        """Leave what is on its way for later, and send what comes with a new client."""
        with self._lock:
            old, self._producer = self._producer, self._build()
        old.purge()
        old.flush(_END_POLL_S)

    def _send_next(self) -> None:
        """Send the next frame if there is room; with the link down one at a time, as a probe."""
        room = FRAMES_IN_FLIGHT if self._uplink.up else 1
        parcel = self._next
        if parcel is None or len(self._flying) >= room or self._ending.is_set():
            return
        self._next = None
        since_s, size = self._next_since_s, len(parcel.value)
        told = partial(self._delivered, parcel.number, since_s, size)
        if self._produce(parcel, parcel.topic, told):
            self._flying[parcel.number] = since_s

    def _produce(self, parcel: Parcel, topic: str, on_delivery: Any) -> bool:
        try:
            self._producer.produce(
                topic,
                key=parcel.key,
                value=parcel.value,
                headers=dict(parcel.headers),
                on_delivery=on_delivery,
            )
        except (BufferError, KafkaException) as error:
            self._counters.fault("postponed", error)
            return False
        return True

    def _delivered(
        self, number: int, since_s: float, size: int, error: KafkaError | None, _sent: Message
    ) -> None:
        self._note(error)
        self._on_answer(LiveAnswer(error is None, size, time.monotonic() - since_s))
        if error is None:
            self._counters.add("acknowledged")
            self._counters.add("live")
            self._outbox.remove(Shelf.IMAGES, number)
            self._on_change()
        with self._lock:
            self._flying.pop(number, None)
            self._send_next()

    def _copied(self, error: KafkaError | None, _sent: Message) -> None:
        with self._lock:
            self._copies -= 1
        if error is None:
            self._counters.add("copies")

    def _note(self, error: KafkaError | None) -> None:
        self._uplink.answered(taken=error is None)
        if error is None:
            self._failing_since_s = None
        else:
            self._failing_since_s = self._failing_since_s or time.monotonic()
            self._counters.fault("postponed", error.str())
            if error.code() in _NO_TOPIC:
                self._uplink.topics_missing.set()

    def _went_wrong(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001
            self._uplink.answered(taken=False)
        self._counters.fault("kafka", error.str())
