"""The LLM Objectives dashboard: what is promised, what is achieved, how fast the error budget is spent."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, timeseries

from monitoring.source.dashboards.panels import board, graph, number, threshold_lines, thresholds
from monitoring.source.dashboards.promql import NAMESPACE
from monitoring.source.slo import BURN_ALERTS, MINIMUM_REQUESTS, OBJECTIVES, WINDOWS, Objective, Scope

TIME_SHOWN = Scope("sum", "increase", "$__range", NAMESPACE)
BURN_RATE_COLORS = ("yellow", "orange", "red")


def dashboard() -> build.Dashboard:
    """Build the dashboard: a row for each objective, then the alerts."""
    rows = {f"{o.title}: {o.promise}": [target(o), achieved(o), budget(o), burn_rates(o)] for o in OBJECTIVES}
    return board(
        "llm-objectives",
        "LLM Objectives",
        "Service level objectives of the LLM platform: how well they are met, and the error budget left.",
        rows | {"Alerts": [traffic(), alerts()]},
    ).time("now-1h", "now")


def target(objective: Objective) -> stat.Panel:
    return number("Objective", objective.target_description, "percentunit", f"llm:{objective.name}:objective")


def achieved(objective: Objective) -> stat.Panel:
    return number(
        "Achieved",
        f"{objective.achieved_description} Over the time range shown.",
        "percentunit",
        f"1 - ({objective.bad_share(TIME_SHOWN)})",
    ).decimals(2)


def budget(objective: Objective) -> stat.Panel:
    return (
        number(
            "Error budget left",
            "Share of the error budget not yet spent, over the time range shown. Below 0: objective missed.",
            "percentunit",
            f"1 - ({objective.bad_share(TIME_SHOWN)}) / (1 - scalar(llm:{objective.name}:objective))",
        )
        .decimals(0)
        .thresholds(thresholds((None, "red"), (0, "orange"), (0.5, "green")))
    )


def burn_rates(objective: Objective) -> timeseries.Panel:
    lines = ", ".join(f"{alert.factor:g} ({alert.long}, {alert.short})" for alert in BURN_ALERTS)
    steps = zip(sorted(alert.factor for alert in BURN_ALERTS), BURN_RATE_COLORS, strict=True)
    return (
        graph(
            "Burn rate",
            "How many times faster than allowed the error budget is spent, over each window. An alert fires "
            f"when both of its windows are above its threshold: {lines}.",
            "none",
            [(f"llm:{objective.name}:burnrate{window}{{{NAMESPACE}}}", window) for window in WINDOWS],
        )
        .decimals(1)
        .span(12)
        .thresholds(thresholds((None, "green"), *steps))
        .thresholds_style(threshold_lines())
    )


def traffic() -> timeseries.Panel:
    return (
        graph(
            "Requests per hour",
            "The requests that each objective is measured on. An alert needs at least "
            f"{MINIMUM_REQUESTS} in its long window: among fewer, one failure would be a large share.",
            "none",
            [(f"llm:{o.name}:requests1h{{{NAMESPACE}}}", o.title.lower()) for o in OBJECTIVES],
        )
        .decimals(0)
        .span(12)
    )


def alerts() -> timeseries.Panel:
    return (
        graph(
            "Firing alerts",
            "The platform's firing alerts, by name; docs/runbooks.md says what to do about each.",
            "none",
            [
                (
                    f'count by (alertname) (ALERTS{{{NAMESPACE}, alertname=~"LLM.+", alertstate="firing"}})'
                    " or vector(0)",
                    "{{alertname}}",
                )
            ],
        )
        .decimals(0)
        .span(12)
    )
