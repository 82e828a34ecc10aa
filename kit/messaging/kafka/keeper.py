"""The thread that looks after a sink: topics that are missing, lanes that are stuck, the disk."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

from confluent_kafka import KafkaException

from kit.messaging.bindings import EVENTS_TOPIC
from kit.messaging.counters import Counters
from kit.messaging.kafka.cluster import admin_client, look_up_topics, make_topics
from kit.messaging.kafka.outbox import Outbox
from kit.messaging.kafka.uplink import Uplink

LOOK_EVERY_S = 1.0
"""How often it looks, seconds; also how much a power cut may cost of the outbox."""

SUSPICIOUS_S = 1.0
"""After how long without an answer a lane makes it look whether Kafka is still the same."""

STUCK_LOOKS = 10
"""After so many looks at a Kafka that answers, a lane that gets no answer begins again."""

EXPIRE_EVERY_S = 30.0
"""How often what is too old is given up, seconds."""

_TIMEOUT_S = 2.0


class Lane(Protocol):
    """What sends to Kafka, and can be stuck."""

    @property
    def silent_s(self) -> float:
        """For how long it has had no answer to what it sent, seconds."""

    def renew(self) -> None:
        """Begin again with a client of its own making."""


class Keeper:
    """Makes topics, renews lanes, and has the disk take the outbox.

    Args:
        config: Kafka's client.
        outbox: What is kept.
        lanes: Who sends it.
        uplink: Tells when topics are missing.
        counters: Gets ``topics`` and ``outbox`` for what went wrong.
    """

    def __init__(
        self,
        config: dict[str, Any],
        outbox: Outbox,
        lanes: Sequence[Lane],
        *,
        uplink: Uplink,
        counters: Counters,
    ) -> None:
        self._admin = admin_client(config)
        self._outbox = outbox
        self._lanes = tuple(lanes)
        self._uplink = uplink
        self._counters = counters
        self._looks = 0
        self._topic_id: str | None = None
        self._expired_at = time.monotonic()
        self._ending = threading.Event()
        self._topics_thread = threading.Thread(
            target=self._keep_topics, name="kafka-topics", daemon=True
        )
        self._outbox_thread = threading.Thread(
            target=self._keep_outbox, name="kafka-outbox", daemon=True
        )

    def start(self) -> None:
        """Begin to look."""
        self._topics_thread.start()
        self._outbox_thread.start()

    def stop(self) -> None:
        """End; a question to Kafka that is under way is not waited for."""
        self._ending.set()
        self._uplink.topics_missing.set()
        if self._outbox_thread.ident is not None:
            self._outbox_thread.join()

    def _keep_topics(self) -> None:
        while not self._ending.is_set():
            told = self._uplink.topics_missing.wait(LOOK_EVERY_S)
            if self._ending.is_set():
                return
            suspicious = [lane for lane in self._lanes if lane.silent_s > SUSPICIOUS_S]
            if not suspicious:
                self._looks = 0
            if told or suspicious:
                self._uplink.topics_missing.clear()
                self._look(suspicious)

    def _look(self, suspicious: Sequence[Lane]) -> None:
        try:
            make_topics(self._admin, timeout_s=_TIMEOUT_S)
            topics = look_up_topics(self._admin, [EVENTS_TOPIC], timeout_s=_TIMEOUT_S)
            topic_id, _ = topics[EVENTS_TOPIC]
        except (KafkaException, TimeoutError) as error:
            self._counters.fault("topics", error)
            self._looks = 0
            self._uplink.topics_missing.set()
            self._ending.wait(LOOK_EVERY_S)
            return
        known, self._topic_id = self._topic_id, topic_id
        if known not in {None, topic_id}:
            # A cluster that lost its topics knows no producer any more, either.
            for lane in self._lanes:
                lane.renew()
            return
        self._looks += 1
        if self._looks >= STUCK_LOOKS:
            self._looks = 0
            for lane in suspicious:
                lane.renew()
        self._ending.wait(LOOK_EVERY_S)

    def _keep_outbox(self) -> None:
        while not self._ending.wait(LOOK_EVERY_S):
            try:
                self._outbox.checkpoint()
                if time.monotonic() - self._expired_at >= EXPIRE_EVERY_S:
                    self._expired_at = time.monotonic()
                    self._outbox.expire()
            except sqlite3.Error as error:
                self._counters.fault("outbox", error)
