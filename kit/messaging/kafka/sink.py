"""The way to Kafka: hand over and go on; what does not get through waits on disk."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kit.config import Settings
from kit.errors import EventError
from kit.events import Event
from kit.messaging.bindings import FRAMES_TOPIC, MAX_IMAGE_BYTES, kafka_topic, to_kafka
from kit.messaging.counters import Counters
from kit.messaging.kafka.cluster import (
    client_config,
    client_logger,
    ensure_topics,
    wrong_config,
)
from kit.messaging.kafka.spool import Spool, SpooledMessage

DELIVERY_TIMEOUT_S = 5.0
"""After how long without an answer a message counts as not taken, seconds."""

STOP_TIMEOUT_S = 3.0
"""How long :meth:`KafkaSink.stop` waits for Kafka to take what is on its way, seconds."""

QUEUE_KBYTES = 65_536
"""How much may be on its way at once, kilobytes."""

RESEND_BATCH = 50
"""How many spooled messages are on their way at once when Kafka is there; one else."""

SPOOLED_FRAME_EVERY_S = 1.0
"""Of the frames that Kafka did not take, one in this many seconds is kept."""

_POLL_S = 0.1
_PURGE_TIMEOUT_S = 2.0
_TOPICS_RETRY_S = 2.0
_NO_TOPIC = frozenset({KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART})  # noqa: SLF001
_HOPELESS = frozenset(
    {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_MSG_SIZE}
)


@dataclass(frozen=True)
class KafkaSinkStats:
    """What a sink counted since it was made.

    Attributes:
        connected: Whether Kafka took the last message that it answered for.
        sent: Events handed to the network.
        acknowledged: Events that Kafka has taken, those from the disk included.
        spooled: Events put on disk because Kafka did not take them.
        dropped: Events lost: queue or disk full, or a frame that was not worth keeping.
        waiting: Events on their way or on disk now.
        last_errors: The newest reasons, at most 20, oldest first.
    """

    connected: bool = False
    sent: int = 0
    acknowledged: int = 0
    spooled: int = 0
    dropped: int = 0
    waiting: int = 0
    last_errors: tuple[str, ...] = ()


_COUNTED = tuple(field.name for field in fields(KafkaSinkStats) if field.type == "int")[:-1]


class KafkaSink:
    """Sends events to Kafka; a context manager.

    It needs no Kafka to start, and never waits for one: a cluster that is away fills the spool,
    which is sent in order when the cluster is back.

    Args:
        bootstrap: ``host:port`` of the cluster, comma-separated.
        settings: Its security.
        source: Name of the service that sends.
        spool: File that keeps what Kafka does not take; without one that is dropped.
        delivery_timeout_s: After how long a message counts as not taken, seconds.

    Raises:
        ConfigError: If the settings or the spool cannot be used.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        settings: Settings,
        source: str = "streaming",
        spool: Path | None = None,
        delivery_timeout_s: float = DELIVERY_TIMEOUT_S,
    ) -> None:
        self._source = source
        self._config = client_config(bootstrap, settings)
        self._counters = Counters()
        self._answered = threading.Condition()
        self._outstanding = 0
        self._connected = False
        self._resending: set[int] = set()
        self._resent_up_to = 0
        self._frame_spooled_at = float("-inf")
        self._topics_missing = threading.Event()
        self._topics_missing.set()
        self._ending = threading.Event()
        self._producer = self._build(delivery_timeout_s)
        self._spool = Spool(spool) if spool else None
        self._threads = (
            threading.Thread(target=self._work, name="kafka-sink", daemon=True),
            threading.Thread(target=self._make_topics, name="kafka-topics", daemon=True),
        )

    @property
    def stats(self) -> KafkaSinkStats:
        """What was counted so far."""
        counted = {name: self._counters[name] for name in _COUNTED}
        return KafkaSinkStats(
            connected=self._connected,
            waiting=self._outstanding + len(self._spool or ()) - len(self._resending),
            last_errors=self._counters.last_errors,
            **counted,
        )

    def start(self) -> None:
        """Begin to send; does not wait for Kafka."""
        for thread in self._threads:
            thread.start()

    def send(self, event: Event) -> bool:
        """Hand over an event; never blocks and never raises.

        Returns:
            False if the queue is full or the event too long: it is dropped and counted then.
        """
        try:
            message = to_kafka(event, source=self._source)
            key = message.key.encode() if isinstance(message.key, str) else message.key
            packed = SpooledMessage(kafka_topic(event), key, message.headers, message.value)
            self._produce(packed)
        except (EventError, BufferError, KafkaException) as error:
            self._counters.fault("dropped", error)
            return False
        self._counters.add("sent")
        return True

    def flush(self, timeout_s: float) -> bool:
        """Wait until Kafka has answered for all that was sent, and the spool is empty.

        Args:
            timeout_s: How long to wait, seconds.

        Returns:
            Whether nothing waits any more.
        """
        with self._answered:
            return self._answered.wait_for(lambda: self.stats.waiting == 0, timeout_s)

    def stop(self) -> None:
        """Wait a little for Kafka, put the rest on disk and end; safe to call twice."""
        if self._ending.is_set():
            return
        with self._answered:
            self._answered.wait_for(lambda: self._outstanding == 0, STOP_TIMEOUT_S)
        self._ending.set()
        self._topics_missing.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._producer.purge()
        deadline = time.monotonic() + _PURGE_TIMEOUT_S
        while self._outstanding and time.monotonic() < deadline:
            self._producer.poll(_POLL_S)
        if self._spool:
            self._spool.close()

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

    def _build(self, delivery_timeout_s: float) -> Producer:
        try:
            return Producer(
                self._config
                | {
                    "linger.ms": 2,
                    "acks": 1,
                    "message.timeout.ms": int(delivery_timeout_s * 1000),
                    "message.max.bytes": 2 * MAX_IMAGE_BYTES,
                    "queue.buffering.max.kbytes": QUEUE_KBYTES,
                    "error_cb": self._went_wrong,
                },
                logger=client_logger,
            )
        except KafkaException as error:
            raise wrong_config(error) from error

    def _produce(self, message: SpooledMessage) -> None:
        with self._answered:
            self._producer.produce(
                message.topic,
                key=message.key,
                value=message.value,
                headers=dict(message.headers),
                on_delivery=partial(self._delivered, message),
            )
            self._outstanding += 1

    def _work(self) -> None:
        while not self._ending.is_set():
            self._producer.poll(_POLL_S)
            self._resend()

    def _resend(self) -> None:
        """Send what waits on disk: all of it, or one message to see whether Kafka is back."""
        room = (RESEND_BATCH if self._connected else 1) - len(self._resending)
        if not self._spool or room <= 0:
            return
        for message in self._spool.oldest(room, after=self._resent_up_to):
            if message.number in self._resending:
                continue
            try:
                self._produce(message)
            except (BufferError, KafkaException) as error:
                self._counters.fault("postponed", error)
                return
            self._resending.add(message.number)
            self._resent_up_to = message.number

    def _delivered(self, message: SpooledMessage, error: KafkaError | None, _sent: Message) -> None:
        # What this does on disk must not hold the lock, which send() takes.
        self._connected = error is None
        self._resending.discard(message.number)
        hopeless = error is not None and error.code() in _HOPELESS
        if error is not None and error.code() in _NO_TOPIC:
            self._topics_missing.set()
        if error is None:
            self._counters.add("acknowledged")
        elif hopeless:
            self._counters.fault("dropped", error.str())
        elif message.number:
            self._resent_up_to = min(self._resent_up_to, message.number - 1)
        else:
            self._keep(message, error)
        if self._spool and message.number and (error is None or hopeless):
            self._spool.remove(message)
        with self._answered:
            self._outstanding -= 1
            self._answered.notify_all()

    def _keep(self, message: SpooledMessage, why: KafkaError) -> None:
        if self._spool is None or not self._worth_keeping(message):
            self._counters.fault("dropped", why.str())
            return
        try:
            for _ in range(self._spool.put(message)):
                self._counters.fault("dropped", "the spool is full")
            self._counters.fault("spooled", why.str())
        except sqlite3.Error as error:
            self._counters.fault("dropped", error)

    def _worth_keeping(self, message: SpooledMessage) -> bool:
        if message.topic != FRAMES_TOPIC:
            return True
        now = time.monotonic()
        if now - self._frame_spooled_at < SPOOLED_FRAME_EVERY_S:
            return False
        self._frame_spooled_at = now
        return True

    def _went_wrong(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001
            self._connected = False

    def _make_topics(self) -> None:
        while self._topics_missing.wait():
            self._topics_missing.clear()
            if self._ending.is_set():  # looked at last, since stop() sets it first
                return
            try:
                ensure_topics(self._config, timeout_s=_TOPICS_RETRY_S)
            except (KafkaException, TimeoutError) as error:
                self._counters.fault("topics", error)
                self._topics_missing.set()
                self._ending.wait(_TOPICS_RETRY_S)
