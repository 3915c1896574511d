"""Builders shared by all panels and dashboards: data source, legend, tooltip, variables."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard

DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

Query = tuple[str, str]
"""A PromQL expression and the name of its line."""
Rows = dict[str, list[Builder[dashboard.Panel]]]
"""The panels of each row by its title."""


def graph(
    title: str, description: str, unit: str, queries: Sequence[Query], *, exemplars: bool = False
) -> timeseries.Panel:
    """Return a time series panel, a third of a row wide; `unit` is one of Grafana's unit names.

    With `exemplars`, points of the last query's histogram lead to traces (docs/tracing.md).
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .min(0)
        .datasource(DATASOURCE)
        .span(8)
        .height(8)
        .fill_opacity(10)
        .show_points(common.VisibilityMode.NEVER)
        .tooltip(
            common_builder.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .legend(
            common_builder.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
    targets = [_target(*query, ref) for query, ref in zip(queries, "ABCDEFGH", strict=False)]
    if exemplars:
        targets[-1].exemplar(True)
    return panel.targets([*targets])


def stacked(title: str, description: str, unit: str, queries: Sequence[Query]) -> timeseries.Panel:
    """Return a graph whose lines are stacked because they add up to a whole."""
    stacking = common_builder.StackingConfig().mode(common.StackingMode.NORMAL)
    return graph(title, description, unit, queries).stacking(stacking).fill_opacity(40)


def number(title: str, description: str, unit: str, expression: str) -> stat.Panel:
    """Return a panel with a single number: the latest value of one query."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(DATASOURCE)
        .span(4)
        .height(8)
        .graph_mode(common.BigValueGraphMode.NONE)
        .reduce_options(common_builder.ReduceDataOptions().calcs(["lastNotNull"]))
        .targets([_target(expression, title, "A").instant()])
    )


def thresholds(*steps: tuple[float | None, str]) -> build.ThresholdsConfig:
    """Return color thresholds: each step is the value where it starts (None: no lower bound) and a color."""
    return build.ThresholdsConfig().steps(
        [dashboard.Threshold(value=value, color=color) for value, color in steps]
    )


def threshold_lines() -> common_builder.GraphThresholdsStyleConfig:
    """Draw the thresholds of a graph as dashed lines."""
    return common_builder.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)


def board(uid: str, title: str, description: str, rows: Rows) -> build.Dashboard:
    """Return a read-only dashboard of these rows, with variables for the data source and the namespace."""
    result = (
        build.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["llm"])
        .readonly()
        .timezone("browser")
        .time("now-15m", "now")
        .refresh("10s")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .link(
            build.DashboardLink("LLM dashboards").tags(["llm"]).type(dashboard.DashboardLinkType.DASHBOARDS)
        )
        .with_variable(build.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(
            _labels_variable(
                "namespace", "Namespace", "label_values(llm_requests_running, namespace)"
            ).current(dashboard.VariableOption(text="llm", value="llm"))
        )
    )
    for row, panels in rows.items():
        result.with_row(build.Row(row))
        for panel in panels:
            result.with_panel(panel)
    return result


def model_variable() -> build.QueryVariable:
    """Return a variable for the models that requests named; all of them are selected at first."""
    return (
        _labels_variable("model", "Model", 'label_values(llm_requests_total{namespace="$namespace"}, model)')
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(dashboard.VariableOption(text="All", value="$__all"))
    )


def _labels_variable(name: str, label: str, query: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )


def _target(expression: str, legend: str, ref: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .expr(expression)
        .legend_format(legend)
        .ref_id(ref)
        .datasource(DATASOURCE)
        .range()
    )
