"""Parts that the dashboards share: data source, variables, queries, and looks."""

from __future__ import annotations

from kit.leaderboard.grafana import sdk
from kit.leaderboard.prometheus.names import ALL, SCORE, USER

TAG = "leaderboard"
"""Tag of all of them; each has links to the others by it."""

SOURCE = "${datasource}"
"""Variable of the data source, as panels name it."""

SCORES = f"{{__name__=~'{SCORE}:.+',env='$env',user=~'$user'}}"
"""The chosen users' scores on the chosen board."""

FIRST = 10
"""How many users have lines of their own, the first ones of those that are chosen."""

LEADING = f"topk({FIRST}, {SCORES} @ end())"
"""Those users' scores at the end of the time that is shown."""

WIDTH = 24
"""Columns of Grafana's grid."""


def board(title: str, uid: str, *, refresh: str, since: str) -> sdk.Dashboard:
    """Begin a dashboard.

    Args:
        title: For people.
        uid: Identity, also in its address.
        refresh: How often it asks anew, such as ``5s``.
        since: Begin of the time that it shows, such as ``now-3h``.
    """
    links = (
        sdk.DashboardLink("The other boards")
        .type(sdk.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )
    source = sdk.DatasourceVariable("datasource").label("Prometheus").type("prometheus").regex("")
    return (
        sdk.Dashboard(title)
        .uid(uid)
        .tags([TAG])
        .refresh(refresh)
        .time(since, "now")
        .timezone("browser")
        .readonly()
        .link(links)
        .with_variable(source)
    )


def env_variable() -> sdk.QueryVariable:
    """Return the variable of the board: an environment, or ``all`` for the event's standings."""
    return (
        sdk.QueryVariable("env")
        .label("Environment")
        .datasource(source())
        .query(f"label_values({{__name__=~'{SCORE}:.+'}}, env)")
        .current(sdk.VariableOption(text=ALL, value=ALL))
        .refresh(sdk.VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(sdk.VariableSort.ALPHABETICAL_ASC)
    )


def user_variable() -> sdk.QueryVariable:
    """Return the variable of the users, all of them or some."""
    return (
        sdk.QueryVariable("user")
        .label("User")
        .datasource(source())
        .query(f"label_values({USER}, user)")
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(sdk.VariableOption(text="All", value="$__all"))
        .refresh(sdk.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(sdk.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


def cluster_variable() -> sdk.QueryVariable:
    """Return the variable of the clusters, all of them or some."""
    return (
        sdk.QueryVariable("cluster")
        .label("Cluster")
        .datasource(source())
        .query("label_values(cluster:node_cpu:ratio, cluster)")
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(sdk.VariableOption(text="All", value="$__all"))
        .refresh(sdk.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(sdk.VariableSort.ALPHABETICAL_ASC)
    )


def source() -> sdk.DataSourceRef:
    """Return the data source of the variable ``datasource``."""
    return sdk.DataSourceRef(type_val="prometheus", uid=SOURCE)


def over_time(expr: str, legend: str, *, ref: str = "A") -> sdk.Dataquery:
    """Return a query for the whole time that is shown."""
    return _query(expr, legend, ref).range()


def now(expr: str, legend: str, *, ref: str = "A") -> sdk.Dataquery:
    """Return a query for the end of the time that is shown."""
    return _query(expr, legend, ref).instant()


def table(expr: str, *, ref: str = "A") -> sdk.Dataquery:
    """Return a query for now whose labels become columns."""
    return now(expr, "", ref=ref).format(sdk.PromQueryFormat.TABLE)


def ref_id(number: int) -> str:
    """Name the queries of a panel as Grafana does: A to Z, then AA and so on."""
    name = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        name = chr(ord("A") + place) + name
    return name


def _query(expr: str, legend: str, ref: str) -> sdk.Dataquery:
    query = sdk.Dataquery().datasource(source()).expr(expr).ref_id(ref)
    return query.legend_format(legend) if legend else query


def sorted_table(*hidden: str) -> list[sdk.DataTransformerConfig]:
    """Return transformations that put the largest value first and hide columns."""
    exclude = dict.fromkeys(("Time", *hidden), True)
    return [
        sdk.DataTransformerConfig(
            id_val="sortBy", options={"fields": {}, "sort": [{"field": "Value", "desc": True}]}
        ),
        sdk.DataTransformerConfig(
            id_val="organize", options={"excludeByName": exclude, "renameByName": {}}
        ),
    ]


def levels(*steps: tuple[float | None, str]) -> sdk.ThresholdsConfig:
    """Return thresholds: (from this value on, colour), the first one from None on."""
    found = [sdk.Threshold(value=value, color=color) for value, color in steps]
    return sdk.ThresholdsConfig().mode(sdk.ThresholdsMode.ABSOLUTE).steps(found)


def color(mode: sdk.FieldColorModeId, fixed: str = "") -> sdk.FieldColor:
    """Return a way to colour; `fixed` is the colour for mode ``fixed``."""
    found = sdk.FieldColor().mode(mode)
    return found.fixed_color(fixed) if fixed else found


def legend_table(*calculations: str) -> sdk.VizLegendOptions:
    """Return a legend at the right, sorted by its last figure."""
    return (
        sdk.VizLegendOptions()
        .display_mode(sdk.LegendDisplayMode.TABLE)
        .placement(sdk.LegendPlacement.RIGHT)
        .show_legend(True)
        .calcs(list(calculations))
        .sort_by("Last *")
        .sort_desc(True)
    )


def all_values() -> sdk.VizTooltipOptions:
    """Return a tooltip that shows all lines, the highest first."""
    return sdk.VizTooltipOptions().mode(sdk.TooltipDisplayMode.MULTI).sort(sdk.SortOrder.DESCENDING)
