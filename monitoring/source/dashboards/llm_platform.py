"""The LLM Platform dashboard: each row answers one question about the platform."""

from grafana_foundation_sdk.builders import dashboard as build

from monitoring.source.dashboards import capacity, serving
from monitoring.source.dashboards.panels import board, model_variable


def dashboard() -> build.Dashboard:
    return board(
        "llm-platform",
        "LLM Platform",
        "Traffic, latency, tokens, saturation, autoscaling and health of the LLM platform.",
        serving.rows() | capacity.rows(),
    ).with_variable(model_variable())
