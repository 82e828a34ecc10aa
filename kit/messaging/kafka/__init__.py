"""Events to and from Kafka; nothing here makes the train wait."""

from __future__ import annotations

from kit.messaging.kafka.cluster import ALL_TOPICS, LIVE_TOPICS, TOPICS
from kit.messaging.kafka.outbox import OutboxLimits
from kit.messaging.kafka.sink import KafkaSink, KafkaSinkStats
from kit.messaging.kafka.source import KafkaSource, KafkaSourceStats

__all__ = [
    "ALL_TOPICS",
    "LIVE_TOPICS",
    "TOPICS",
    "KafkaSink",
    "KafkaSinkStats",
    "KafkaSource",
    "KafkaSourceStats",
    "OutboxLimits",
]
