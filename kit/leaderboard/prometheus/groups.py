"""Rule groups of Prometheus and Thanos, as values and as YAML.

The format: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Recording:
    """A rule that stores what an expression gives.

    Attributes:
        record: Name of the new series.
        expr: PromQL.
        labels: Added to each series.
    """

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def to_fields(self) -> dict[str, Any]:
        """Return the rule as Prometheus reads it."""
        fields: dict[str, Any] = {"record": self.record, "expr": self.expr}
        return fields | ({"labels": dict(self.labels)} if self.labels else {})


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that says that something is wrong.

    Attributes:
        alert: Name.
        expr: PromQL; each series of the result is an alert.
        for_s: How long it has to be so, in seconds.
        severity: ``critical``, ``warning`` or ``info``.
        summary: One sentence; may use Prometheus's templates.
        description: What to do.
    """

    alert: str
    expr: str
    for_s: int
    severity: str
    summary: str
    description: str

    def to_fields(self) -> dict[str, Any]:
        """Return the rule as Prometheus reads it."""
        return {
            "alert": self.alert,
            "expr": self.expr,
            "for": f"{self.for_s}s",
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "description": self.description},
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other at one moment.

    Attributes:
        name: Unique in a file.
        rules: In this order.
        interval_s: Seconds between two evaluations; the server's own if None.
    """

    name: str
    rules: tuple[Recording | Alert, ...]
    interval_s: float | None = None

    def to_fields(self) -> dict[str, Any]:
        """Return the group as Prometheus reads it."""
        fields: dict[str, Any] = {"name": self.name}
        if self.interval_s is not None:
            fields["interval"] = duration(self.interval_s)
        return fields | {"rules": [rule.to_fields() for rule in self.rules]}


def rule_file(groups: Iterable[Group]) -> str:
    """Return a rule file's text."""
    return to_yaml({"groups": [group.to_fields() for group in groups]})


def duration(seconds: float) -> str:
    """Write a duration as Prometheus does: whole seconds, or milliseconds."""
    ms = round(seconds * 1000)
    return f"{ms}ms" if ms % 1000 else f"{ms // 1000}s"


def number(value: float) -> str:
    """Write a number in PromQL, exactly."""
    text = repr(float(value)).removesuffix(".0")
    return f"({text})" if text.startswith("-") else text


def to_yaml(content: Any) -> str:
    """Write YAML: in the given order, and longer text as it is, line by line."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Never write an alias: people read these files."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
