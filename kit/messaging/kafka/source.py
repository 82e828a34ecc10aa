"""The way from Kafka: every event of assigned partitions, with no consumer group to wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kit.config import Settings
from kit.errors import EventError
from kit.events import Event
from kit.messaging.bindings import MAX_IMAGE_BYTES, from_kafka
from kit.messaging.counters import Counters
from kit.messaging.kafka.cluster import (
    CONNECT_TIMEOUT_S,
    TOPICS,
    client_config,
    client_logger,
    describe_topics,
    ensure_topics,
    unreachable,
    wrong_config,
)
from kit.messaging.recent import Recent

FETCH_WAIT_MS = 10
"""How long a broker may gather before it answers, milliseconds; tansu always takes all of it."""

REMEMBERED = 20_000
"""How many ids of each topic are remembered, to know what comes again."""

_POLL_S = 0.2
_LOOK_AGAIN_EVERY_S = 1.0
_GONE = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)


@dataclass(frozen=True)
class KafkaSourceStats:
    """What a source counted since it was made.

    Attributes:
        received: Events returned.
        rejected: Messages that were no valid event.
        repeated: Messages that had come before: copies, or sent twice after a failure.
        reconnects: How often the cluster was away and came back.
        last_errors: The newest reasons, at most 20, oldest first.
    """

    received: int = 0
    rejected: int = 0
    repeated: int = 0
    reconnects: int = 0
    last_errors: tuple[str, ...] = ()


class KafkaSource:
    """Reads events from Kafka; a context manager, and an iterator over ``(event, received_ns)``.

    Each event is returned once, however often it was sent: who sends to Kafka can never know
    whether a message without an answer has arrived, and sends it again.

    Use it from one thread; :meth:`close` may come from another. When the cluster comes back from
    an absence, it goes on where it was, or at the beginning of topics that are new.

    Args:
        bootstrap: ``host:port`` of the cluster, comma-separated.
        settings: Its security.
        topics: Which topics; what happened, in order, if not given. See ``LIVE_TOPICS``.
        from_beginning: Whether to begin with what the cluster still keeps, or with what comes.

    Attributes:
        topic: Where the event that was returned last came from.
        repeated: The latest event that came once more and was not returned; None if none did.

    Raises:
        ConfigError: If the settings cannot be used.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        settings: Settings,
        topics: Sequence[str] = TOPICS,
        from_beginning: bool = False,
    ) -> None:
        self._bootstrap = bootstrap
        self._topics = tuple(topics)
        self._from_beginning = from_beginning
        self._config = client_config(bootstrap, settings)
        self._counters = Counters()
        self._seen = {topic: Recent(REMEMBERED) for topic in self._topics}
        self._ids: dict[str, str] = {}
        self._next: dict[tuple[str, int], int] = {}
        self._using = threading.Lock()
        self.topic = ""
        self.repeated: Event | None = None
        self._closed = False
        self._gone = False
        self._look_again_at = 0.0
        self._consumer = self._build()

    @property
    def stats(self) -> KafkaSourceStats:
        """What was counted so far."""
        return KafkaSourceStats(
            received=self._counters["received"],
            rejected=self._counters["rejected"],
            repeated=self._counters["repeated"],
            reconnects=self._counters["reconnects"],
            last_errors=self._counters.last_errors,
        )

    def start(self, *, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        """Find the topics, creating them if they are missing, and fix where to begin.

        Args:
            timeout_s: How long the cluster may take, seconds.

        Raises:
            BrokerError: If the cluster does not answer.
        """
        try:
            self._assign(self._consumer, timeout_s)
        except (KafkaException, TimeoutError) as error:
            raise unreachable(self._bootstrap, error) from error

    def poll(self, timeout_s: float) -> tuple[Event, int] | None:
        """Return the next event.

        Args:
            timeout_s: How long to wait for one, seconds; a second more while Kafka is away.

        Returns:
            The event and the monotonic nanoseconds of its reception; None if there was none
            in time, or a message was rejected, or Kafka is away (it is looked for again).
        """
        with self._using:
            if self._closed:
                return None
            if self._gone:
                self._look_again()
            message = self._consumer.poll(timeout_s)
        received_ns = time.monotonic_ns()
        if message is None:
            return None
        error = message.error()
        if error is not None:
            self._went_wrong(error)
            return None
        self._next[_place(message)] = (message.offset() or 0) + 1
        event = self._decode(message)
        return None if event is None else (event, received_ns)

    def close(self) -> None:
        """End the iteration and leave the cluster; safe to call twice."""
        with self._using:
            if not self._closed:
                self._closed = True
                self._consumer.close()

    def __iter__(self) -> Iterator[tuple[Event, int]]:
        while not self._closed:
            item = self.poll(_POLL_S)
            if item is not None:
                yield item

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _build(self) -> Consumer:
        try:
            return Consumer(
                self._config
                | {
                    "group.id": "runaway-train-kit",  # asked for, though no group is joined
                    "enable.auto.commit": False,
                    "auto.offset.reset": "earliest",
                    "fetch.wait.max.ms": FETCH_WAIT_MS,
                    "fetch.error.backoff.ms": 100,
                    "message.max.bytes": 2 * MAX_IMAGE_BYTES,
                    "error_cb": self._went_wrong,
                },
                logger=client_logger,
            )
        except KafkaException as error:
            raise wrong_config(error) from error

    def _assign(self, consumer: Consumer, timeout_s: float) -> None:
        ensure_topics(self._config, timeout_s=timeout_s)
        topics = describe_topics(self._config, self._topics, timeout_s=timeout_s)
        begin = [
            TopicPartition(topic, partition, self._offset(consumer, topic, topic_id, partition))
            for topic, (topic_id, partitions) in topics.items()
            for partition in partitions
        ]
        self._ids = {topic: topic_id for topic, (topic_id, _) in topics.items()}
        consumer.assign(begin)

    def _offset(self, consumer: Consumer, topic: str, topic_id: str, partition: int) -> int:
        place = TopicPartition(topic, partition)
        if self._ids.get(topic) == topic_id and (topic, partition) in self._next:
            return self._next[topic, partition]
        low, high = consumer.get_watermark_offsets(place, timeout=CONNECT_TIMEOUT_S)
        # All of a topic that was made while we were here is news.
        at: int = low if self._from_beginning or topic in self._ids else high
        self._next[topic, partition] = at
        return at

    def _went_wrong(self, error: KafkaError) -> None:
        self._gone = self._gone or error.code() in _GONE
        self._counters.fault("kafka", error.str())

    def _look_again(self) -> None:
        """Begin anew when Kafka is back: an old consumer keeps waiting for topics that are gone."""
        if time.monotonic() < self._look_again_at:
            return
        consumer = self._build()
        try:
            self._assign(consumer, _LOOK_AGAIN_EVERY_S)
        except (KafkaException, TimeoutError) as error:
            self._counters.fault("kafka", error)
            consumer.close()
        else:
            self._consumer.close()
            self._consumer, self._gone = consumer, False
            self._counters.add("reconnects")
        self._look_again_at = time.monotonic() + _LOOK_AGAIN_EVERY_S

    def _decode(self, message: Message) -> Event | None:
        headers = message.headers()
        pairs = list(headers.items()) if isinstance(headers, dict) else headers
        try:
            event = from_kafka(message.value(), headers=pairs)
        except EventError as error:
            self._counters.fault("rejected", error)
            return None
        if any(event.event_id in seen for seen in self._seen.values()):
            self._counters.add("repeated")
            self.repeated = event
            return None
        self.topic = message.topic() or ""
        self._seen[self.topic].add(event.event_id)
        self._counters.add("received")
        return event


def _place(message: Message) -> tuple[str, int]:
    return message.topic() or "", message.partition() or 0
