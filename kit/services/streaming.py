"""Streaming: every event of the train goes on to Kafka, for consoles far away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar

from pydantic import Field

from kit.config import Settings
from kit.errors import ConfigError
from kit.events import Alive, Event, Frame
from kit.messaging.bindings import ContentMode
from kit.messaging.kafka import KafkaSink, KafkaSinkStats, OutboxLimits
from kit.monitoring.metrics import Reading
from kit.services.base import STEP_TIMEOUT_S, Service, ServiceParameters, Snapshot, Summary
from kit.services.thinning import OUTCOMES, Thinned, Thinner

SESSION_S = 3600
"""How long the MQTT broker keeps what comes while this service is away, seconds."""

_OUTCOMES = ("acknowledged", "thinned", "lost", "refused", "dropped")
_TOLD = ("acknowledged", "waiting", "thinned", "lost", "refused")


class StreamingParameters(ServiceParameters):
    """Parameters of the streaming service; where Kafka is, the environment tells.

    Attributes:
        content_mode: How events are written to Kafka: ``binary``, or ``structured`` for
            consumers that want each event as one JSON document.
        outbox_mb: How much of what Kafka has not acknowledged is kept on disk, megabytes.
        image_age_h: How long frames are kept there, hours.
        event_age_h: How long events are kept there, hours.
        adaptive: Whether live pictures get smaller and fewer when the link to Kafka asks for it.
    """

    content_mode: ContentMode = ContentMode.BINARY
    outbox_mb: Annotated[int, Field(ge=10)] = 1000
    image_age_h: Annotated[float, Field(gt=0)] = 6.0
    event_age_h: Annotated[float, Field(gt=0)] = 168.0
    adaptive: bool = True


class StreamingService(Service[StreamingParameters]):
    """Hands MQTT's events to Kafka without ever making MQTT wait.

    Each is on disk before MQTT is told that it was received, and the broker keeps what comes
    while the service is away: so neither is anything lost when it is killed.

    Live pictures follow what Kafka takes; which step is in force is told in the signs of life.
    """

    name: ClassVar[str] = "streaming"
    parameters_type: ClassVar[type[ServiceParameters]] = StreamingParameters
    session_s: ClassVar[int] = SESSION_S
    work: ClassVar[str] = "event to send on"

    def __init__(
        self, parameters: StreamingParameters, *, settings: Settings | None = None
    ) -> None:
        super().__init__(parameters, settings=settings)
        self._thinner = Thinner()
        self._thinning = False

    def run(
        self,
        *,
        show: Callable[[Snapshot], None] | None = None,
        once_ready: Callable[[], None] | None = None,
    ) -> Summary:
        """Work until ``seconds`` have passed, SIGTERM, SIGINT or ``stop``; see ``Service.run``."""
        # First of all: a second service of this train ends here, before it takes over the session.
        with self._open_sink() as self._sink:
            # Before there is a connection: what the broker has kept for us comes with it.
            self.client.subscribe(f"train/{self.parameters.train_id}/#", self._receive)
            return super().run(show=show, once_ready=once_ready)

    def _open_sink(self) -> KafkaSink:
        if self.settings.kafka_bootstrap is None:
            raise ConfigError(
                "The service 'streaming' knows no Kafka cluster",
                expected="the environment variable KIT_KAFKA_BOOTSTRAP, such as 127.0.0.1:9092",
                fix="run it through 'kit demo' or a notebook, which start one, or name yours",
            )
        folder = self.settings.spool_dir or self.settings.runs_dir
        asked = self.parameters
        return KafkaSink(
            self.settings.kafka_bootstrap,
            settings=self.settings,
            outbox=folder / f"outbox-{asked.train_id}.sqlite",
            limits=OutboxLimits(
                max_bytes=asked.outbox_mb * 1_000_000,
                image_age_s=asked.image_age_h * 3600,
                event_age_s=asked.event_age_h * 3600,
            ),
            mode=asked.content_mode,
            on_answer=self._thinner.answered,
        )

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold nothing more: :meth:`run` holds the outbox and the subscription."""
        yield

    @property
    def sink_stats(self) -> KafkaSinkStats:
        """What was counted on the way to Kafka."""
        return self._sink.stats

    def _receive(self, event: Event, _received_ns: int) -> None:
        how = Thinned()
        if isinstance(event, Frame) and self.parameters.adaptive:
            how = self._thinner.thin(event)
            self._thinning = True
        if not self._sink.send(event, smaller=how.smaller, later=how.later):
            self.count("dropped")
        else:
            self.count("frames" if isinstance(event, Frame) else "events")
        self.worked()

    def step(self) -> None:
        """Tell what waits, and let the pictures follow the link; events are sent as they come."""
        stats = self._sink.stats
        self.counters.update({name: getattr(stats, name) for name in _TOLD})
        changed = self.parameters.adaptive and self._thinner.judge(
            oldest_s=self._sink.oldest_s, events_waiting=stats.events_waiting
        )
        if changed:
            self._sink.late_held = self._thinner.index > 0
            self.client.publish(self._alive())
        self._ended.wait(STEP_TIMEOUT_S)

    def _alive(self, **changes: Any) -> Alive:
        pictures = self._thinner.quality() if self._thinning else None
        return super()._alive(pictures=pictures, **changes)

    def readings(self) -> Iterator[Reading]:
        """Yield also what became of the events, and what waits."""
        yield from super().readings()
        stats = self._sink.stats
        yield Reading("kit_kafka_connected", float(stats.connected))
        for outcome in _OUTCOMES:
            yield Reading("kit_kafka_events_total", getattr(stats, outcome), {"outcome": outcome})
        yield Reading("kit_outbox_events", stats.events_waiting, {"shelf": "events"})
        yield Reading("kit_outbox_events", stats.images_waiting, {"shelf": "images"})
        yield Reading("kit_outbox_bytes", stats.outbox_bytes)
        yield Reading("kit_live_picture_step", self._thinner.index)
        for outcome in OUTCOMES:
            count = self._thinner.counts[outcome]
            yield Reading("kit_live_pictures_total", count, {"outcome": outcome})
        yield Reading("kit_live_picture_bytes_total", self._thinner.counts["bytes"])
        for direction in ("down", "up"):
            changes = self._thinner.changes[direction]
            yield Reading("kit_live_picture_changes_total", changes, {"direction": direction})

    def troubles(self) -> list[str]:
        """Return also whether Kafka is away."""
        found, stats = super().troubles(), self._sink.stats
        if not stats.connected:
            found.append(f"Kafka does not answer; {stats.waiting} events and frames wait")
        return found

    def numbers(self) -> dict[str, int | float | str]:
        """Return what was handed to Kafka, what it acknowledged and what was dropped."""
        return {
            **{name: self.counters.get(name, 0) for name in ("frames", "events", "dropped")},
            "acknowledged": self._sink.stats.acknowledged,
            "waiting": self._sink.stats.waiting,
            "live pictures": self._thinner.words(),
            "kafka": self.settings.kafka_bootstrap or "",
        }
