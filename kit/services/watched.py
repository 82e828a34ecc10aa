"""What a monitor may read of a service: its counters, its stages, and whether it does its work."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from kit import __version__
from kit.events import Stage
from kit.messaging.mqtt import MqttClient
from kit.monitoring.exporter import Exporter
from kit.monitoring.histogram import Histogram
from kit.monitoring.metrics import Counted, Reading

IDLE_S = 3.0
"""A service that has not done its work for this long is not healthy, seconds."""


class Watched(ABC):
    """The part of a service that a monitor looks at; see :class:`kit.services.base.Service`."""

    name: ClassVar[str]
    counted: ClassVar[Mapping[str, Counted]] = {}
    """Which of the counters a monitor may read, and as what."""
    work: ClassVar[str] = "step"
    """What the service makes, for the sentence that says that it makes none."""

    client: MqttClient
    counters: dict[str, int]
    ready: threading.Event

    def __init__(self) -> None:
        self._worked_s = 0.0
        self._stages: dict[Stage, Histogram] = {}
        self._exporter: Exporter | None = None

    @property
    @abstractmethod
    def elapsed_s(self) -> float:
        """Seconds since the service began to work."""

    @property
    @abstractmethod
    def ending(self) -> bool:
        """Whether the end was asked for."""

    def worked(self) -> None:
        """Note that a piece of work was done; a service that does none is not healthy."""
        self._worked_s = time.monotonic()

    def took(self, stage: Stage, duration_ns: int) -> None:
        """Note how long a frame took to reach a stage from the one before, nanoseconds."""
        self._stages.setdefault(stage, Histogram()).observe(duration_ns / 1e9)

    def readings(self) -> Iterator[Reading]:
        """Yield what a monitor may read now, in a thread of its own. Override to add."""
        yield Reading("kit_service_info", 1, {"version": __version__})
        yield Reading("kit_service_healthy", float(not self.troubles()))
        yield Reading("kit_service_uptime_seconds", self.elapsed_s)
        mqtt = self.client.stats
        yield Reading("kit_mqtt_connected", float(mqtt.connected))
        yield Reading("kit_mqtt_handler_failures_total", mqtt.failed)
        for name in ("published", "received", "dropped", "rejected", "refused", "reconnects"):
            yield Reading(f"kit_mqtt_{name}_total", getattr(mqtt, name))
        counters = dict(self.counters)
        for name, counted in self.counted.items():
            yield Reading(counted.metric, counters.get(name, 0), counted.labels)
        for stage, durations in list(self._stages.items()):
            yield Reading("kit_stage_duration_seconds", durations, {"stage": stage})

    def troubles(self) -> list[str]:
        """Return why the service does not do its work now; empty if it does. Override to add."""
        found = [] if self.client.stats.connected else ["no connection to the MQTT broker"]
        if not self.ready.is_set():
            return [*found, "it has not begun its work"]
        if self.ending:
            return [*found, "it has ended"]
        idle_s = min(self.elapsed_s, time.monotonic() - self._worked_s)
        if idle_s > IDLE_S:
            found.append(f"no {self.work} for {idle_s:.0f} s")
        return found

    @property
    def metrics_port(self) -> int | None:
        """Port of 127.0.0.1 on which the metrics are; None if nobody asked for them."""
        return self._exporter.port if self._exporter else None

    @property
    def metrics_url(self) -> str:
        """Address of the metrics; empty if nobody asked for them."""
        return self._exporter.url if self._exporter else ""

    @contextmanager
    def exporting(self, first_port: int | None) -> Iterator[None]:
        """Let a monitor read how the service does.

        Args:
            first_port: As in :class:`~kit.monitoring.exporter.Exporter`; None for no monitor.
        """
        if first_port is None:
            yield
            return
        with Exporter(
            self.readings,
            self.troubles,
            train_id=self.client.train_id,
            service=self.name,
            first_port=first_port,
        ) as exporter:
            self._exporter = exporter
            try:
                yield
            finally:
                self._exporter = None
