"""The brokers, by a message that goes there and comes back."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING

from kit.config import Settings
from kit.errors import BrokerError
from kit.events import Alive, Event
from kit.presenting.check import Check, State, Wanted

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer

SERVICE = "doctor"
"""Name under which the doctor is seen on MQTT while it looks."""

TOPIC = "kit.doctor"
"""Kafka topic of the doctor's message; no program of the kit reads it."""

ROUND_TRIP_S = 10.0
"""How long reaching a broker may take, and a message there and back, seconds."""

ROUNDS = 3
"""Messages to Kafka, one after the other; the first ones set the connections up."""

KEPT_MS = 60_000
"""How long a cluster keeps the doctor's messages, milliseconds."""

SLOW_MS = 250.0
"""Round trip above which the show will be seen to lag, milliseconds."""


def check_mqtt(_wanted: Wanted, settings: Settings) -> Check:
    """Send a sign of life through the MQTT broker, and wait for it to come back."""
    from kit.messaging.brokers import embedded_mqtt
    from kit.messaging.mqtt import MqttClient

    with ExitStack() as stack:
        if settings.mqtt_url is None:
            url, whose = stack.enter_context(embedded_mqtt()).url, "the kit's own broker"
        else:
            url, whose = settings.mqtt_url.get_secret_value(), "the broker"
        nonce, came = uuid.uuid4().hex, threading.Event()

        def receive(event: Event, _received_ns: int) -> None:
            if isinstance(event, Alive) and event.detail == nonce:
                came.set()

        client = MqttClient(
            url, service=SERVICE, train_id=settings.train_id, ca_file=settings.mqtt_ca_file
        )
        client.start(timeout_s=ROUND_TRIP_S)
        stack.callback(client.stop)
        client.subscribe(f"train/{settings.train_id}/alive/{SERVICE}", receive)
        began_s = time.perf_counter()
        client.publish(Alive(train_id=settings.train_id, service=SERVICE, detail=nonce))
        if not came.wait(ROUND_TRIP_S):
            raise BrokerError(
                f"A message to the MQTT broker at {client.address} did not come back",
                expected=f"it within {ROUND_TRIP_S:g} s",
                fix="let the user of KIT_MQTT_URL read and write train/#",
            )
        took_ms = (time.perf_counter() - began_s) * 1e3
        return _judge("mqtt", took_ms, f"{whose} at {client.address}")


def check_kafka(_wanted: Wanted, settings: Settings) -> Check:
    """Write a message to Kafka, and read it from there."""
    from kit.messaging.brokers import embedded_kafka

    with ExitStack() as stack:
        if settings.kafka_bootstrap is None:
            bootstrap = stack.enter_context(embedded_kafka()).bootstrap
            settings, whose = Settings(kafka_security="PLAINTEXT"), "the kit's own broker"
        else:
            bootstrap, whose = settings.kafka_bootstrap, "the cluster"
        return _judge("kafka", _kafka_ms(bootstrap, settings), f"{whose} at {bootstrap}")


def _judge(name: str, took_ms: float, where: str) -> Check:
    detail = f"a message went through {where} and back in {took_ms:.1f} ms"
    if took_ms > SLOW_MS:
        return Check(name, State.WARNING, detail, "use a cable, or a broker that is closer")
    return Check(name, State.FINE, detail)


def _kafka_ms(bootstrap: str, settings: Settings) -> float:
    """Return how long a message took to Kafka and back, milliseconds.

    The partition is assigned, not asked for by a group: a group's first assignment takes up to
    15 s on the embedded broker.
    """
    from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

    from kit.messaging.kafka.cluster import client_config, client_logger, unreachable, wrong_config

    config = client_config(bootstrap, settings)
    try:
        producer = Producer(config | {"linger.ms": 0}, logger=client_logger)
        consumer = Consumer(
            config | {"group.id": f"{TOPIC}-{uuid.uuid4().hex[:8]}", "enable.auto.commit": False},
            logger=client_logger,
        )
    except KafkaException as error:
        raise wrong_config(error) from error
    try:
        _ensure_topic(config)
        place = TopicPartition(TOPIC, 0)
        _, newest = consumer.get_watermark_offsets(place, timeout=ROUND_TRIP_S)
        consumer.assign([TopicPartition(TOPIC, 0, newest)])
        consumer.poll(0)
        return [_round(producer, consumer, bootstrap) for _ in range(ROUNDS)][-1]
    except (KafkaException, TimeoutError) as error:
        raise unreachable(bootstrap, error) from error
    finally:
        producer.purge()
        consumer.close()


def _round(producer: Producer, consumer: Consumer, bootstrap: str) -> float:
    """Send one message and wait for it; return how long it took, milliseconds."""
    nonce = uuid.uuid4().bytes
    began_s = time.perf_counter()
    producer.produce(TOPIC, nonce, partition=0)
    deadline_s = time.monotonic() + ROUND_TRIP_S
    while time.monotonic() < deadline_s:
        producer.poll(0)
        message = consumer.poll(0.5)
        if message is not None and message.error() is None and message.value() == nonce:
            return (time.perf_counter() - began_s) * 1e3
    raise BrokerError(
        f"A message to Kafka at {bootstrap} did not come back",
        expected=f"it within {ROUND_TRIP_S:g} s",
        fix=f"let the user read and write the topic '{TOPIC}', as well as kit.*",
    )


def _ensure_topic(config: dict[str, object]) -> None:
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

    from kit.messaging.kafka.cluster import admin_client

    topic = NewTopic(TOPIC, num_partitions=1, config={"retention.ms": str(KEPT_MS)})
    admin = admin_client(config)  # kept: without it its answers are lost
    try:
        admin.create_topics([topic], request_timeout=ROUND_TRIP_S)[TOPIC].result(ROUND_TRIP_S + 1)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
