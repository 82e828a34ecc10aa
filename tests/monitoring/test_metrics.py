"""The list of metrics: its names follow the conventions, and the docs say the same."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from kit.events import Motion, TrainState
from kit.monitoring.collector import ServiceCollector, registry_of
from kit.monitoring.histogram import BUCKETS_S, Histogram
from kit.monitoring.metrics import COMMON_LABELS, METRICS, SERVICES, Kind, Metric, Reading, table
from kit.monitoring.train import train_readings
from kit.services.catalogue import SERVICES as CATALOGUE
from kit.services.catalogue import service_class
from tests.monitoring.scraping import accepted_by_promtool

DOCS = Path(__file__).parents[2] / "docs/metrics.md"


def exported(*readings: Reading) -> str:
    collector = ServiceCollector(lambda: readings, train_id="t", service="s")
    return generate_latest(registry_of(collector)).decode()


def an_example(metric: Metric) -> Reading:
    labels = dict.fromkeys(metric.labels, "x")
    durations = Histogram()
    durations.observe(0.012)
    return Reading(metric.name, durations if metric.kind is Kind.HISTOGRAM else 1, labels)


def test_the_docs_have_exactly_the_metrics_that_there_are() -> None:
    assert table() in DOCS.read_text(encoding="utf-8"), "run: python -m kit.monitoring.metrics"


def test_names_come_once_and_are_of_the_kit() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"kit_[a-z]+(_[a-z]+)*", name) for name in names)


def test_only_counters_end_in_total() -> None:
    assert all(m.name.endswith("_total") == (m.kind is Kind.COUNTER) for m in METRICS)


def test_durations_are_in_seconds_and_shares_are_ratios() -> None:
    assert not [m.name for m in METRICS if re.search(r"_(ms|milliseconds|percent)\b", m.name)]
    assert all(m.name.endswith("_seconds") for m in METRICS if m.kind is Kind.HISTOGRAM)


def test_promtool_accepts_every_metric_that_there_is() -> None:
    accepted_by_promtool(exported(*(an_example(metric) for metric in METRICS)))


def test_the_services_are_those_of_the_catalogue_in_its_order() -> None:
    assert SERVICES == CATALOGUE


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_counts_is_a_counter_of_that_service(name: str) -> None:
    by_name = {metric.name: metric for metric in METRICS}
    for counted in service_class(name).counted.values():
        metric = by_name[counted.metric]
        assert metric.kind is Kind.COUNTER
        assert set(metric.labels) == set(counted.labels)
        assert metric.services == (name,)


def test_every_sample_names_its_train_and_its_service() -> None:
    text = exported(Reading("kit_battery_ratio", 0.8))
    assert 'kit_battery_ratio{service="s",train="t"} 0.8' in text
    assert COMMON_LABELS == ("train", "service")


def test_a_process_tells_of_itself_too() -> None:
    assert "process_cpu_seconds_total" in exported()


def test_a_duration_counts_in_each_bucket_that_holds_it() -> None:
    durations = Histogram()
    for seconds in (0.0005, 0.0006, 0.07, 5.0):
        durations.observe(seconds)
    counts = dict(durations.cumulative())
    assert counts["0.0005"] == 1
    assert counts["0.001"] == 2
    assert counts["0.06"] == 2
    assert counts["0.08"] == 3
    assert counts["1.0"] == 3
    assert counts["+Inf"] == 4
    assert durations.sum_s == pytest.approx(5.0711)


def test_the_buckets_rise_and_cover_what_the_kit_promises() -> None:
    assert all(a < b for a, b in pairwise(BUCKETS_S))
    assert {0.02, 0.06, 0.08, 0.15, 0.25} <= set(BUCKETS_S)


def test_what_a_hub_has_not_told_is_left_out() -> None:
    state = TrainState(train_id="t", motion=Motion.STOPPED, reason="new", latched=True)
    names = {reading.metric for reading in train_readings(state)}
    assert "kit_train_latched" in names
    assert names & {"kit_battery_ratio", "kit_battery_volts", "kit_hub_signal_dbm"} == set()


def test_a_state_is_one_of_all_motions() -> None:
    state = TrainState(
        train_id="t",
        motion=Motion.SLOWED,
        reason="r",
        latched=False,
        power_percent=-35,
        battery_percent=62,
        voltage_v=7.9,
        rssi_dbm=-61,
    )
    found = [(r.metric, r.value, dict(r.labels)) for r in train_readings(state)]
    motions = {labels["motion"]: value for name, value, labels in found if labels}
    assert motions == {str(motion): float(motion is Motion.SLOWED) for motion in Motion}
    plain = {name: value for name, value, labels in found if not labels}
    assert plain == {
        "kit_hub_connected": 1,
        "kit_train_latched": 0,
        "kit_motor_power_ratio": -0.35,
        "kit_battery_ratio": 0.62,
        "kit_battery_volts": 7.9,
        "kit_hub_signal_dbm": -61,
    }
