"""The gateway's metrics. Charts, dashboards and alerts rely on their names and labels."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics import exposition as openmetrics

from llm_api.admission import Admission
from llm_api.histogram import Histogram, Series
from llm_api.record import Phases, RequestRecord, Usage
from llm_api.server.limits import Protocol

OUTCOMES = ("ok", "error", "rejected", "timeout", "cancelled")

# The buckets of OpenTelemetry and vLLM, in seconds, plus those that a small model on a few cores needs
# (https://github.com/open-telemetry/semantic-conventions-genai, gen_ai.server.*).
FIRST_TOKEN = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160)
OUTPUT_TOKEN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5)
PHASE = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 1.5, 2.5, 5, 10, 15, 20, 30, 60, 120, 240)
HISTOGRAMS = {
    "inference": ("From dispatch to the runtime to the last byte, without the queue.", PHASE),
    "queue": ("From arrival to dispatch.", PHASE),
    "load": ("Loading the model, as part of the time to the first token.", PHASE),
    "prefill": ("From dispatch to the first token, without the load.", PHASE),
    "decode": ("From the first token to the last byte.", PHASE),
    "time_to_first_token": ("From arrival to the first token, including the queue (TTFT).", FIRST_TOKEN),
    "time_per_output_token": ("Mean time between two output tokens of a response (TPOT).", OUTPUT_TOKEN),
}


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """The histograms and counters of one model, kept because looking up labels on every request is slow."""

    histograms: dict[str, Series]
    prompt_tokens: Counter
    generated_tokens: Counter


class Metrics:
    """A registry with all metrics of one app.

    Args:
        admission: What the gauges of running and waiting requests read.
        routes: Paths of the routes that generate, which are values of the label `route`.
    """

    def __init__(self, admission: Admission, routes: Sequence[str]) -> None:
        self._routes = routes
        # A second series for each counter, which nothing reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "llm_requests",
            "Requests for a generation, by outcome.",
            ["model", "route", "outcome"],
            registry=registry,
        )
        self._outcome = cache(self._requests.labels)  # which takes longer than counting
        self._invalid = Counter(
            "llm_invalid_requests",
            "Requests refused for what they contain: invalid input or key, unknown model.",
            ["route", "status"],
            registry=registry,
        )
        self._histograms = {
            name: Histogram(f"llm_{name}_seconds", text, "model", buckets, registry)
            for name, (text, buckets) in HISTOGRAMS.items()
        }
        self._prompt = Counter("llm_prompt_tokens", "Prompt tokens.", ["model"], registry=registry)
        self._generated = Counter("llm_generated_tokens", "Generated tokens.", ["model"], registry=registry)
        self._models: dict[str, ModelMetrics] = {}
        self.runtime_up = Gauge("llm_runtime_up", "1 while the runtime answers, else 0.", registry=registry)
        self.model_available = Gauge(
            "llm_model_available", "1 while the runtime lists it, else 0.", ["model"], registry=registry
        )
        gauges = {
            "running": ("Generations in progress.", lambda: admission.running),
            "waiting": ("Requests in the queue.", lambda: admission.waiting),
            "running_max": ("Most generations at once.", lambda: admission.max_running),
            "waiting_max": ("Most requests in the queue.", lambda: admission.max_waiting),
        }
        for name, (text, value) in gauges.items():
            Gauge(f"llm_requests_{name}", text, registry=registry).set_function(value)
        Gauge("llm_tasks", "Tasks of the event loop.", registry=registry).set_function(_tasks)
        connections = Gauge("llm_connections", "Open connections of clients.", registry=registry)
        connections.set_function(lambda: len(Protocol.open_connections))

    def prepare(self, model: str) -> None:
        """Create the model's series at 0, so that rates include its first request."""
        self._of(model)
        for route in self._routes:
            for outcome in OUTCOMES:
                self._requests.labels(model, route, outcome)

    def record(self, record: RequestRecord) -> None:
        """Count a request that has ended: on a route that generates, any; on others, only invalid ones."""
        if record.outcome == "invalid":
            self._invalid.labels(record.route, str(record.status)).inc()
        elif record.outcome and record.route:
            self._record_generation(record)

    def _record_generation(self, record: RequestRecord) -> None:
        self._outcome(record.model, record.route, record.outcome).inc()
        if record.phases is None:
            return
        for phases, usage in record.generations or [(record.phases, record.usage)]:
            if phases.dispatched is not None:
                self._observe(record, phases, usage)

    def _observe(self, record: RequestRecord, phases: Phases, usage: Usage) -> None:
        of, durations = self._of(record.model), phases.durations
        of.histograms["queue"].observe(durations.queue)
        if phases.time_to_first_token is not None:
            of.histograms["time_to_first_token"].observe(phases.time_to_first_token, record.exemplar)
        if record.outcome != "ok":
            return
        of.histograms["inference"].observe(durations.inference)
        of.histograms["load"].observe(durations.load)
        of.histograms["prefill"].observe(durations.prefill)
        of.histograms["decode"].observe(durations.decode)
        if usage.generated_tokens > 1:
            of.histograms["time_per_output_token"].observe(durations.decode / (usage.generated_tokens - 1))
        of.prompt_tokens.inc(usage.prompt_tokens)
        of.generated_tokens.inc(usage.generated_tokens)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics, and their media type: OpenMetrics, which has the exemplars, if it is asked for.

        Not by prometheus_client's choose_encoder, which fails on a version that is no number.
        """
        if openmetrics.CONTENT_TYPE_LATEST.partition(";")[0] in accept:
            content: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return content, openmetrics.CONTENT_TYPE_LATEST
        return self.render(), CONTENT_TYPE_PLAIN_0_0_4

    def _of(self, model: str) -> ModelMetrics:
        found = self._models.get(model)
        if found is None:
            histograms = {name: histogram.labels(model) for name, histogram in self._histograms.items()}
            found = ModelMetrics(histograms, self._prompt.labels(model), self._generated.labels(model))
            self._models[model] = found
        return found


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # outside an event loop
        return 0
