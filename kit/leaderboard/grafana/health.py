"""The dashboard for the organisers: whether the platform below the event carries it."""

from __future__ import annotations

from kit.leaderboard.grafana import parts, sdk
from kit.leaderboard.prometheus.alerts import API_LATENCY_S, CPU, MEMORY, PENDING, PODS, Limits
from kit.leaderboard.prometheus.names import EXPORTED
from kit.leaderboard.rules import Rules

UID = "leaderboard-health"
"""Identity of the dashboard."""


def health(rules: Rules, limits: Limits | None = None) -> sdk.Dashboard:
    """Return the dashboard.

    Args:
        rules: Of the event.
        limits: From where on the alert rules alert; drawn as lines.
    """
    limits = limits or Limits()
    return (
        parts.board(
            f"{rules.title or rules.name}: the platform", UID, refresh="15s", since="now-3h"
        )
        .with_variable(parts.cluster_variable())
        .with_panel(_alerts().id(1))
        .with_panel(_service().id(2))
        .with_panel(_ratio("CPU in use", CPU, limits.cpu).id(3))
        .with_panel(_ratio("Memory in use", MEMORY, limits.memory).id(4))
        .with_panel(_ratio("Pods, of the places there are", PODS, limits.pods).id(5))
        .with_panel(_count("Pods that wait for a place", PENDING, limits.pending).id(6))
        .with_panel(_latency(limits.api_latency_s).id(7))
        .with_panel(_records().id(8))
    )


def _alerts() -> sdk.Table:
    firing = "ALERTS{alertname=~'Leaderboard.+',alertstate='firing'}"
    return (
        sdk.Table()
        .title("Alerts")
        .description("Empty is good.")
        .datasource(parts.source())
        .height(7)
        .span(12)
        .no_value("No alert")
        .transformations(parts.sorted_table("Value", "__name__", "alertstate"))
        .with_target(parts.table(f"sum by (alertname, severity, cluster) ({firing})"))
    )


def _service() -> sdk.Stat:
    stat = (
        sdk.Stat()
        .title("The leaderboard itself")
        .datasource(parts.source())
        .height(7)
        .span(12)
        .text_mode(sdk.BigValueTextMode.VALUE_AND_NAME)
        .graph_mode(sdk.BigValueGraphMode.NONE)
        .decimals(0)
        .reduce_options(sdk.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    figures = {
        "participants": f"max({EXPORTED}_participants)",
        "of them with series": f"max({EXPORTED}_exported_participants)",
        "records": f"max({EXPORTED}_records)",
    }
    for ref, (title, expr) in zip("ABC", figures.items(), strict=True):
        stat = stat.with_target(parts.now(expr, title, ref=ref))
    return stat


def _ratio(title: str, expr: str, limit: float) -> sdk.TimeSeries:
    return _by_cluster(title, expr, limit).unit("percentunit").min(0).axis_soft_max(1)


def _count(title: str, expr: str, limit: float) -> sdk.TimeSeries:
    return _by_cluster(title, expr, limit).unit("short").min(0)


def _latency(limit_s: float) -> sdk.TimeSeries:
    title = "The API answers 99 of 100 requests within"
    return _by_cluster(title, API_LATENCY_S, limit_s).unit("s").min(0)


def _records() -> sdk.TimeSeries:
    expr = f"max(delta({EXPORTED}_records[5m])) / 5"
    return (
        sdk.TimeSeries()
        .title("New records a minute")
        .datasource(parts.source())
        .height(9)
        .span(12)
        .min(0)
        .fill_opacity(10)
        .with_target(parts.over_time(expr, "records"))
    )


def _by_cluster(title: str, expr: str, limit: float) -> sdk.TimeSeries:
    chosen = f"({expr}) and on (cluster) cluster:node_cpu:ratio{{cluster=~'$cluster'}}"
    style = sdk.GraphThresholdsStyleConfig().mode(sdk.GraphThresholdsStyleMode.DASHED)
    return (
        sdk.TimeSeries()
        .title(title)
        .datasource(parts.source())
        .height(9)
        .span(12)
        .line_width(2)
        .fill_opacity(5)
        .show_points(sdk.VisibilityMode.NEVER)
        .tooltip(parts.all_values())
        .thresholds(parts.levels((None, "transparent"), (limit, "red")))
        .thresholds_style(style)
        .legend(parts.legend_table("lastNotNull", "max"))
        .color_scheme(parts.color(sdk.FieldColorModeId.PALETTE_CLASSIC))
        .with_target(parts.over_time(chosen, "{{cluster}}"))
    )
