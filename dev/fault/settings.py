"""The settings of the running platform that a drill changes while it lasts."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev import FixableError
from dev.fault.changes import Changes
from dev.fault.kube import AUTOSCALER, GATEWAY, MONITOR, PROMETHEUS, RULE, RUNTIME, Kube, Ref, wait
from dev.fault.place import BEHAVIOR, GATEWAY_SETTINGS, simulated
from dev.settings import MONITORING_NAMESPACE, NAMESPACE, ROOT
from monitoring.source.drill import shortened

SCRAPE_SECONDS = 2
"""Between two scrapes and evaluations; with one, a small machine is busy with nothing else."""
INTERVAL = f"{SCRAPE_SECONDS}s"
RULES_SECONDS = 180.0
RULES = ROOT / "monitoring" / "rules"
CONTAINERS = ("spec", "template", "spec", "containers")
FIX = "make up ENGINE=simulated; without a cluster: make fault PROFILE=local"


def check(kube: Kube) -> None:
    """Check that the platform is one that a drill can run on.

    Raises:
        FixableError: it is not.
    """
    if (engine := engine_of(kube)) != "simulated":
        raise FixableError(f"the drill needs ENGINE=simulated, and {engine} runs", FIX)
    if not prometheuses(kube):
        raise FixableError("the drill needs MONITORING=true, and no Prometheus runs", FIX)
    if any(name.startswith("keda-") for name in autoscalers(kube)):
        raise FixableError(
            "the drill needs AUTOSCALER=cpu or none: KEDA starts again what a fault stopped",
            "make up ENGINE=simulated AUTOSCALER=cpu",
        )


def engine_of(kube: Kube) -> str:
    """Return the engine of the running platform."""
    env = _containers(kube.read(RUNTIME))[0].get("env", [])
    return next((str(e["value"]) for e in env if e["name"] == "RUNTIME_ENGINE"), "ollama")


def prometheuses(kube: Kube) -> list[Ref]:
    found = kube.objects(PROMETHEUS, MONITORING_NAMESPACE)
    return [Ref(PROMETHEUS, MONITORING_NAMESPACE, item["metadata"]["name"]) for item in found]


def autoscalers(kube: Kube) -> list[str]:
    return [item["metadata"]["name"] for item in kube.objects(AUTOSCALER, NAMESPACE)]


def apply(kube: Kube, changes: Changes, stack: ExitStack, *, alerts: bool = True) -> None:
    """Give the platform the drill's settings until the stack closes: one replica each, deadlines, rules."""
    for name in autoscalers(kube):
        for field in ("minReplicas", "maxReplicas"):
            _change(changes, stack, Ref(AUTOSCALER, NAMESPACE, name), ("spec", field), 1)
    stack.enter_context(environment(kube, changes, GATEWAY, GATEWAY_SETTINGS))
    stack.enter_context(environment(kube, changes, RUNTIME, simulated(BEHAVIOR)))
    for ref in prometheuses(kube):
        _change(changes, stack, ref, ("spec", "evaluationInterval"), INTERVAL)
    for ref, endpoints in _monitors(kube):
        hurried = [{**endpoint, "interval": INTERVAL} for endpoint in endpoints]
        _change(changes, stack, ref, ("spec", "endpoints"), hurried)
    for path in sorted(RULES.glob("*.yaml")):
        ref = Ref(RULE, MONITORING_NAMESPACE, f"llm-{path.stem}")
        _change(changes, stack, ref, ("spec", "groups"), _groups(path, alerts))


def await_rules(kube: Kube, http: httpx.Client, *, alerts: bool = True) -> None:
    """Wait until Prometheus has the drill's rules and intervals.

    The kubelet renews the files of a pod about once a minute, and at once when the pod changes.

    Raises:
        FixableError: they do not arrive.
    """
    expected = {
        rule["alert"]: _seconds(rule.get("for", "0s"))
        for path in RULES.glob("*.yaml")
        for group in _groups(path, alerts)
        for rule in group["rules"]
        if "alert" in rule
    }

    def loaded() -> bool:
        for pod in kube.pods("prometheus", MONITORING_NAMESPACE):
            kube.touch(pod)
        groups = _data(http, "/api/v1/rules")["groups"]
        waits = {
            r["name"]: r["duration"]
            for g in groups
            for r in g["rules"]
            if r["type"] == "alerting" and r["name"].startswith("LLM")
        }
        targets = _data(http, "/api/v1/targets")["activeTargets"]
        scraped = {t["labels"]["job"]: t["scrapeInterval"] for t in targets}
        return waits == expected and scraped.get(GATEWAY.name) == INTERVAL

    wait("the drill's rules in Prometheus", loaded, RULES_SECONDS)


def environment(
    kube: Kube, changes: Changes, ref: Ref, variables: Mapping[str, str], image: str = ""
) -> AbstractContextManager[None]:
    """Return the block during which a workload's first container has these variables; its pods restart.

    Where an image is given, it has that too.
    """
    containers = _containers(kube.read(ref))
    containers[0]["image"] = image or containers[0]["image"]
    containers[0]["env"] = with_variables(containers[0].get("env", []), variables)
    return changes.during(ref, CONTAINERS, containers)


def with_variables(env: list[dict[str, Any]], variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a container's environment with these variables in place of its own."""
    kept = [entry for entry in env if entry["name"] not in variables]
    return kept + [{"name": name, "value": value} for name, value in variables.items()]


def _change(changes: Changes, stack: ExitStack, ref: Ref, path: tuple[str, ...], value: Any) -> None:
    stack.enter_context(changes.during(ref, path, value))


def _containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    containers: list[dict[str, Any]] = workload["spec"]["template"]["spec"]["containers"]
    return containers


def _monitors(kube: Kube) -> list[tuple[Ref, list[dict[str, Any]]]]:
    """Return the monitors that the drill's alerts need: the platform's, and that of kube-state-metrics."""
    items = kube.objects(MONITOR, NAMESPACE)
    items += [
        item
        for item in kube.objects(MONITOR, MONITORING_NAMESPACE)
        if item["metadata"]["name"].endswith("kube-state-metrics")
    ]
    return [
        (Ref(MONITOR, i["metadata"]["namespace"], i["metadata"]["name"]), i["spec"]["endpoints"])
        for i in items
    ]


def _groups(path: Path, alerts: bool) -> list[dict[str, Any]]:
    rules = shortened(path.read_text(), SCRAPE_SECONDS, alerts=alerts)
    groups: list[dict[str, Any]] = yaml.safe_load(rules)["groups"]
    return groups


def _seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


def _data(http: httpx.Client, path: str) -> dict[str, Any]:
    data: dict[str, Any] = http.get(path).raise_for_status().json()["data"]
    return data
