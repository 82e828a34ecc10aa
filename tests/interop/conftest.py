"""The older demo's side: a client that speaks MQTT 3.1.1 as theirs do, and knows no kit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr

from kit.config import Settings
from kit.errors import KitError
from kit.events import Event
from kit.interop.bridge import Bridge
from kit.interop.roles import Older
from kit.messaging.mqtt import MqttClient
from kit.messaging.url import BrokerUrl
from tests.messaging.servers import Mosquitto
from tests.waiting import PATIENCE_S, wait_until


class Theirs:
    """A service of the older demo."""

    def __init__(self, url: str) -> None:
        broker = BrokerUrl.parse(url)
        self.got: list[tuple[str, bytes]] = []
        self._subscribed = threading.Semaphore(0)
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self.client.username_pw_set(broker.username, broker.password)
        self.client.on_message = lambda _c, _d, m: self.got.append((m.topic, bytes(m.payload)))
        self.client.on_subscribe = lambda *_: self._subscribed.release()
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        wait_until(self.client.is_connected, "theirs is connected")

    def listen(self, topic: str) -> None:
        self.client.subscribe(topic)
        assert self._subscribed.acquire(timeout=PATIENCE_S)

    def say(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload).wait_for_publish(PATIENCE_S)

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for where, payload in list(self.got) if where == topic]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Ours:
    """A program of the kit that publishes, and keeps what it hears."""

    def __init__(self, client: MqttClient) -> None:
        self.client = client
        self.got: list[Event] = []
        client.subscribe(f"train/{client.train_id}/#", lambda event, _ns: self.got.append(event))

    def heard(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in list(self.got) if isinstance(event, kinds)]


@pytest.fixture(scope="module")
def mqtt_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker that speaks both versions of MQTT: theirs speak 3.1.1, and the embedded one 5."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), "allow_anonymous true") as broker:
        yield broker.url


@pytest.fixture
def settings(mqtt_url: str, kafka_bootstrap: str) -> Settings:
    return Settings(
        mqtt_url=SecretStr(mqtt_url), kafka_bootstrap=kafka_bootstrap, arm_key=SecretStr("key")
    )


@pytest.fixture
def theirs(mqtt_url: str) -> Iterator[Theirs]:
    service = Theirs(mqtt_url)
    yield service
    service.close()


@pytest.fixture
def ours(mqtt_url: str, train_id: str) -> Iterator[Ours]:
    with MqttClient(mqtt_url, service="outside", train_id=train_id) as client:
        yield Ours(client)


@pytest.fixture
def bridged(settings: Settings, train_id: str) -> Callable[..., object]:
    """Returns a context manager in which some services are theirs."""

    @contextmanager
    def bridge(*services: Older, **options: str) -> Iterator[Bridge]:
        made = Bridge(services, train_id=train_id, settings=settings, **options)
        ready = threading.Event()
        failed: list[KitError] = []

        def run() -> None:
            try:
                made.run(once_ready=ready.set)
            except KitError as error:
                failed.append(error)
                ready.set()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert ready.wait(PATIENCE_S)
            assert not failed, failed
            yield made
        finally:
            made.stop()
            thread.join()

    return bridge
