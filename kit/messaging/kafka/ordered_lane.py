"""The lane in which nothing is lost and nothing overtakes: from the outbox to Kafka, in order.

It reads a shelf of the outbox by number, keeps a bounded window of it on its way, and takes out
what Kafka has acknowledged. Messages never time out in Kafka's client, and only one request is
on its way at a time, so that a retry cannot fall behind what came after it. After a failure the
lane begins again at the oldest parcel that was not acknowledged.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kit.messaging.counters import Counters
from kit.messaging.kafka.cluster import build_producer
from kit.messaging.kafka.outbox import Outbox, Parcel, Shelf
from kit.messaging.kafka.uplink import Uplink

ANSWER_TIMEOUT_S = 10.0
"""How long a request may stay unanswered before its connection is given up, seconds."""

_POLL_S = 0.05
_PAUSE_S = 0.2
_NUDGE_S = 0.01
_DRAIN_S = 5.0
_BATCH_BYTES = 65_536
_NO_TOPIC = frozenset({KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART})  # noqa: SLF001
_REFUSED = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
    }
)
_NOT_IDEMPOTENT = frozenset(
    {
        KafkaError._UNSUPPORTED_FEATURE,  # noqa: SLF001
        KafkaError.UNSUPPORTED_VERSION,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)


@dataclass(frozen=True)
class Pace:
    """How much of a shelf may be on its way.

    Attributes:
        window: Most parcels that Kafka has not answered for.
        per_s: Most parcels a second while catching up, so that processor and link stay free for
            what is live.
    """

    window: int
    per_s: float


class OrderedLane:
    """Sends one shelf of an outbox.

    Args:
        config: Kafka's client, with ``message.max.bytes``.
        outbox: Where from.
        shelf: Which shelf.
        pace: How much at once.
        uplink: What is known of the way to Kafka; told of each answer.
        counters: Gets ``acknowledged`` and ``refused``.
        may_send: Tells whether it is this lane's turn.
        before: Tells where the shelf ends for now; None for all of it.
        topic: Where all of it goes; where each parcel says if None.
        on_change: Called when something was acknowledged.
    """

    def __init__(
        self,
        config: dict[str, Any],
        outbox: Outbox,
        shelf: Shelf,
        *,
        pace: Pace,
        uplink: Uplink,
        counters: Counters,
        may_send: Callable[[], bool] = lambda: True,
        before: Callable[[], int | None] = lambda: None,
        topic: str | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.shelf = shelf
        self.idempotent = True
        self._config = config
        self._outbox = outbox
        self._pace = pace
        self._uplink = uplink
        self._counters = counters
        self._may_send = may_send
        self._before = before
        self._topic = topic
        self._on_change = on_change
        self._feeding = threading.Lock()
        self._ending = threading.Event()
        self._renewing = threading.Event()
        self._failed: list[KafkaError] = []
        self._generation = 0
        self._outstanding = 0
        self._cursor = 0
        self._acked = 0
        self._taken_out = 0
        self._careful_until = 0
        self._next_at = 0.0
        self._progress_at = time.monotonic()
        self._producer = self._build()
        self._thread = threading.Thread(target=self._work, name=f"kafka-{shelf}", daemon=True)

    @property
    def silent_s(self) -> float:
        """For how long something has been on its way without any answer, seconds."""
        return time.monotonic() - self._progress_at if self._outstanding else 0.0

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def nudge(self) -> None:
        """Send what was just put, or leave it to the lane's own thread if that is busy."""
        if self._feeding.acquire(timeout=_NUDGE_S):
            try:
                self._feed()
            finally:
                self._feeding.release()

    def renew(self) -> None:
        """Begin again with a client of its own making: the cluster has forgotten the old one."""
        self._renewing.set()

    def stop(self) -> None:
        """End; what was not acknowledged stays in the outbox."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._producer.purge()
        self._drain()
        self._take_out()

    def _build(self) -> Producer:
        return build_producer(
            self._config
            | {
                "linger.ms": 2,
                "acks": "all",
                "message.timeout.ms": 0,
                "socket.timeout.ms": int(ANSWER_TIMEOUT_S * 1000),
                "max.in.flight.requests.per.connection": 1,
                "batch.size": _BATCH_BYTES,
                "enable.idempotence": self.idempotent,
                "error_cb": self._went_wrong,
            }
        )

    def _work(self) -> None:
        while not self._ending.is_set():
            with self._feeding:
                self._feed()
            self._poll()
            try:
                self._take_out()
            except sqlite3.Error as error:  # it will be sent twice at worst
                self._counters.fault("outbox", error)
            if self._must_begin_again:
                self._begin_again()
                self._ending.wait(_PAUSE_S)

    def _feed(self) -> None:
        room = self._window - self._outstanding
        now = time.monotonic()
        if room <= 0 or self._must_begin_again or now < self._next_at or not self._may_send():
            return
        parcels = self._outbox.after(self.shelf, self._cursor, room, before=self._before())
        for parcel in parcels:
            if not self._produce(parcel):
                return
        if len(parcels) > 1 or self._pace.window == 1:
            self._next_at = now + len(parcels) / self._pace.per_s

    @property
    def _must_begin_again(self) -> bool:
        return bool(self._failed) or self._renewing.is_set()

    @property
    def _window(self) -> int:
        if self._cursor < self._careful_until:
            return 1
        return self._pace.window

    def _produce(self, parcel: Parcel) -> bool:
        alone = self._window == 1
        if not self._outstanding:
            self._progress_at = time.monotonic()
        try:
            self._producer.produce(
                self._topic or parcel.topic,
                key=parcel.key,
                value=parcel.value,
                headers=dict(parcel.headers),
                on_delivery=partial(self._delivered, self._generation, parcel.number, alone),
            )
        except BufferError:
            return False
        except KafkaException as error:
            if error.args[0].code() in _REFUSED:
                self._refuse(parcel.number, error.args[0])
                self._cursor = parcel.number
                return True
            self._failed.append(error.args[0])
            return False
        self._outstanding += 1
        self._cursor = parcel.number
        return True

    def _delivered(
        self,
        generation: int,
        number: int,
        alone: bool,  # noqa: FBT001  # bound by position
        error: KafkaError | None,
        _sent: Message,
    ) -> None:
        if generation != self._generation:
            return
        self._outstanding -= 1
        self._progress_at = time.monotonic()
        if error is None:
            self._uplink.answered(taken=True)
            if not self._must_begin_again:  # after a gap, all is sent again
                self._acked = number
                self._counters.add("acknowledged")
            return
        if alone and error.code() in _REFUSED:
            self._refuse(number, error)
            self._acked = number
            return
        if error.code() in _REFUSED:
            self._careful_until = max(self._careful_until, self._cursor)
        elif error.code() in _NO_TOPIC:
            self._uplink.topics_missing.set()
        self._failed.append(error)

    def _refuse(self, number: int, error: KafkaError) -> None:
        """Give up a parcel that Kafka will never take, so that it holds up no other."""
        self._counters.fault("refused", error.str())
        self._outbox.remove(self.shelf, number)
        self._on_change()

    def _take_out(self) -> None:
        acked = self._acked
        if acked > self._taken_out:
            self._outbox.remove(self.shelf, acked, up_to=True)
            self._taken_out = acked
            self._on_change()

    def _begin_again(self) -> None:
        """Let go of all that is on its way, and go back to the oldest that was not acknowledged.

        With a new client: an idempotent one would take what it is not told about for a gap.
        """
        with self._feeding:
            failed = list(self._failed)
            self._renewing.set()  # what is acknowledged from now on does not count
            if any(error.code() in _NOT_IDEMPOTENT for error in failed):
                self.idempotent = False
            for error in failed[-1:]:
                self._counters.fault("postponed", error.str())
            self._producer.purge()
            self._drain()
            self._generation += 1
            self._outstanding = 0
            self._producer = self._build()
            self._counters.add("renewed")
            self._cursor = self._acked
            self._progress_at = time.monotonic()
            self._failed.clear()
            self._renewing.clear()

    def _drain(self) -> None:
        deadline = time.monotonic() + _DRAIN_S
        while self._outstanding and time.monotonic() < deadline:
            self._poll()

    def _poll(self) -> None:
        try:
            self._producer.poll(_POLL_S)
        except KafkaException as error:  # so a client says that it has given up for good
            self._failed.append(error.args[0])

    def _went_wrong(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001
            self._uplink.answered(taken=False)
        if error.fatal():
            self._failed.append(error)
        self._counters.fault("kafka", error.str())
