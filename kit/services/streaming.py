"""Streaming: every event of the train goes on to Kafka, for consoles far away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from kit.errors import ConfigError
from kit.events import Event, Frame
from kit.messaging.kafka import KafkaSink
from kit.services.base import STEP_TIMEOUT_S, Service, ServiceParameters


class StreamingParameters(ServiceParameters):
    """Parameters of the streaming service; where Kafka is, the environment tells."""


class StreamingService(Service[StreamingParameters]):
    """Hands MQTT's events to Kafka without ever making MQTT wait."""

    name: ClassVar[str] = "streaming"
    parameters_type: ClassVar[type[ServiceParameters]] = StreamingParameters

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the connection to Kafka and the subscription to the train's events."""
        if self.settings.kafka_bootstrap is None:
            raise ConfigError(
                "The service 'streaming' knows no Kafka cluster",
                expected="the environment variable KIT_KAFKA_BOOTSTRAP, such as 127.0.0.1:9092",
                fix="run it through 'kit demo' or a notebook, which start one, or name yours",
            )
        folder = self.settings.spool_dir or self.settings.runs_dir
        spool = folder / f"spool-{self.parameters.train_id}.sqlite"
        with KafkaSink(
            self.settings.kafka_bootstrap, settings=self.settings, spool=spool
        ) as self._sink:
            self.client.subscribe(f"train/{self.parameters.train_id}/#", self._receive)
            yield

    def _receive(self, event: Event, _received_ns: int) -> None:
        if not self._sink.send(event):
            self.count("dropped")
        else:
            self.count("frames" if isinstance(event, Frame) else "events")

    def step(self) -> None:
        """Wait: the work is done as events arrive."""
        self._ended.wait(STEP_TIMEOUT_S)

    def numbers(self) -> dict[str, int | float | str]:
        """Return what was handed to Kafka, what it acknowledged and what was dropped."""
        return {
            **{name: self.counters.get(name, 0) for name in ("frames", "events", "dropped")},
            "acknowledged": self._sink.stats.acknowledged,
            "waiting": self._sink.stats.waiting,
            "kafka": self.settings.kafka_bootstrap or "",
        }
