"""What a service counts anyway, as Prometheus reads it; gathered when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from kit.monitoring.histogram import Histogram
from kit.monitoring.metrics import BY_NAME, COMMON_LABELS, Kind, Metric, Reading

_Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class ServiceCollector(Collector):
    """Asks a service for its readings at each scrape.

    Args:
        read: Gives the readings of now; called in the thread of the scrape.
        train_id: Which train.
        service: Which service.
    """

    def __init__(
        self, read: Callable[[], Iterable[Reading]], *, train_id: str, service: str
    ) -> None:
        self._read = read
        self._common = (train_id, service)

    def collect(self) -> Iterator[_Family]:
        """Return all metrics with their readings."""
        families: dict[str, _Family] = {}
        for reading in self._read():
            metric = BY_NAME[reading.metric]
            family = families.get(metric.name)
            if family is None:
                family = families[metric.name] = _family(metric)
            labels = [*self._common, *(reading.labels[name] for name in metric.labels)]
            if isinstance(family, HistogramMetricFamily):
                assert isinstance(reading.value, Histogram)
                family.add_metric(labels, reading.value.cumulative(), reading.value.sum_s)
            else:
                assert not isinstance(reading.value, Histogram)
                family.add_metric(labels, reading.value)
        yield from families.values()

    def describe(self) -> list[_Family]:
        """Return nothing: what is exported depends on what the service does."""
        return []


def registry_of(collector: Collector) -> CollectorRegistry:
    """Return a registry of its own for a service, with its process's figures besides."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def _family(metric: Metric) -> _Family:
    labels = (*COMMON_LABELS, *metric.labels)
    if metric.kind is Kind.COUNTER:
        return CounterMetricFamily(metric.name.removesuffix("_total"), metric.help, labels=labels)
    if metric.kind is Kind.HISTOGRAM:
        return HistogramMetricFamily(metric.name, metric.help, labels=labels)
    return GaugeMetricFamily(metric.name, metric.help, labels=labels)
