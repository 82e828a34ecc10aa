"""What Red Hat Advanced Cluster Management needs to know: three kinds of ConfigMaps.

- The *allow-list* tells each cluster's collector what to send: the raw series of the conditions,
  for ``kit leaderboard collect``, and the conditions themselves, computed there, for the rules.
- The *custom rules* of the Thanos ruler compute the scores on the hub.
- Each *dashboard* is a ConfigMap with a label that the hub's Grafana looks for.

Names, keys and labels are those of its documentation (chapter "Observability") and of the source of
the operator (github.com/stolostron/multicluster-observability-operator): ``recording_rules`` is the
key that it reads today; ``rules``, which the original used, is deprecated. The collector gets each
rule as JSON on its command line, and nothing is escaped on the way: expressions have no double
quote, no backslash and no line break.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kit.errors import ConfigError
from kit.leaderboard.kubernetes.objects import NAMESPACES
from kit.leaderboard.prometheus.alerts import platform_alerts
from kit.leaderboard.prometheus.conditions import condition_rules, object_of
from kit.leaderboard.prometheus.groups import Recording, rule_file, to_yaml
from kit.leaderboard.prometheus.names import ALL, environments, scored
from kit.leaderboard.prometheus.recording import Source, recording_groups, start_group
from kit.leaderboard.rules import Rules

NAMESPACE = "open-cluster-management-observability"
"""Namespace of all of them on the hub."""

ALLOW_LIST = "observability-metrics-custom-allowlist"
"""Name of the allow-list's ConfigMap; its key is ``metrics_list.yaml``."""

CUSTOM_RULES = "thanos-ruler-custom-rules"
"""Name of the rules' ConfigMap; its key is ``custom_rules.yaml``."""

DASHBOARD_LABEL = "grafana-custom-dashboard"
"""Label, ``"true"``, by which the hub's Grafana finds a dashboard."""

LARGEST_BYTES = 1_048_576
"""Largest ConfigMap that Kubernetes takes."""


def allow_list(rules: Rules) -> str:
    """Return the allow-list's ConfigMap, as YAML.

    Args:
        rules: Of the event; all conditions say what they look at.

    Raises:
        ConfigError: If a condition does not.
    """
    recordings = [_on_a_command_line(rule) for rule in condition_rules(rules)]
    content = {"matches": list(_matches(rules)), "recording_rules": recordings}
    return config_map(ALLOW_LIST, {"metrics_list.yaml": to_yaml(content)})


def custom_rules(rules: Rules, *, starts_at_s: float, event: str = "") -> str:
    """Return the ConfigMap of the Thanos ruler's rules, as YAML.

    Args:
        rules: Of the event.
        starts_at_s: Start of the event, seconds since 1970.
        event: Names this run of the event; the rules' name if empty.
    """
    recorded = recording_groups(rules, Source.KUBERNETES, event=event)
    on_the_hub = [group for group in recorded if group.name != "leaderboard_conditions"]
    groups = [start_group(starts_at_s), *on_the_hub, platform_alerts()]
    return config_map(CUSTOM_RULES, {"custom_rules.yaml": rule_file(groups)})


def dashboard(name: str, json_text: str) -> str:
    """Return a dashboard's ConfigMap, as YAML.

    Args:
        name: Of the ConfigMap and, with ``.json``, of its key.
        json_text: The dashboard.
    """
    return config_map(name, {f"{name}.json": json_text}, labels={DASHBOARD_LABEL: "true"})


def config_map(
    name: str, data: Mapping[str, str], *, labels: Mapping[str, str] | None = None
) -> str:
    """Return a ConfigMap, as YAML.

    Raises:
        ConfigError: If it is larger than Kubernetes takes.
    """
    metadata: dict[str, Any] = {"name": name, "namespace": NAMESPACE}
    if labels:
        metadata["labels"] = dict(labels)
    fields = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
    size = sum(len(text.encode()) for text in data.values())
    if size > LARGEST_BYTES:
        raise ConfigError(
            f"The ConfigMap '{name}' is too large for Kubernetes",
            expected=f"{LARGEST_BYTES} bytes at most",
            got=f"{size} bytes",
        )
    return to_yaml(fields)


def _on_a_command_line(rule: Recording) -> dict[str, str]:
    if any(bad in rule.expr for bad in '"\\\n'):
        raise ConfigError(
            f"The rule '{rule.record}' cannot be sent to a cluster",
            expected="an expression without double quotes, backslashes and line breaks",
            got=rule.expr,
        )
    return {"record": rule.record, "expr": rule.expr}


def _matches(rules: Rules) -> Iterable[str]:
    """Yield the raw series to send, as the inside of a selector; these are not escaped either."""
    namespaces = rules.namespaces.regex(*environments(rules))
    inside = f'namespace=~"{namespaces}"'
    selectors = {f'__name__="{NAMESPACES}",{inside},phase="Active"': None}
    for exercise in scored(rules, ALL):
        for condition in exercise.conditions:
            it = object_of(exercise, condition)
            matchers = it.matchers.replace("'", '"')
            selectors[f'__name__="{it.metric}",{inside},{matchers}'] = None
    return selectors
