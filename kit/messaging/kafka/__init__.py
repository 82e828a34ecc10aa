"""Events to and from Kafka; nothing here makes the train wait."""

from __future__ import annotations

from kit.messaging.kafka.sink import KafkaSink, KafkaSinkStats
from kit.messaging.kafka.source import KafkaSource, KafkaSourceStats

__all__ = ["KafkaSink", "KafkaSinkStats", "KafkaSource", "KafkaSourceStats"]
