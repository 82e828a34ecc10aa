"""The files of ``kit leaderboard prometheus``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from kit.errors import ConfigError
from kit.leaderboard.kubernetes import acm
from kit.leaderboard.prometheus.alerts import platform_alerts, service_alerts
from kit.leaderboard.prometheus.groups import duration, rule_file, to_yaml
from kit.leaderboard.prometheus.recording import (
    INTERVAL_S,
    Source,
    recording_groups,
    start_group,
)
from kit.leaderboard.prometheus.rule_tests import rule_tests
from kit.leaderboard.rules import Rules

RULES = "leaderboard-rules.yaml"
"""The recording rules."""

ALERTS = "leaderboard-alerts.yaml"
"""The alert rules."""

START = "leaderboard-start.yaml"
"""When the event starts, where the rules do not get it from the exporter."""

TESTS = "leaderboard-rules.test.yaml"
"""Unit tests of the recording rules, for ``promtool test rules``."""

CONFIG = "prometheus.yml"
"""A Prometheus's configuration with all of this."""

TARGET = "127.0.0.1:8090"
"""Where the leaderboard serves its metrics, unless told otherwise."""


def prometheus_files(
    rules: Rules,
    source: Source,
    *,
    starts_at: datetime | None = None,
    event: str = "",
    interval_s: float = INTERVAL_S,
    target: str = TARGET,
) -> dict[str, str]:
    """Return the files' texts by name; a name may have a folder.

    Args:
        rules: Of the event.
        source: Where the rules get it from that an exercise is done.
        starts_at: Start of the event; that of the rules if None. Kubernetes does not know it.
        event: Names this run of the event, if the source is Kubernetes; the rules and the start
            if empty.
        interval_s: Seconds between two evaluations.
        target: ``host:port`` of the leaderboard.

    Raises:
        ConfigError: If the source is Kubernetes and nobody says when the event starts.
    """
    starts_at_s = 0.0
    if source is Source.KUBERNETES:
        start = _start_of(rules, starts_at)
        starts_at_s = start.timestamp()
        event = event or f"{rules.name}-{start:%Y%m%dT%H%M}"
    recorded = recording_groups(rules, source, event=event, interval_s=interval_s)
    alerts = [platform_alerts()]
    files = {
        RULES: rule_file(recorded),
        TESTS: rule_tests(rules, source, [RULES], interval_s=interval_s),
    }
    if source is Source.EXPORTER:
        alerts.append(service_alerts())
    else:
        files[START] = rule_file([start_group(starts_at_s)])
        files[f"acm/{acm.ALLOW_LIST}.yaml"] = acm.allow_list(rules)
        ruler = acm.custom_rules(rules, starts_at_s=starts_at_s, event=event)
        files[f"acm/{acm.CUSTOM_RULES}.yaml"] = ruler
    files[ALERTS] = rule_file(alerts)
    named = [name for name in (START, RULES, ALERTS) if name in files]
    files[CONFIG] = _config(source, named, interval_s, target)
    return files


def write_files(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write files into a folder, which is made if it is not there.

    Returns:
        Their paths.

    Raises:
        ConfigError: If it cannot be written.
    """
    paths = []
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"The file {path} cannot be written", got=str(error)) from error
        paths.append(path)
    return paths


def _start_of(rules: Rules, starts_at: datetime | None) -> datetime:
    start = starts_at or rules.starts_at
    if start is None:
        raise ConfigError(
            "Nobody says when the event starts, and Kubernetes does not know it",
            fix="give --starts-at, such as 2026-11-25T14:00:00Z, or 'starts_at' in the rule file",
        )
    return start


def _config(source: Source, rule_files: list[str], interval_s: float, target: str) -> str:
    scrapes = [{"job_name": "leaderboard", "static_configs": [{"targets": [target]}]}]
    config: dict[str, Any] = {
        "global": {
            "scrape_interval": duration(interval_s),
            "evaluation_interval": duration(interval_s),
        },
        "rule_files": rule_files,
    }
    if source is Source.EXPORTER:
        config["scrape_configs"] = scrapes
    return to_yaml(config)
