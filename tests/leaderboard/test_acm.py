"""The pieces of Advanced Cluster Management: names, keys, and that nothing has to be escaped."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from kit.errors import ConfigError
from kit.leaderboard.kubernetes import acm
from kit.leaderboard.prometheus.groups import rule_file, to_yaml
from kit.leaderboard.prometheus.recording import Source, recording_groups
from kit.leaderboard.rules import load_rules
from tests.leaderboard.promtool import promtool

RULES = load_rules("kubernetes")
STARTS_AT_S = datetime(2026, 11, 25, 14, tzinfo=UTC).timestamp()


def config_map(text: str) -> tuple[str, dict[str, str]]:
    found = yaml.safe_load(text)
    assert (found["apiVersion"], found["kind"]) == ("v1", "ConfigMap")
    assert found["metadata"]["namespace"] == "open-cluster-management-observability"
    return found["metadata"]["name"], found["data"]


def allow_list() -> dict[str, list[object]]:
    name, data = config_map(acm.allow_list(RULES))
    assert name == "observability-metrics-custom-allowlist"
    assert list(data) == ["metrics_list.yaml"]
    return yaml.safe_load(data["metrics_list.yaml"])


def test_the_allow_list_has_the_keys_that_the_operator_reads() -> None:
    assert set(allow_list()) == {"matches", "recording_rules"}


def test_each_rule_survives_the_way_to_the_collector_as_json_on_a_command_line() -> None:
    for rule in allow_list()["recording_rules"]:
        text = f'{{"name":"{rule["record"]}","query":"{rule["expr"]}"}}'  # as the operator does it
        assert json.loads(text) == {"name": rule["record"], "query": rule["expr"]}


def test_each_match_is_the_inside_of_a_selector_that_prometheus_takes(tmp_path: Path) -> None:
    matches = allow_list()["matches"]
    rules = [{"record": f"a{n}", "expr": f"{{{match}}}"} for n, match in enumerate(matches)]
    file = tmp_path / "matches.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)
    assert len(set(matches)) == len(matches)


def test_the_allow_list_computes_what_the_rules_of_the_hub_need() -> None:
    sent = {rule["record"] for rule in allow_list()["recording_rules"]}
    _, data = config_map(acm.custom_rules(RULES, starts_at_s=STARTS_AT_S))
    needed = {
        word
        for group in yaml.safe_load(data["custom_rules.yaml"])["groups"]
        for rule in group["rules"]
        for word in rule["expr"].replace("(", " ").replace(")", " ").split()
        if word.startswith(("leaderboard_condition_", "leaderboard_member", "leaderboard_pending"))
    }
    assert needed
    assert needed <= sent


def test_promtool_takes_the_rules_of_the_hub(tmp_path: Path) -> None:
    name, data = config_map(acm.custom_rules(RULES, starts_at_s=STARTS_AT_S))
    assert name == "thanos-ruler-custom-rules"
    assert list(data) == ["custom_rules.yaml"]
    file = tmp_path / "custom_rules.yaml"
    file.write_text(data["custom_rules.yaml"])
    assert "SUCCESS" in promtool("check", "rules", file)
    groups = [group["name"] for group in yaml.safe_load(data["custom_rules.yaml"])["groups"]]
    assert groups == [
        "leaderboard_start",
        "leaderboard_state",
        "leaderboard_onetime_bonus",
        "leaderboard_lifetime_bonus",
        "leaderboard_platform_health",
    ]


def test_yaml_that_is_read_again_is_the_same() -> None:
    groups = recording_groups(RULES, Source.KUBERNETES)
    content = {"groups": [group.to_fields() for group in groups]}
    assert yaml.safe_load(rule_file(groups)) == content
    nested = {"a": "one\ntwo\n", "b": "x: 'y' \"z\"\n  - ü", "c": [1, 2.5, None, True]}
    assert yaml.safe_load(to_yaml(nested)) == nested


def test_a_config_map_that_kubernetes_would_refuse_is_refused() -> None:
    with pytest.raises(ConfigError, match="too large"):
        acm.config_map("big", {"a": "x" * (acm.LARGEST_BYTES + 1)})


def test_rules_that_look_at_nothing_in_kubernetes_have_no_allow_list() -> None:
    with pytest.raises(ConfigError, match="name no environments"):
        acm.custom_rules(load_rules("original"), starts_at_s=STARTS_AT_S)
