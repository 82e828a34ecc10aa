"""The metrics that the services export: one list, from which the code and the docs take them.

``python -m kit.monitoring.metrics`` prints the table of docs/metrics.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from kit.monitoring.histogram import Histogram

SERVICES = ("capture", "inference", "decision", "control", "streaming")
"""The services in the order of the flow, and of their ports."""

COMMON_LABELS = ("train", "service")
"""Labels that every metric of the kit has."""


class Kind(StrEnum):
    """Types of metrics, in Prometheus's words."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: As it is exported, unit included.
        kind: Its type.
        help: What it says, in one sentence without a full stop.
        labels: Its own labels, besides `COMMON_LABELS`.
        services: Who exports it; all if empty.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


class Reading(NamedTuple):
    """What a metric is now, for one set of labels."""

    metric: str
    value: float | Histogram
    labels: Mapping[str, str] = {}


@dataclass(frozen=True)
class Counted:
    """Which metric one of a service's counters is.

    Attributes:
        metric: Name of the metric.
        labels: Its labels.
    """

    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)


_FLOW = ("capture", "inference", "decision", "control")
_INFERENCE, _CONTROL, _STREAMING = ("inference",), ("control",), ("streaming",)


def _gauge(name: str, text: str, *, labels: tuple[str, ...] = (), of: tuple[str, ...]) -> Metric:
    return Metric(name, Kind.GAUGE, text, labels, of)


def _counter(name: str, text: str, *, labels: tuple[str, ...] = (), of: tuple[str, ...]) -> Metric:
    return Metric(name, Kind.COUNTER, text, labels, of)


METRICS: tuple[Metric, ...] = (
    _gauge("kit_service_info", "1; its label is the kit's version", labels=("version",), of=()),
    _gauge("kit_service_healthy", "1 if the service does its work, as at /healthz, else 0", of=()),
    _gauge("kit_service_uptime_seconds", "Time since the service began its work", of=()),
    _gauge("kit_mqtt_connected", "1 if the MQTT broker is there, else 0", of=()),
    _counter("kit_mqtt_published_total", "Events handed to the MQTT broker", of=()),
    _counter("kit_mqtt_received_total", "Events received from the MQTT broker", of=()),
    _counter(
        "kit_mqtt_dropped_total",
        "Events not sent: no broker, or the frame before on its way",
        of=(),
    ),
    _counter("kit_mqtt_rejected_total", "Messages that were no valid event", of=()),
    _counter("kit_mqtt_refused_total", "What the MQTT broker refused", of=()),
    _counter("kit_mqtt_handler_failures_total", "Events whose handling failed", of=()),
    _counter("kit_mqtt_reconnects_total", "How often a lost MQTT connection came back", of=()),
    Metric(
        "kit_stage_duration_seconds",
        Kind.HISTOGRAM,
        "Time that a frame took to reach a stage from the one before",
        ("stage",),
        _FLOW,
    ),
    Metric(
        "kit_frame_latency_seconds",
        Kind.HISTOGRAM,
        "Time from a frame's capture until the controller acted on its command",
        (),
        _CONTROL,
    ),
    _counter("kit_frames_captured_total", "Frames captured", of=("capture",)),
    _counter(
        "kit_pictures_withheld_total",
        "Pictures not published: a live camera repeats itself or shows nothing",
        of=("capture",),
    ),
    _counter("kit_predictions_total", "Frames that the model looked at", of=_INFERENCE),
    _counter("kit_detections_total", "Signs that the model saw", of=_INFERENCE),
    _counter(
        "kit_frames_dropped_total",
        "Frames that the model did not look at",
        labels=("reason",),
        of=_INFERENCE,
    ),
    _gauge(
        "kit_model_info",
        "1; its labels are the model in use and where it runs",
        labels=("model", "provider"),
        of=_INFERENCE,
    ),
    _counter(
        "kit_model_changes_total",
        "Models that were promoted and tried, by what became of them",
        labels=("outcome",),
        of=_INFERENCE,
    ),
    _counter(
        "kit_harvest_frames_total",
        "Frames that the harvest judged, by what became of them",
        labels=("outcome",),
        of=_INFERENCE,
    ),
    _gauge(
        "kit_drift_index",
        "Population stability index of a figure against its reference",
        labels=("figure",),
        of=_INFERENCE,
    ),
    _gauge(
        "kit_figure_mean",
        "Mean of a figure over the last frames",
        labels=("figure",),
        of=_INFERENCE,
    ),
    _counter("kit_decisions_total", "Predictions decided on", of=("decision",)),
    _counter("kit_decision_changes_total", "Decisions unlike the one before", of=("decision",)),
    _counter(
        "kit_predictions_dropped_total", "Predictions overtaken by newer ones", of=("decision",)
    ),
    _counter("kit_commands_received_total", "Commands that reached the controller", of=_CONTROL),
    _counter("kit_states_total", "States that the controller told", of=_CONTROL),
    _counter("kit_hub_losses_total", "How often the link to the hub was lost", of=_CONTROL),
    _gauge("kit_hub_connected", "1 if there is a link to the hub, else 0", of=_CONTROL),
    _gauge(
        "kit_train_motion",
        "1 for the controller's state, 0 for each other one",
        labels=("motion",),
        of=_CONTROL,
    ),
    _gauge("kit_train_latched", "1 if the train stands until it is armed, else 0", of=_CONTROL),
    _gauge("kit_motor_power_ratio", "Motor power set, -1 to 1", of=_CONTROL),
    _gauge("kit_battery_ratio", "The hub's battery, 0 to 1, once it has told", of=_CONTROL),
    _gauge("kit_battery_volts", "The hub's voltage, once it has told", of=_CONTROL),
    _gauge("kit_hub_signal_dbm", "Strength of the Bluetooth signal, once it is known", of=_CONTROL),
    _counter(
        "kit_kafka_events_total",
        "Events and frames for Kafka, by what became of them",
        labels=("outcome",),
        of=_STREAMING,
    ),
    _gauge("kit_kafka_connected", "1 if Kafka answers, else 0", of=_STREAMING),
    _gauge(
        "kit_outbox_events",
        "What waits on disk until Kafka acknowledges it",
        labels=("shelf",),
        of=_STREAMING,
    ),
    _gauge("kit_outbox_bytes", "What that takes", of=_STREAMING),
    _gauge(
        "kit_live_picture_step",
        "How far live pictures are thinned for the link: 0 for not at all",
        of=_STREAMING,
    ),
    _counter(
        "kit_live_pictures_total",
        "Pictures for the live lane, by what became of them",
        labels=("outcome",),
        of=_STREAMING,
    ),
    _counter(
        "kit_live_picture_bytes_total", "Bytes of live pictures that Kafka took", of=_STREAMING
    ),
    _counter(
        "kit_live_picture_changes_total",
        "Steps by which live pictures were thinned and restored",
        labels=("direction",),
        of=_STREAMING,
    ),
)
"""All metrics of the kit."""

BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in METRICS}
"""The same by name."""


def table() -> str:
    """Return the metrics as a table in Markdown."""
    rows = ["| metric | type | labels | exported by | says |", "|---|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        services = ", ".join(metric.services) or "all"
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {services} | {metric.help} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
