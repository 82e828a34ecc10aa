"""The names of Grafana's foundation SDK that the dashboards use, from one place.

The SDK prefers dashboards of schema v2, which only Grafana 12 and later read. The Grafana of
Advanced Cluster Management and most others read the classic schema, so the dashboards are of that
one, and the SDK's advice at import is not passed on.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders.barchart import Panel as BarChart
    from grafana_foundation_sdk.builders.bargauge import Panel as BarGauge
    from grafana_foundation_sdk.builders.common import (
        GraphThresholdsStyleConfig,
        ReduceDataOptions,
        VizLegendOptions,
        VizTooltipOptions,
    )
    from grafana_foundation_sdk.builders.dashboard import (
        Dashboard,
        DashboardLink,
        DatasourceVariable,
        FieldColor,
        QueryVariable,
        ThresholdsConfig,
    )
    from grafana_foundation_sdk.builders.prometheus import Dataquery
    from grafana_foundation_sdk.builders.stat import Panel as Stat
    from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
    from grafana_foundation_sdk.builders.table import Panel as Table
    from grafana_foundation_sdk.builders.text import Panel as Text
    from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.common import (
        BigValueGraphMode,
        BigValueTextMode,
        DataSourceRef,
        GraphThresholdsStyleMode,
        LegendDisplayMode,
        LegendPlacement,
        SortOrder,
        StackingMode,
        TooltipDisplayMode,
        VisibilityMode,
        VizOrientation,
    )
    from grafana_foundation_sdk.models.dashboard import (
        DashboardLinkType,
        DataTransformerConfig,
        FieldColorModeId,
        MappingType,
        Threshold,
        ThresholdsMode,
        ValueMap,
        ValueMappingResult,
        VariableOption,
        VariableRefresh,
        VariableSort,
    )
    from grafana_foundation_sdk.models.prometheus import PromQueryFormat
    from grafana_foundation_sdk.models.text import TextMode

__all__ = [
    "BarChart",
    "BarGauge",
    "BigValueGraphMode",
    "BigValueTextMode",
    "Dashboard",
    "DashboardLink",
    "DashboardLinkType",
    "DataSourceRef",
    "DataTransformerConfig",
    "Dataquery",
    "DatasourceVariable",
    "FieldColor",
    "FieldColorModeId",
    "GraphThresholdsStyleConfig",
    "GraphThresholdsStyleMode",
    "JSONEncoder",
    "LegendDisplayMode",
    "LegendPlacement",
    "MappingType",
    "PromQueryFormat",
    "QueryVariable",
    "ReduceDataOptions",
    "SortOrder",
    "StackingMode",
    "Stat",
    "StateTimeline",
    "Table",
    "Text",
    "TextMode",
    "Threshold",
    "ThresholdsConfig",
    "ThresholdsMode",
    "TimeSeries",
    "TooltipDisplayMode",
    "ValueMap",
    "ValueMappingResult",
    "VariableOption",
    "VariableRefresh",
    "VariableSort",
    "VisibilityMode",
    "VizLegendOptions",
    "VizOrientation",
    "VizTooltipOptions",
]
