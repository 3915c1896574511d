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
        "Traffic": [requests(), errors(), rejections()],
        "Latency": [latency(), average_by_phase(), p95_by_phase()],
        "Tokens": [tokens(), first_token(), output_token()],
    }


def requests() -> timeseries.Panel:
    return stacked(
        "Requests per second",
        "Finished requests by outcome: ok, error, timeout, rejected (the platform is overloaded), "
        "cancelled (the client left).",
        "reqps",
        [(f"sum by (outcome) (rate(llm_requests_total{{{MODEL}}}[$__rate_interval]))", "{{outcome}}")],
    )


def errors() -> timeseries.Panel:
    return stacked(
        "Errors per second",
        "Requests that the platform failed to answer. They spend the error budget for availability.",
        "reqps",
        [(counted("error"), "errors"), (counted("timeout"), "timeouts")],
    )


def rejections() -> timeseries.Panel:
    return graph(
        "Rejected and cancelled per second",
        "Requests rejected because the queue is full or an API key has used up its requests per minute, and "
        "requests whose client left.",
        "reqps",
        [(counted("rejected"), "rejected"), (counted("cancelled"), "cancelled")],
    )


def latency() -> timeseries.Panel:
    return graph(
        "Inference latency",
        "From dispatch to the runtime to the last byte; excludes the queue.",
        "s",
        average_and_quantiles("llm_inference_seconds"),
    )


def average_by_phase() -> timeseries.Panel:
    return stacked(
        "Average latency by phase",
        "Where a request spends its time: waiting for a slot (queue), loading the model (load), reading the "
        "prompt (prefill), generating the answer (decode).",
        "s",
        [(average(f"llm_{phase}_seconds"), phase) for phase in PHASES],
    )


def p95_by_phase() -> timeseries.Panel:
    return graph(
        "P95 latency by phase",
        "95th percentile of each phase. A long queue calls for more replicas, a long load for more memory.",
        "s",
        [(quantile(0.95, f"llm_{phase}_seconds"), phase) for phase in PHASES],
    )


def tokens() -> timeseries.Panel:
    return graph(
        "Tokens per second",
        "Prompt tokens read, and tokens generated.",
        "none",
        [
            (per_second("llm_prompt_tokens_total"), "prompt"),
            (per_second("llm_generated_tokens_total"), "generated"),
        ],
    ).decimals(1)


def first_token() -> timeseries.Panel:
    return graph(
        "Time to first token",
        "TTFT: from a request's arrival to its first token; includes the queue.",
        "s",
        average_and_quantiles("llm_time_to_first_token_seconds"),
        exemplars=True,
    )


def output_token() -> timeseries.Panel:
    return graph(
        "Time per output token",
        "TPOT: average time from one generated token to the next during decode.",
        "s",
        average_and_quantiles("llm_time_per_output_token_seconds"),
    )
