"""The dashboards: every query is run by a real Prometheus that holds a simulated event."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.leaderboard.grafana.files import dashboards, grafana_files
from kit.leaderboard.grafana.parts import ref_id
from kit.leaderboard.kubernetes import acm
from kit.leaderboard.prometheus import names
from kit.leaderboard.prometheus.api import PrometheusApi
from kit.leaderboard.prometheus.boards import board_records, board_rules
from kit.leaderboard.prometheus.history import History, exported
from kit.leaderboard.prometheus.recording import Source, recording_groups
from kit.leaderboard.rules import load_rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.simulate import simulate
from tests.leaderboard.servers import fill, prometheus, record

RULES = load_rules("kubernetes")
RECORDS = [arrival.record for arrival in simulate(RULES, people=12, seed=3)]
STARTS_AT_S = 1_700_000_040.0  # a whole minute, as the moments of the rules
STEP_S = 60.0
LENGTH = round(RULES.duration_s / STEP_S) + 1
NOW_S = STARTS_AT_S + 8400
COMMITTED = Path(__file__).parents[2] / "presenters" / "leaderboard"
BOARDS = {uid: json.loads(text) for uid, text in dashboards(RULES).items()}
TARGETS = [
    pytest.param(target, id=f"{uid}-{panel['title']}-{target['refId']}")
    for uid, board in BOARDS.items()
    for panel in board["panels"]
    for target in panel.get("targets", ())
]
VARIABLES = {"$env": "prod", "$user": ".*", "$cluster": ".*"}


def platform() -> History:
    """Two clusters, one of which is in trouble."""
    history = History(STARTS_AT_S, STEP_S, LENGTH)
    for index in range(LENGTH):
        for cluster, load in (("east", 0.4), ("west", 0.92)):
            labels = {"cluster": cluster}
            history.put("cluster:node_cpu:ratio", labels, index, load)
            history.put("cluster:memory_usage:ratio", labels, index, load)
            history.put("leaderboard_pending_pods", labels, index, 20 * load)
            latency = "apiserver_request_duration_seconds:histogram_quantile_99"
            history.put(latency, labels, index, load)
            for pod in "ab":
                history.put("kube_pod_info", labels | {"pod": pod}, index, 1)
            places = labels | {"resource": "pods"}
            history.put("kube_node_status_allocatable", places, index, 3)
        alert = {"alertname": "LeaderboardClusterCpuHigh", "severity": "warning"}
        firing = alert | {"alertstate": "firing", "cluster": "west"}
        history.put("ALERTS", firing, index, 1)
    return history


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusApi]:
    """Holds what the exporter told of the event, what the rules made of it, and the platform."""
    data = tmp_path_factory.mktemp("grafana") / "data"
    grid = {"start_s": STARTS_AT_S, "step_s": STEP_S, "length": LENGTH}
    fill(data, [exported(RULES, RECORDS, starts_at_s=STARTS_AT_S, **grid), platform()])
    groups = recording_groups(RULES, Source.EXPORTER)
    record(data, groups, start_s=STARTS_AT_S, end_s=STARTS_AT_S + RULES.duration_s)
    with prometheus(data) as url, PrometheusApi(url) as api:
        yield api


def filled_in(expr: str) -> str:
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr
    return expr


@pytest.mark.parametrize("target", TARGETS)
def test_every_query_of_every_panel_has_an_answer(
    server: PrometheusApi, target: dict[str, Any]
) -> None:
    expr = filled_in(target["expr"])
    if target.get("instant"):
        found = server.instant(expr, at_s=NOW_S)
    else:
        found = server.range(expr, start_s=STARTS_AT_S, end_s=NOW_S, step_s=STEP_S)
    assert found
    values = [value for series in found for _, value in series.samples]
    assert not any(math.isnan(value) for value in values)


def right_scores(board: str, at_s: float) -> dict[str, float]:
    """The pure function's scores; hints and corrections count on the board of all only.

    What happened since the last scrape is not known to Prometheus yet. Moments of evaluation lie
    anywhere between two scrapes: they depend on the path of the rules' file.
    """
    scraped_ms = 1000 * STEP_S * (at_s // STEP_S)
    known = [record for record in board_records(RECORDS, board) if record.at_ms <= scraped_ms]
    rows = standings(board_rules(RULES, board), known, at_s).rows
    if board == names.ALL:
        return {row.user: row.score for row in rows}
    return {row.user: sum(each.bonus + each.accelerator for each in row.finishes) for row in rows}


@pytest.mark.parametrize("board", ["dev", "preprod", "prod", "all"])
@pytest.mark.parametrize("at_s", [1800, 4800, 8400, 9000])
def test_the_scores_in_prometheus_are_those_of_the_pure_function(
    server: PrometheusApi, board: str, at_s: int
) -> None:
    found = server.raw(names.score(board), end_s=STARTS_AT_S + at_s, seconds=STEP_S)
    assert found
    for series in found:
        moment, score = series.samples[-1]
        right = right_scores(board, moment - STARTS_AT_S)
        assert score == pytest.approx(right.get(series.labels["user"], 0), abs=1e-4)
    users = {series.labels["user"] for series in found}
    assert users >= {user for user, points in right_scores(board, at_s - 120).items() if points}


@pytest.mark.parametrize("board", ["prod", "all"])
def test_what_a_dashboard_shows_lags_by_less_than_a_step(server: PrometheusApi, board: str) -> None:
    right = right_scores(board, NOW_S - STARTS_AT_S)
    for series in server.instant(names.score(board), at_s=NOW_S):
        assert abs(series.samples[0][1] - right[series.labels["user"]]) < len(RULES.exercises)


def test_the_order_of_the_bars_is_that_of_the_standings(server: PrometheusApi) -> None:
    (panel,) = [p for p in BOARDS["leaderboard"]["panels"] if p["type"] == "barchart"]
    expr = panel["targets"][0]["expr"].replace("$env", "all").replace("$user", ".*")
    bars = [series.labels["user"] for series in server.instant(expr, at_s=NOW_S)]
    right = standings(RULES, RECORDS, NOW_S - STARTS_AT_S)
    scores = [row.score for row in right.rows]
    assert len(set(scores[: len(bars)])) >= len(bars) - 2
    firsts = [row.user for row in right.rows if scores.count(row.score) == 1]
    assert [user for user in bars if user in firsts] == firsts[: len(bars)]


def variables() -> list[Any]:
    return [
        pytest.param(variable, id=f"{uid}-{variable['name']}")
        for uid, board in BOARDS.items()
        for variable in board["templating"]["list"]
        if variable["type"] == "query"
    ]


@pytest.mark.parametrize("variable", variables())
def test_every_variable_has_values(server: PrometheusApi, variable: dict[str, Any]) -> None:
    inside = variable["query"].removeprefix("label_values(").removesuffix(")")
    selector, _, label = inside.rpartition(", ")
    assert server.series_labels(label, selector)


def test_the_leaderboard_has_what_the_original_had() -> None:
    panels = BOARDS["leaderboard"]["panels"]
    kinds = {panel["type"]: panel["targets"][0] for panel in panels}
    assert kinds["barchart"]["instant"] is True
    assert kinds["barchart"]["format"] == "table"
    assert kinds["timeseries"]["range"] is True
    named = [each["name"] for each in BOARDS["leaderboard"]["templating"]["list"]]
    assert named == ["datasource", "env", "user"]


@pytest.mark.parametrize("uid", BOARDS)
def test_no_two_panels_lie_on_each_other_or_beyond_the_grid(uid: str) -> None:
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in BOARDS[uid]["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in BOARDS[uid]["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("uid", BOARDS)
def test_the_sdk_reads_what_it_wrote(uid: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.cog.plugins import register_default_plugins
        from grafana_foundation_sdk.models.dashboard import Dashboard
    register_default_plugins()
    again = Dashboard.from_json(BOARDS[uid])
    assert json.loads(JSONEncoder().encode(again)) == BOARDS[uid]


@pytest.mark.parametrize("uid", BOARDS)
def test_a_dashboard_is_a_config_map_that_the_hub_finds(uid: str) -> None:
    text = grafana_files(RULES)[f"acm/dashboard-{uid}.yaml"]
    found = yaml.safe_load(text)
    assert (found["apiVersion"], found["kind"]) == ("v1", "ConfigMap")
    assert found["metadata"]["name"] == uid
    assert found["metadata"]["namespace"] == "open-cluster-management-observability"
    assert found["metadata"]["labels"] == {"grafana-custom-dashboard": "true"}
    assert json.loads(found["data"][f"{uid}.json"]) == BOARDS[uid]
    assert len(text.encode()) < acm.LARGEST_BYTES


def test_the_committed_dashboards_are_those_of_the_original_rules() -> None:
    made = dashboards(load_rules("original"))
    committed = {path.stem: path.read_text("utf-8") for path in COMMITTED.glob("*.json")}
    assert committed == made, (
        "run: kit leaderboard grafana --out presenters/leaderboard, and remove its acm folder"
    )


def test_the_queries_of_a_panel_are_named_as_grafana_names_them() -> None:
    assert [ref_id(number) for number in (0, 25, 26, 27, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AB",
        "ZZ",
        "AAA",
    ]
