"""The streaming service: nothing that it was given is lost, not even when it is killed."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from kit.child import Child
from kit.config import Settings
from kit.errors import ConfigError
from kit.events import Command, Event
from kit.messaging.bindings import EVENTS_TOPIC
from kit.messaging.kafka import KafkaSource
from kit.messaging.mqtt import MqttClient
from kit.services.streaming import StreamingParameters, StreamingService
from tests.event_strategies import a_command
from tests.waiting import PATIENCE_S, wait_until

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def settings(mqtt_url: str, tmp_path: Path) -> Settings:
    return Settings(mqtt_url=SecretStr(mqtt_url), kafka_bootstrap=NOWHERE, spool_dir=tmp_path)


def streaming(settings: Settings, train_id: str, **parameters: object) -> Child:
    values = json.dumps({"train_id": train_id, **parameters})
    argv = ["streaming", "--parameters", values]
    return Child.module("kit.services", *argv, name="streaming", env=settings.environment())


def test_killed_and_started_again_it_hands_on_what_came_before_meanwhile_and_after(
    settings: Settings, kafka_bootstrap: str, mqtt_url: str, train_id: str
) -> None:
    sent: list[Event] = []

    def publish(client: MqttClient, count: int) -> None:
        for _ in range(count):
            sent.append(a_command(train_id, reason=str(len(sent))))
            client.publish(sent[-1])
        assert client.flush(PATIENCE_S)

    with MqttClient(mqtt_url, service="outside", train_id=train_id) as client:
        counters: dict[str, int] = {}
        client.subscribe(
            f"train/{train_id}/alive/streaming",
            lambda event, _: counters.update(getattr(event, "counters", {})),
        )
        with streaming(settings, train_id) as child:
            child.ready(timeout_s=PATIENCE_S)
            publish(client, 30)  # to an outbox that Kafka takes nothing of
            wait_until(lambda: counters.get("waiting", 0) >= 30, "it has them")
            child.signal(signal.SIGKILL)
            wait_until(lambda: not child.alive, "it is dead")
        publish(client, 30)  # to nobody
        found: list[Event] = []
        online = settings.model_copy(update={"kafka_bootstrap": kafka_bootstrap})
        with (
            KafkaSource(kafka_bootstrap, settings=online, topics=[EVENTS_TOPIC]) as source,
            streaming(online, train_id) as child,
        ):
            child.ready(timeout_s=PATIENCE_S)
            publish(client, 30)

            def came() -> bool:
                item = source.poll(0.05)
                if item and isinstance(item[0], Command) and item[0].train_id == train_id:
                    found.append(item[0])
                return len(found) >= len(sent)

            wait_until(came, "all came")
    assert found == sent


def test_a_second_one_of_the_same_train_is_told_so(settings: Settings, train_id: str) -> None:
    first = StreamingService(StreamingParameters(train_id=train_id), settings=settings)
    thread = threading.Thread(target=first.run)
    thread.start()
    assert first.ready.wait(PATIENCE_S)
    second = StreamingService(StreamingParameters(train_id=train_id), settings=settings)
    with pytest.raises(ConfigError, match="one streaming service a train"):
        second.run()
    assert first.client.stats.connected
    first.stop()
    thread.join()


def test_its_signs_of_life_tell_what_waits(
    settings: Settings, mqtt_url: str, train_id: str
) -> None:
    service = StreamingService(StreamingParameters(train_id=train_id), settings=settings)
    thread = threading.Thread(target=service.run)
    thread.start()
    assert service.ready.wait(PATIENCE_S)
    with MqttClient(mqtt_url, service="outside", train_id=train_id) as client:
        client.publish(a_command(train_id))
        wait_until(lambda: service.counters.get("waiting", 0) >= 1, "it waits")
    assert service.counters["lost"] == 0
    assert not service.sink_stats.connected
    service.stop()
    thread.join()
