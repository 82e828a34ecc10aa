"""What sink and source share: how to reach a cluster, and the topics that must be there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from kit.config import Settings
from kit.errors import BrokerError, ConfigError
from kit.messaging.bindings import (
    EVENTS_TOPIC,
    FRAMES_TOPIC,
    LATE_FRAMES_TOPIC,
    LIVE_TOPIC,
)
from kit.reasons import Reason

TOPICS = (FRAMES_TOPIC, EVENTS_TOPIC)
"""Topics that tell what happened: every event, in order, and the frames that came at once."""

LIVE_TOPICS = (*TOPICS, LIVE_TOPIC)
"""Topics for who wants to see what happens now, even while events are being caught up."""

ALL_TOPICS = (*LIVE_TOPICS, LATE_FRAMES_TOPIC)
"""All Kafka topics of the kit."""

CONNECT_TIMEOUT_S = 10.0
"""How long the cluster may take to answer, seconds."""

FRAMES_KEPT_MS = 3_600_000
"""How long a cluster that keeps time limits keeps frames and copies: one hour, milliseconds."""

SETUP_TIMEOUT_MS = 2000
"""How long a connection may take to be made before it is tried anew, milliseconds.

After an absence TCP itself tries ever more rarely; who tries anew is back sooner.
"""

client_logger = logging.getLogger("kit.messaging.kafka.client")
"""Gets librdkafka's own messages, which would else go to standard error."""


def client_config(bootstrap: str, settings: Settings) -> dict[str, Any]:
    """Return librdkafka's properties for a cluster.

    Args:
        bootstrap: ``host:port``, comma-separated.
        settings: Security protocol, SASL and certificate authority.

    Raises:
        ConfigError: If SASL is asked for without a mechanism, user and password.
    """
    config: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "client.id": "runaway-train-kit",
        "security.protocol": settings.kafka_security,
        "socket.nagle.disable": True,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 500,
        "socket.connection.setup.timeout.ms": SETUP_TIMEOUT_MS,
        "socket.keepalive.enable": True,
    }
    if settings.kafka_ca_file is not None:
        config["ssl.ca.location"] = str(settings.kafka_ca_file)
    if settings.kafka_security.startswith("SASL"):
        config |= _sasl(settings)
    return config


def _sasl(settings: Settings) -> dict[str, str]:
    mechanism, user, password = (
        settings.kafka_sasl_mechanism,
        settings.kafka_username,
        settings.kafka_password,
    )
    if mechanism is None or user is None or password is None:
        raise ConfigError(
            f"KIT_KAFKA_SECURITY is {settings.kafka_security}, but not all of SASL is given",
            expected="KIT_KAFKA_SASL_MECHANISM, KIT_KAFKA_USERNAME and KIT_KAFKA_PASSWORD",
        )
    return {
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": password.get_secret_value(),
    }


def build_producer(config: dict[str, Any]) -> Producer:
    """Build a producer that after an absence goes straight back to the brokers that it knew.

    To ask the bootstrap servers anew, as librdkafka does unless told, takes it a second and more.
    Who finds that a cluster is elsewhere builds another producer.

    Args:
        config: What :func:`client_config` returned, and the producer's own properties.

    Raises:
        ConfigError: If librdkafka does not take them.
    """
    try:
        return Producer(config | {"metadata.recovery.strategy": "none"}, logger=client_logger)
    except KafkaException as error:
        raise wrong_config(error) from error


def wrong_config(error: KafkaException) -> ConfigError:
    """Build the error for properties that librdkafka does not take."""
    return ConfigError("Kafka's client does not take these settings", got=_words(error))


def unreachable(bootstrap: str, error: Exception) -> BrokerError:
    """Build the error for a cluster that does not answer."""
    return BrokerError(
        Reason.KAFKA_AWAY.say(address=bootstrap),
        got=_words(error),
        fix="check that it runs, and KIT_KAFKA_BOOTSTRAP with its security settings",
    )


def ensure_topics(config: dict[str, Any], *, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
    """Create the kit's topics where they are missing; one partition keeps a train in order.

    Args:
        config: What :func:`client_config` returned.
        timeout_s: How long the cluster may take, seconds.

    Raises:
        KafkaException: If the cluster does not answer or refuses.
        TimeoutError: If it takes too long.
    """
    make_topics(admin_client(config), timeout_s=timeout_s)


def admin_client(config: dict[str, Any]) -> AdminClient:
    """Build a client for topics; who looks often keeps it.

    Args:
        config: What :func:`client_config` returned.
    """
    return AdminClient(config, logger=client_logger)


def make_topics(admin: AdminClient, *, timeout_s: float) -> None:
    """Create the kit's topics where they are missing.

    Args:
        admin: A client for topics.
        timeout_s: How long the cluster may take, seconds.

    Raises:
        KafkaException: If the cluster does not answer or refuses.
        TimeoutError: If it takes too long.
    """
    wanted = [
        NewTopic(
            topic,
            num_partitions=1,
            config={} if topic == EVENTS_TOPIC else {"retention.ms": str(FRAMES_KEPT_MS)},
        )
        for topic in ALL_TOPICS
    ]
    for future in admin.create_topics(wanted, request_timeout=timeout_s).values():
        error = future.exception(timeout_s + 1)
        if error is not None and not _exists_already(error):
            raise error


def describe_topics(
    config: dict[str, Any], topics: Sequence[str], *, timeout_s: float = CONNECT_TIMEOUT_S
) -> dict[str, tuple[str, list[int]]]:
    """Look topics up.

    Args:
        config: What :func:`client_config` returned.
        topics: Their names.
        timeout_s: How long the cluster may take, seconds.

    Returns:
        Id and partitions by name; a topic that was made anew has another id.

    Raises:
        KafkaException: If the cluster does not answer, or a topic is missing.
        TimeoutError: If it takes too long.
    """
    return look_up_topics(admin_client(config), topics, timeout_s=timeout_s)


def look_up_topics(
    admin: AdminClient, topics: Sequence[str], *, timeout_s: float
) -> dict[str, tuple[str, list[int]]]:
    """Look topics up, as :func:`describe_topics` does.

    Args:
        admin: A client for topics.
        topics: Their names.
        timeout_s: How long the cluster may take, seconds.
    """
    futures = admin.describe_topics(TopicCollection(list(topics)), request_timeout=timeout_s)
    found = {name: future.result(timeout_s + 1) for name, future in futures.items()}
    return {
        name: (str(topic.topic_id), [partition.id for partition in topic.partitions])
        for name, topic in found.items()
    }


def _exists_already(error: BaseException) -> bool:
    first = error.args[0] if error.args else None
    return isinstance(first, KafkaError) and first.code() == KafkaError.TOPIC_ALREADY_EXISTS


def _words(error: Exception) -> str:
    first = error.args[0] if error.args else "no answer in time"
    return str(first.str()) if isinstance(first, KafkaError) else str(first)
