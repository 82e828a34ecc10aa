"""The generated rules of Prometheus: promtool takes them, and they give the scores."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from kit.errors import ConfigError
from kit.leaderboard.prometheus import names
from kit.leaderboard.prometheus.files import (
    ALERTS,
    CONFIG,
    RULES,
    TESTS,
    prometheus_files,
    write_files,
)
from kit.leaderboard.prometheus.recording import Source, recording_groups
from kit.leaderboard.prometheus.rule_tests import MISSED
from kit.leaderboard.rules import Rules, load_rules
from tests.leaderboard.promtool import promtool

STARTS_AT = datetime(2026, 11, 25, 14, tzinfo=UTC)
CASES = [
    ("original", Source.EXPORTER),
    ("kubernetes", Source.EXPORTER),
    ("kubernetes", Source.KUBERNETES),
]


def written(folder: Path, rules: str, source: Source, interval_s: float = 120) -> Path:
    files = prometheus_files(load_rules(rules), source, starts_at=STARTS_AT, interval_s=interval_s)
    write_files(files, folder)
    return folder


@pytest.mark.parametrize(("rules", "source"), CASES)
def test_promtool_takes_the_configuration_and_every_rule(
    tmp_path: Path, rules: str, source: Source
) -> None:
    folder = written(tmp_path, rules, source)
    said = promtool("check", "config", CONFIG, cwd=folder)
    for name in yaml.safe_load((folder / CONFIG).read_text())["rule_files"]:
        assert f"Checking {name}\n  SUCCESS" in said


@pytest.mark.parametrize(("rules", "source"), CASES)
def test_the_scores_in_promql_are_those_of_the_pure_function(
    tmp_path: Path, rules: str, source: Source
) -> None:
    folder = written(tmp_path, rules, source)
    tests = yaml.safe_load((folder / TESTS).read_text())["tests"]
    boards = names.boards(load_rules(rules)) if rules == "kubernetes" else ("all",)
    assert len(tests[0]["promql_expr_test"]) == 5 * len(boards)
    promtool("test", "rules", TESTS, cwd=folder)


def test_a_wrong_formula_does_not_pass_the_generated_tests(tmp_path: Path) -> None:
    folder = written(tmp_path, "original", Source.EXPORTER)
    rules = (folder / RULES).read_text()
    assert "55 + 1 *" in rules
    (folder / RULES).write_text(rules.replace("55 + 1 *", "54.5 + 1 *"))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", TESTS, cwd=folder)


def test_there_are_three_groups_as_in_the_original() -> None:
    groups = recording_groups(load_rules("original"), Source.EXPORTER)
    assert [group.name for group in groups] == [
        "leaderboard_state",
        "leaderboard_onetime_bonus",
        "leaderboard_lifetime_bonus",
    ]


def test_each_exercise_and_environment_has_the_originals_series() -> None:
    groups = recording_groups(load_rules("kubernetes"), Source.KUBERNETES)
    records = {rule.to_fields()["record"] for group in groups for rule in group.rules}
    for exercise in ("hero", "villain", "fight"):
        for env in ("dev", "preprod", "prod"):
            assert f"leaderboard_{exercise}:{env}" in records
            assert f"leaderboard_{exercise}_onetime_bonus:{env}" in records
            assert f"leaderboard_{exercise}_lifetime_bonus:{env}" in records


def test_kubernetes_needs_to_be_told_the_start() -> None:
    with pytest.raises(ConfigError, match="--starts-at"):
        prometheus_files(load_rules("kubernetes"), Source.KUBERNETES)


def test_rules_without_environments_cannot_be_seen_in_kubernetes() -> None:
    with pytest.raises(ConfigError, match="no environments"):
        recording_groups(load_rules("original"), Source.KUBERNETES)


def test_a_condition_that_looks_at_nothing_cannot_be_seen_in_kubernetes() -> None:
    rules = Rules.model_validate(
        {
            "name": "r",
            "duration_s": 60,
            "exercises": [{"id": "a", "conditions": [{"id": "c"}], "environments": ["x"]}],
        }
    )
    with pytest.raises(ConfigError, match="'c' of 'a' names nothing in Kubernetes"):
        recording_groups(rules, Source.KUBERNETES)


@pytest.mark.parametrize("exercises", [["a-b", "a_b"], ["score", "b"]])
def test_two_names_that_are_one_in_prometheus_are_refused(exercises: list[str]) -> None:
    rules = Rules.model_validate(
        {"name": "r", "duration_s": 60, "exercises": [{"id": name} for name in exercises]}
    )
    with pytest.raises(ConfigError, match=r"leaderboard_(score|a_b):all"):
        recording_groups(rules, Source.EXPORTER)


def test_an_environment_may_not_be_named_as_the_board_of_all() -> None:
    rules = Rules.model_validate(
        {"name": "r", "duration_s": 60, "exercises": [{"id": "a", "environments": ["all"]}]}
    )
    with pytest.raises(ConfigError, match="leaderboard_score:all"):
        names.boards(rules)


def test_an_events_name_with_a_quote_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be a label"):
        recording_groups(load_rules("kubernetes"), Source.KUBERNETES, event="it's")


def test_each_alert_fires_when_its_figure_is_too_high_and_not_before(tmp_path: Path) -> None:
    folder = written(tmp_path, "original", Source.EXPORTER)
    series = {
        'cluster:node_cpu:ratio{cluster="east"}': (0.5, 0.9),
        'cluster:memory_usage:ratio{cluster="east"}': (0.5, 0.95),
        'leaderboard_pending_pods{cluster="east"}': (0, 25),
        'apiserver_request_duration_seconds:histogram_quantile_99{cluster="east"}': (0.2, 2),
        'kube_node_status_allocatable{cluster="east",resource="pods"}': (10, 1),
        'kube_pod_info{cluster="east",pod="a"}': (1, 1),
        'kit_leaderboard_info{rules="original"}': (1, 1),
        "kit_leaderboard_participants": (10, 300),
        "kit_leaderboard_exported_participants": (10, 200),
        "kit_leaderboard_records": (5, 5),
        "kit_leaderboard_start_timestamp_seconds": (0, 0),
        "kit_leaderboard_end_timestamp_seconds": (9000, 9000),
    }
    expected = {
        "LeaderboardClusterCpuHigh": {"cluster": "east"},
        "LeaderboardClusterMemoryHigh": {"cluster": "east"},
        "LeaderboardClusterPodsNearlyFull": {"cluster": "east"},
        "LeaderboardPodsPending": {"cluster": "east"},
        "LeaderboardApiSlow": {"cluster": "east"},
        "LeaderboardNotAllExported": {},
        "LeaderboardNothingHappens": {},
    }
    checks = [
        alert_check(folder, name, labels, fires=late)
        for late in (False, True)
        for name, labels in expected.items()
    ]
    gone = {'cluster:node_cpu:ratio{cluster="west"}': "0.5x10"}
    tests = {
        "rule_files": [ALERTS],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": f"{low}x20 {high}x40"}
                    for name, (low, high) in series.items()
                ],
                "alert_rule_test": checks,
            },
            {
                "interval": "1m",
                "input_series": [{"series": k, "values": v} for k, v in gone.items()],
                "alert_rule_test": [
                    alert_check(folder, "LeaderboardClusterSilent", {"cluster": "west"}, fires=True)
                    | {"eval_time": "22m"},
                    alert_check(folder, "LeaderboardAbsent", {}, fires=True) | {"eval_time": "5m"},
                ],
            },
        ],
    }
    (folder / "alerts.test.yaml").write_text(yaml.safe_dump(tests))
    promtool("test", "rules", "alerts.test.yaml", cwd=folder)


VALUES = {
    "LeaderboardClusterCpuHigh": ("90%",),
    "LeaderboardClusterMemoryHigh": ("95%",),
    "LeaderboardClusterPodsNearlyFull": ("100%",),
    "LeaderboardPodsPending": ("25",),
    "LeaderboardApiSlow": ("2s",),
    "LeaderboardNotAllExported": ("300",),
}


def alert_check(
    folder: Path, name: str, labels: dict[str, str], *, fires: bool
) -> dict[str, object]:
    """Expect an alert, with its texts filled in as Prometheus does."""
    groups = yaml.safe_load((folder / ALERTS).read_text())["groups"]
    (rule,) = [r for group in groups for r in group["rules"] if r["alert"] == name]
    texts = rule["annotations"]
    (value,) = VALUES.get(name, ("",))
    summary = texts["summary"].replace("{{ $labels.cluster }}", labels.get("cluster", ""))
    for template in ("$value | humanizePercentage", "$value | humanizeDuration", "$value"):
        summary = summary.replace(f"{{{{ {template} }}}}", value)
    alert = {
        "exp_labels": rule["labels"] | labels,
        "exp_annotations": texts | {"summary": summary},
    }
    return {
        "eval_time": "50m" if fires else "15m",
        "alertname": name,
        "exp_alerts": [alert] if fires else [],
    }


@pytest.mark.parametrize(("rules", "source"), CASES)
def test_the_generated_tests_lose_scrapes_and_let_work_flap(rules: str, source: Source) -> None:
    text = prometheus_files(load_rules(rules), source, starts_at=STARTS_AT, interval_s=120)[TESTS]
    series = yaml.safe_load(text)["tests"][0]["input_series"]
    always = "kube_namespace_status_phase" if source is Source.KUBERNETES else "_participants"
    (told, *_) = [each["values"] for each in series if always in each["series"]]
    assert f"_x{MISSED}" in told.split()[1:]
    if source is Source.KUBERNETES:
        late = [each["values"] for each in series if 'namespace="late-' in each["series"]]
        assert any(values.count("1x") > 1 and values.count("0x") > 1 for values in late)
