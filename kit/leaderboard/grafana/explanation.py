"""The dashboard that explains: what a finish is worth when, and what a score is made of."""

from __future__ import annotations

from kit.leaderboard.grafana import parts, sdk
from kit.leaderboard.prometheus import names
from kit.leaderboard.prometheus.groups import number
from kit.leaderboard.prometheus.names import START
from kit.leaderboard.rules import Exercise, Rules

UID = "leaderboard-explanation"
"""Identity of the dashboard."""

BARS = 30
"""How many users have a bar."""


def explanation(rules: Rules) -> sdk.Dashboard:
    """Return the dashboard.

    Args:
        rules: Of the event.
    """
    minutes = max(round(rules.duration_s / 60), 1)
    return (
        parts.board(
            f"{rules.title or rules.name}: where the points come from",
            UID,
            refresh="15s",
            since=f"now-{minutes}m",
        )
        .with_variable(parts.env_variable())
        .with_variable(parts.user_variable())
        .with_panel(_words(rules).id(1))
        .with_panel(_worth_now(rules).id(2))
        .with_panel(_made_of().id(3))
        .with_panel(_state(rules).id(4))
        .with_panel(_bonus(rules, "onetime_bonus", "Bonus of each finish").id(5))
        .with_panel(_bonus(rules, "lifetime_bonus", "Points since each finish").id(6))
    )


def _words(rules: Rules) -> sdk.Text:
    lines = [
        "Each finished exercise brings a **bonus** once, and then **more with every minute**.",
        "Who finishes early gets a larger bonus and more time to earn; so leads change hands.",
        "",
        "| exercise | bonus at | is worth | each minute earlier | each minute since |",
        "|---|---|---|---|---|",
    ]
    for each in names.scored(rules, names.ALL):
        per_minute = 60 / each.step_s
        lines.append(
            f"| {each.title or each.id} | {_clock(each.nominal_end_s)} | {each.bonus:g} | "
            f"+{each.decay * per_minute:.3g} | +{each.slope * per_minute:.3g} |"
        )
    return (
        sdk.Text()
        .title("In words")
        .mode(sdk.TextMode.MARKDOWN)
        .content("\n".join(lines))
        .height(9)
        .span(12)
    )


def _worth_now(rules: Rules) -> sdk.TimeSeries:
    panel = (
        _lines("What a finish would bring at that moment", 12)
        .height(9)
        .legend(parts.legend_table("lastNotNull"))
    )
    for index, each in enumerate(names.scored(rules, names.ALL)):
        ref = parts.ref_id(index)
        panel = panel.with_target(parts.over_time(_worth(each), each.title or each.id, ref=ref))
    return panel


def _worth(each: Exercise) -> str:
    left = f"({START} + {number(each.nominal_end_s)} - time())"
    return f"{number(each.bonus)} + {number(each.decay)} * {left} / {number(each.step_s)}"


def _made_of() -> sdk.BarChart:
    every = "env='$env',user=~'$user'"
    first = f"and on (user) topk({BARS}, {parts.SCORES})"
    bonus = f"sum by (user) ({{__name__=~'leaderboard_.+_onetime_bonus:.+',{every}}}) {first}"
    since = f"sum by (user) ({{__name__=~'leaderboard_.+_lifetime_bonus:.+',{every}}}) {first}"
    return (
        sdk.BarChart()
        .title(f"What the scores of the first {BARS} are made of")
        .datasource(parts.source())
        .height(14)
        .span(12)
        .orientation(sdk.VizOrientation.HORIZONTAL)
        .x_field("user")
        .stacking(sdk.StackingMode.NORMAL)
        .show_value(sdk.VisibilityMode.AUTO)
        .decimals(1)
        .legend(
            sdk.VizLegendOptions()
            .show_legend(True)
            .display_mode(sdk.LegendDisplayMode.LIST)
            .placement(sdk.LegendPlacement.BOTTOM)
        )
        .color_scheme(parts.color(sdk.FieldColorModeId.PALETTE_CLASSIC))
        .transformations(_joined())
        .with_target(parts.table(bonus, ref="A"))
        .with_target(parts.table(since, ref="B"))
    )


def _joined() -> list[sdk.DataTransformerConfig]:
    return [
        sdk.DataTransformerConfig(
            id_val="joinByField", options={"byField": "user", "mode": "outer"}
        ),
        sdk.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True, "Time 1": True, "Time 2": True},
                "renameByName": {"Value #A": "bonus", "Value #B": "since the finish"},
            },
        ),
        sdk.DataTransformerConfig(
            id_val="sortBy", options={"fields": {}, "sort": [{"field": "bonus", "desc": True}]}
        ),
    ]


def _state(rules: Rules) -> sdk.StateTimeline:
    exercises = "|".join(names.part(each.id) for each in names.scored(rules, names.ALL))
    expr = f"{{__name__=~'leaderboard_({exercises}):.+',env='$env',user=~'$user'}}"
    mapping = sdk.ValueMap(
        options={
            "0": sdk.ValueMappingResult(text="not yet", color="semi-dark-red", index=0),
            "1": sdk.ValueMappingResult(text="done", color="semi-dark-green", index=1),
        }
    )
    return (
        sdk.StateTimeline()
        .title("What is done, as it was seen")
        .description("What flaps here is awarded once: the first moment counts.")
        .datasource(parts.source())
        .height(14)
        .span(12)
        .show_value(sdk.VisibilityMode.NEVER)
        .merge_values(True)
        .mappings([mapping])
        .color_scheme(parts.color(sdk.FieldColorModeId.THRESHOLDS))
        .with_target(parts.over_time(f"{expr} and on (user) {parts.LEADING}", _LEGEND))
    )


def _bonus(rules: Rules, kind: str, title: str) -> sdk.TimeSeries:
    exercises = "|".join(names.part(each.id) for each in names.scored(rules, names.ALL))
    expr = f"{{__name__=~'leaderboard_({exercises})_{kind}:.+',env='$env',user=~'$user'}}"
    return (
        _lines(title, 12)
        .height(12)
        .legend(parts.legend_table("lastNotNull"))
        .with_target(parts.over_time(f"{expr} and on (user) {parts.LEADING}", _LEGEND))
    )


_LEGEND = "{{user}}: {{exercise}}"


def _lines(title: str, span: int) -> sdk.TimeSeries:
    return (
        sdk.TimeSeries()
        .title(title)
        .datasource(parts.source())
        .span(span)
        .decimals(1)
        .line_width(2)
        .fill_opacity(0)
        .show_points(sdk.VisibilityMode.NEVER)
        .tooltip(parts.all_values())
    )


def _clock(seconds: float) -> str:
    return f"{round(seconds) // 3600}:{round(seconds) % 3600 // 60:02}"
