"""The LLM Objectives dashboard: what is promised, what is kept, how fast the budget burns."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, timeseries

from monitoring.source.panels import board, graph, limit_line, limits, number

NAMESPACE = 'namespace="$namespace"'
WINDOWS = ("5m", "30m", "1h", "6h", "3d")
# The same numbers as in the alerts (rules/objectives.yaml): a test compares them.
FAST, MEDIUM, SLOW = 14.4, 6, 1

FAILED = f'llm_requests_total{{{NAMESPACE}, outcome=~"error|timeout"}}'
SERVED = f'llm_requests_total{{{NAMESPACE}, outcome=~"ok|error|timeout"}}'
FIRST_TOKENS = f"llm_time_to_first_token_seconds_count{{{NAMESPACE}}}"
IN_TIME = f'llm_time_to_first_token_seconds_bucket{{{NAMESPACE}, le="2.5"}}'
BAD_SHARE = {
    "availability": f"sum(increase({FAILED}[$__range]) or 0 * increase({SERVED}[$__range]))"
    f" / (sum(increase({SERVED}[$__range])) > 0)",
    "ttft": f"1 - sum(increase({IN_TIME}[$__range])) / (sum(increase({FIRST_TOKENS}[$__range])) > 0)",
}


def dashboard() -> build.Dashboard:
    """Build the dashboard: a row for each objective, then the alerts."""
    return (
        board(
            "llm-objectives",
            "LLM Objectives",
            "Service level objectives of the LLM platform: kept, missed, and the error budget left.",
        )
        .time("now-1h", "now")
        .with_row(build.Row("Availability: requests that the platform answers"))
        .with_panel(
            objective("availability", "Share of requests that must not end in an error or a timeout.")
        )
        .with_panel(
            kept(
                "availability",
                "Requests answered, of those not refused for load and not left by their client.",
            )
        )
        .with_panel(budget("availability"))
        .with_panel(burn_rates("availability"))
        .with_row(build.Row("Time to first token: answers that begin within 2.5 s"))
        .with_panel(objective("ttft", "Share of answers whose first token must come within 2.5 s."))
        .with_panel(kept("ttft", "Answers whose first token came within 2.5 s of the request."))
        .with_panel(budget("ttft"))
        .with_panel(burn_rates("ttft"))
        .with_row(build.Row("Alerts"))
        .with_panel(traffic())
        .with_panel(alerts())
    )


def objective(name: str, description: str) -> stat.Panel:
    return number("Objective", description, "percentunit", f"llm:{name}:objective")


def kept(name: str, description: str) -> stat.Panel:
    return number(
        "Kept", f"{description} Over the time shown.", "percentunit", f"1 - ({BAD_SHARE[name]})"
    ).decimals(2)


def budget(name: str) -> stat.Panel:
    return (
        number(
            "Error budget left",
            "What may still go wrong at this rate of requests, as a share of what the objective allows. "
            "Over the time shown.",
            "percentunit",
            f"1 - ({BAD_SHARE[name]}) / (1 - scalar(llm:{name}:objective))",
        )
        .decimals(0)
        .thresholds(limits((None, "red"), (0, "orange"), (0.5, "green")))
    )


def burn_rates(name: str) -> timeseries.Panel:
    return (
        graph(
            "Burn rate",
            "How many times faster than allowed the error budget is spent, over each window. An alert needs "
            "a long and a short window above its line: 14.4 (1h, 5m), 6 (6h, 30m), 1 (3d, 6h).",
            "none",
            [(f"llm:{name}:burnrate{window}{{{NAMESPACE}}}", window) for window in WINDOWS],
        )
        .decimals(1)
        .span(12)
        .thresholds(limits((None, "green"), (SLOW, "yellow"), (MEDIUM, "orange"), (FAST, "red")))
        .thresholds_style(limit_line())
    )


def traffic() -> timeseries.Panel:
    return (
        graph(
            "Requests in an hour",
            "What the objectives are measured on. Below 30 in the long window no burn rate alert fires: "
            "a single failure would be a large share.",
            "none",
            [
                (f"llm:availability:requests1h{{{NAMESPACE}}}", "availability"),
                (f"llm:ttft:requests1h{{{NAMESPACE}}}", "time to first token"),
            ],
        )
        .decimals(0)
        .span(12)
    )


def alerts() -> timeseries.Panel:
    return (
        graph(
            "Alerts firing",
            "Alerts of the platform that fire, by name; docs/runbooks.md says what to do about each.",
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
