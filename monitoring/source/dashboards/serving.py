"""Panels about requests: traffic, latency, tokens."""

from grafana_foundation_sdk.builders import timeseries

from monitoring.source.dashboards.panels import Rows, graph, stacked
from monitoring.source.dashboards.promql import (
    MODEL,
    average,
    average_and_quantiles,
    counted,
    per_second,
    quantile,
)

PHASES = ("queue", "load", "prefill", "decode")


def rows() -> Rows:
    return {
        "Traffic": [requests(), errors(), refusals()],
        "Latency": [latency(), average_by_phase(), p95_by_phase()],
        "Tokens": [tokens(), first_token(), output_token()],
    }


def requests() -> timeseries.Panel:
    return stacked(
        "Requests per second",
        "Requests that ended, by outcome: ok, error, timeout, rejected (refused for load), "
        "cancelled (the client left).",
        "reqps",
        [(f"sum by (outcome) (rate(llm_requests_total{{{MODEL}}}[$__rate_interval]))", "{{outcome}}")],
    )


def errors() -> timeseries.Panel:
    return stacked(
        "Errors per second",
        "Requests that the platform failed: errors and timeouts. They spend the availability budget.",
        "reqps",
        [(counted("error"), "errors"), (counted("timeout"), "timeouts")],
    )


def refusals() -> timeseries.Panel:
    return graph(
        "Refusals per second",
        "Requests refused for load (a full queue, a key's budget spent), and those whose client left.",
        "reqps",
        [(counted("rejected"), "refused"), (counted("cancelled"), "cancelled")],
    )


def latency() -> timeseries.Panel:
    return graph(
        "Inference latency",
        "From dispatch to the runtime until the last byte, without the wait in the queue.",
        "s",
        average_and_quantiles("llm_inference_seconds"),
    )


def average_by_phase() -> timeseries.Panel:
    return stacked(
        "Average latency by phase",
        "Where the time of a request goes: waiting for a turn, loading the model, reading the prompt, "
        "writing the answer.",
        "s",
        [(average(f"llm_{phase}_seconds"), phase) for phase in PHASES],
    )


def p95_by_phase() -> timeseries.Panel:
    return graph(
        "P95 latency by phase",
        "The slowest twentieth of each phase. A long queue asks for replicas, a long load for memory.",
        "s",
        [(quantile(0.95, f"llm_{phase}_seconds"), phase) for phase in PHASES],
    )


def tokens() -> timeseries.Panel:
    return graph(
        "Tokens per second",
        "Tokens read from prompts (in) and generated (out).",
        "none",
        [(per_second("llm_prompt_tokens_total"), "in"), (per_second("llm_generated_tokens_total"), "out")],
    ).decimals(1)


def first_token() -> timeseries.Panel:
    return graph(
        "Time to first token",
        "From the request's arrival to its first token, the wait in the queue included (TTFT).",
        "s",
        average_and_quantiles("llm_time_to_first_token_seconds"),
    )


def output_token() -> timeseries.Panel:
    return graph(
        "Time per output token",
        "Between one token and the next while the answer is written (TPOT).",
        "s",
        average_and_quantiles("llm_time_per_output_token_seconds"),
    )
