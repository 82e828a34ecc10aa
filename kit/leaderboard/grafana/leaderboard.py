"""The dashboard for the room: who leads, by how much, and how it came about."""

from __future__ import annotations

from kit.leaderboard.grafana import parts, sdk
from kit.leaderboard.prometheus import names
from kit.leaderboard.prometheus.names import END, USER
from kit.leaderboard.rules import Rules

UID = "leaderboard"
"""Identity of the dashboard."""

LONGEST = 30
"""How many users have a bar, unless the rules reward another number."""


def leaderboard(rules: Rules) -> sdk.Dashboard:
    """Return the dashboard.

    Args:
        rules: Of the event.
    """
    bars = rules.rewarded or LONGEST
    return (
        parts.board(rules.title or rules.name, UID, refresh="5s", since=f"now-{_minutes(rules)}m")
        .with_variable(parts.env_variable())
        .with_variable(parts.user_variable())
        .with_panel(_stat("Leader", f"topk(1, {parts.SCORES})", "{{user}}", names_=True).id(1))
        .with_panel(_stat("Points ahead", _AHEAD, "").unit("short").decimals(1).id(2))
        .with_panel(_stat("Participants", f"count({USER})", "").unit("short").id(3))
        .with_panel(_stat("Time left", _LEFT, "").unit("s").decimals(0).id(4))
        .with_panel(_standings(bars).id(5))
        .with_panel(_finishers(rules).id(6))
        .with_panel(_scores().id(7))
    )


_AHEAD = f"max({parts.SCORES}) - min(topk(2, {parts.SCORES}))"
_LEFT = f"clamp_min({END} - time(), 0)"


def _minutes(rules: Rules) -> int:
    return max(round(rules.duration_s / 60), 1)


def _stat(title: str, expr: str, legend: str, *, names_: bool = False) -> sdk.Stat:
    mode = sdk.BigValueTextMode.VALUE_AND_NAME if names_ else sdk.BigValueTextMode.VALUE
    return (
        sdk.Stat()
        .title(title)
        .datasource(parts.source())
        .height(4)
        .span(parts.WIDTH // 4)
        .text_mode(mode)
        .graph_mode(sdk.BigValueGraphMode.NONE)
        .decimals(1)
        .reduce_options(sdk.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .color_scheme(parts.color(sdk.FieldColorModeId.FIXED, "blue"))
        .with_target(parts.now(expr, legend))
    )


def _standings(bars: int) -> sdk.BarChart:
    expr = f"sort_desc(topk({bars}, sum by (user) ({parts.SCORES})))"
    return (
        sdk.BarChart()
        .title(f"Leaderboard: the first {bars}")
        .datasource(parts.source())
        .height(20)
        .span(14)
        .orientation(sdk.VizOrientation.HORIZONTAL)
        .x_field("user")
        .show_value(sdk.VisibilityMode.ALWAYS)
        .group_width(0.8)
        .fill_opacity(85)
        .decimals(1)
        .axis_soft_min(0)
        .legend(sdk.VizLegendOptions().show_legend(False).display_mode(sdk.LegendDisplayMode.LIST))
        .color_scheme(parts.color(sdk.FieldColorModeId.CONTINUOUS_BLUES))
        .transformations(parts.sorted_table())
        .with_target(parts.table(expr))
    )


def _finishers(rules: Rules) -> sdk.BarGauge:
    gauge = (
        sdk.BarGauge()
        .title("Who finished what")
        .description("How many of the chosen users have done each exercise.")
        .datasource(parts.source())
        .height(20)
        .span(10)
        .orientation(sdk.VizOrientation.HORIZONTAL)
        .min(0)
        .decimals(0)
        .reduce_options(sdk.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .color_scheme(parts.color(sdk.FieldColorModeId.CONTINUOUS_GR_YL_RD))
    )
    for number, exercise in enumerate(names.scored(rules, names.ALL)):
        series = f"leaderboard_{names.part(exercise.id)}_completion_timestamp_seconds:.+"
        chosen = f"{{__name__=~'{series}',env='$env',user=~'$user'}}"
        expr = f"count({chosen}) or vector(0)"
        title = exercise.title or exercise.id
        gauge = gauge.with_target(parts.now(expr, title, ref=parts.ref_id(number)))
    return gauge


def _scores() -> sdk.TimeSeries:
    return (
        sdk.TimeSeries()
        .title(f"Points of the first {parts.FIRST} over time")
        .datasource(parts.source())
        .height(14)
        .span(parts.WIDTH)
        .decimals(1)
        .line_width(2)
        .fill_opacity(0)
        .show_points(sdk.VisibilityMode.NEVER)
        .axis_soft_min(0)
        .legend(parts.legend_table("lastNotNull"))
        .tooltip(parts.all_values())
        .color_scheme(parts.color(sdk.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .with_target(parts.over_time(f"{parts.SCORES} and on (user) {parts.LEADING}", "{{user}}"))
    )
