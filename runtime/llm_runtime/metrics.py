"""Prometheus metrics, computed from the runner's counts at each scrape, so that requests pay nothing."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from llm_runtime.runner import Runner


class RunnerCollector(Collector):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def collect(self) -> Iterator[Metric]:
        runner = self._runner
        gauges = {
            "running": ("Requests that hold a slot.", runner.slots.taken),
            "waiting": ("Requests that wait for a slot.", runner.slots.waiting),
            "running_max": ("Number of slots.", runner.slots.size),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(f"llm_runtime_requests_{name}", text, value)
        yield GaugeMetricFamily("llm_runtime_model_loaded", "1 while the model is in memory.", runner.loaded)
        counters = {
            "completed": ("Requests that completed.", runner.completed),
            "failed": ("Requests that failed.", runner.failed),
            "cancelled": ("Requests whose client left.", runner.cancelled),
            "prompt_tokens": ("Prompt tokens of completed requests.", runner.prompt_tokens),
            "generated_tokens": (
                "Tokens generated, by completed, failed and cancelled generations alike.",
                runner.generated_tokens,
            ),
        }
        for name, (text, value) in counters.items():
            yield CounterMetricFamily(f"llm_runtime_{name}", text, value)


def make_registry(runner: Runner) -> CollectorRegistry:
    """Create a registry with the metrics of the runner and of this process."""
    registry = CollectorRegistry()
    registry.register(RunnerCollector(runner))
    ProcessCollector(registry=registry)
    return registry


def render(registry: CollectorRegistry) -> Response:
    """Return all metrics in Prometheus' text format."""
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})
