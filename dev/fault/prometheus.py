"""Runs Prometheus on this machine, and asks it what the drill wants to know."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev.fault.timeline import Series
from monitoring.source.drill import duration

COUNTERS = '{__name__=~"llm_.+_(total|count|sum|bucket)", pod=~"llm-api.*"}'
STARTS = 'process_start_time_seconds{pod=~"llm-api.*"}'
OUTCOMES = 'sum by (outcome) (llm_requests_total{pod=~"llm-api.*"})'
RESOURCES = {
    "memory": "process_resident_memory_bytes",
    "file descriptors": "process_open_fds",
    "tasks": "llm_tasks",
    "connections": "llm_connections",
}
LEFT = 'sum(llm_requests_running{pod=~"llm-api.*"}) + sum(llm_requests_waiting{pod=~"llm-api.*"})'


def command(
    program: str, address: str, folder: Path, gateway: str, rules: Iterable[Path], seconds: float
) -> list[str]:
    """Write a configuration into a folder, and return the command that runs Prometheus with it.

    Args:
        program: The path of Prometheus.
        address: Where it listens, as HOST:PORT.
        folder: Where its configuration and its data are.
        gateway: The URL of the gateway that it scrapes, as if that were the pod llm-api-0.
        rules: The files of the rules that it evaluates.
        seconds: Between two scrapes, and between two evaluations.
    """
    target = {
        "targets": [gateway.removeprefix("http://")],
        "labels": {"namespace": "llm", "pod": "llm-api-0"},
    }
    interval = duration(seconds)
    config = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
        },
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [{"job_name": "llm-api", "static_configs": [target]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return [
        program,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]


class Prometheus:
    """Queries; each raises httpx.HTTPError if Prometheus does not answer."""

    def __init__(self, http: httpx.Client) -> None:
        """Ask with a client whose base URL is that of Prometheus."""
        self._http = http

    def firing(self) -> set[str]:
        """Return the names of this project's alerts that fire."""
        alerts = self._get("/api/v1/alerts")["alerts"]
        names = {a["labels"]["alertname"] for a in alerts if a["state"] == "firing"}
        return {name for name in names if name.startswith("LLM")}

    def scraped(self) -> bool:
        """Tell whether the gateway's metrics are there."""
        return bool(self._vector("llm_requests_running"))

    def left(self) -> float | None:
        """Return how many requests the gateways have; None if they are not scraped."""
        found = self._vector(LEFT)
        return float(found[0]["value"][1]) if found else None

    def outcomes(self) -> dict[str, float]:
        """Return how many requests each outcome has had, in all gateways."""
        return {s["metric"]["outcome"]: float(s["value"][1]) for s in self._vector(OUTCOMES)}

    def resources(self) -> dict[str, float]:
        """Return what the gateways use; what is not scraped is missing."""
        found = {
            name: self._vector(f'sum({metric}{{pod=~"llm-api.*"}})') for name, metric in RESOURCES.items()
        }
        return {name: float(series[0]["value"][1]) for name, series in found.items() if series}

    def counters(self, seconds: float) -> dict[str, list[Series]]:
        """Return every sample of the gateways' counters in the last seconds, by pod."""
        found: dict[str, list[Series]] = {}
        for series in self._vector(f"{COUNTERS}[{seconds:.0f}s]"):
            labels = dict(series["metric"])
            name, pod = labels.pop("__name__"), labels["pod"]
            described = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
            found.setdefault(pod, []).append(Series(f"{name}{{{described}}}", _samples(series)))
        return found

    def starts(self, seconds: float) -> dict[str, list[tuple[float, float]]]:
        """Return when each pod's process had started, at each scrape in the last seconds."""
        found = self._vector(f"{STARTS}[{seconds:.0f}s]")
        return {series["metric"]["pod"]: _samples(series) for series in found}

    def _vector(self, query: str) -> list[Any]:
        result: list[Any] = self._get("/api/v1/query", query=query)["result"]
        return result

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        response = self._http.get(path, params=parameters)
        response.raise_for_status()
        data: dict[str, Any] = response.json()["data"]
        return data


def _samples(series: dict[str, Any]) -> list[tuple[float, float]]:
    return [(float(at), float(value)) for at, value in series["values"]]
