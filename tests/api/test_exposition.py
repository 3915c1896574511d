"""/metrics in two formats: OpenMetrics for who names it, and Prometheus' text format for everyone else."""

from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic

from tests.api.support.collector import Collector
from tests.api.support.in_process import InProcess, Open
from tests.api.support.requests import CHAT_LINES, chat, ndjson

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


async def traced(open_gateway: Open, collector: Collector) -> InProcess:
    """Return a gateway whose metrics have an exemplar."""
    app = await open_gateway(otlp_endpoint=collector.url)
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    await chat(app)
    return app


def own(text: str) -> list[str]:
    """Return the lines without those about the process, which change all the time."""
    return [line for line in text.splitlines() if "process_" not in line]


def samples(families: Iterable[Metric]) -> dict[Any, float]:
    found = [sample for family in families for sample in family.samples]
    return {(s.name, *sorted(s.labels.items())): s.value for s in found if not s.name.startswith("process_")}


@pytest.mark.parametrize(
    "accept",
    [None, "", "*/*", "text/plain", "text/plain;version=0.0.4", "text/plain;version=1.0.0", "text/html"],
)
async def test_the_text_format_is_what_it_was_and_has_no_exemplars(
    open_gateway: Open, collector: Collector, accept: str | None
) -> None:
    app = await traced(open_gateway, collector)
    response = await app.http.get("/metrics", headers={} if accept is None else {"accept": accept})
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert own(response.text) == own(app.gateway.metrics.render().decode())
    assert "trace_id" not in response.text


@pytest.mark.parametrize("accept", [PROMETHEUS_3, "application/openmetrics-text; version=junk"])
async def test_openmetrics_has_the_same_samples(
    open_gateway: Open, collector: Collector, accept: str
) -> None:
    app = await traced(open_gateway, collector)
    response = await app.http.get("/metrics", headers={"accept": accept})
    assert response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    found = samples(openmetrics(response.text))  # type: ignore[no-untyped-call]
    assert found == samples(classic(app.gateway.metrics.render().decode()))
    assert found
    assert "trace_id" in response.text
