"""The thread that reads Kafka and hands every event to the console's event loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from kit.background import Background
from kit.config import Settings
from kit.errors import BrokerError
from kit.events import Event
from kit.messaging.bindings import EVENTS_TOPIC, LIVE_TOPIC
from kit.messaging.kafka import LIVE_TOPICS, KafkaSource
from kit.reasons import Reason

POLL_S = 0.2
"""How long one look for an event may take, seconds; the thread ends within it."""

RETRY_S = 2.0
"""Pause before Kafka is tried again, seconds."""

LIVE_HOLDS_NS = 5_000_000_000
"""For how long after a copy from the live topic a train's history is passed over, nanoseconds."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """An event and when it came.

    Attributes:
        event: The event.
        received_ns: Monotonic time of arrival, nanoseconds.
        received_s: The same moment on the wall clock, seconds since 1970.
    """

    event: Event
    received_ns: int
    received_s: float


class Feed(Background):
    """Reads the kit's topics from now on, and again after Kafka was away; a context manager.

    Args:
        bootstrap: ``host:port`` of the Kafka cluster, comma-separated.
        settings: What opens it.
        deliver: Called in the feed's thread for each event; must not block.

    Attributes:
        trouble: What is wrong with Kafka, in words for people; empty if nothing is.

    Raises:
        ConfigError: If the settings cannot be used.
    """

    def __init__(
        self, bootstrap: str, *, settings: Settings, deliver: Callable[[Arrival], None]
    ) -> None:
        super().__init__("console-feed")
        self._source = KafkaSource(bootstrap, settings=settings, topics=LIVE_TOPICS)
        self._deliver = deliver
        self._live_until_ns: dict[str, int] = {}
        self.trouble = Reason.KAFKA_CONNECTING.say(address=bootstrap)
        # The client tells of every attempt, many a second; we tell of each change, once.
        logging.getLogger("kit.messaging.kafka.client").setLevel(logging.CRITICAL)

    def _run(self) -> None:
        try:
            self._connect()
            while not self._ended.is_set():
                self._read()
        finally:
            self._source.close()

    def _connect(self) -> None:
        while not self._ended.is_set():
            try:
                self._source.start()
            except BrokerError as error:
                self._tell(str(error))
                self._ended.wait(RETRY_S)
            else:
                self._tell("")
                return

    def _read(self) -> None:
        faults = self._source.stats.last_errors
        item = self._source.poll(POLL_S)
        if item is None:
            if self._source.stats.last_errors != faults:
                self._tell(self._source.stats.last_errors[-1])
            return
        event, received_ns = item
        if self._is_history(event, received_ns):
            return
        late_s = (time.monotonic_ns() - received_ns) / 1e9
        self._tell("")
        self._deliver(Arrival(event, received_ns, time.time() - late_s))

    def _is_history(self, event: Event, received_ns: int) -> bool:
        """Tell whether an event of the past comes in while others tell what happens now.

        History ends where events come that were shown as copies already.
        """
        if self._source.repeated is not None:
            self._live_until_ns.pop(self._source.repeated.train_id, None)
            self._source.repeated = None
        if self._source.topic == LIVE_TOPIC:
            self._live_until_ns[event.train_id] = received_ns + LIVE_HOLDS_NS
            return False
        catching_up = received_ns < self._live_until_ns.get(event.train_id, 0)
        return catching_up and self._source.topic == EVENTS_TOPIC

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            _log.warning("%s", trouble)
        self.trouble = trouble
