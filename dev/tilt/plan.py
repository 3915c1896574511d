"""What the Tiltfile needs to know: its settings checked, and turned into the charts' values and commands.

    python -m dev tilt settings          print the settings that Tilt defines, as JSON
    python -m dev tilt plan < REQUEST    print the plan as JSON, or {"error": ...}

A request is {"settings": {...}, "subcommand": "up", "context": "kind-llm"}. The logic is here, not in the
Tiltfile, so that tests reach it.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from dev import FixableError, configuration
from dev.doctor import ollama, probe
from dev.doctor.choice import ENGINES, choose
from dev.fault.table import ALL, possible
from dev.settings import (
    CONTEXT,
    GRAFANA_PORT,
    IMAGES,
    JAEGER_PORT,
    MONITORING_NAMESPACE,
    NAMESPACE,
    PROMETHEUS_PORT,
    SETTINGS,
    TABLE,
    Values,
)
from dev.tilt import ci, https, owner, policies, sources, tracing
from dev.up import processes

Plan = dict[str, Any]


def definitions() -> dict[str, Any]:
    """Return what the Tiltfile defines before it reads its settings."""
    defined = [{"name": s.name, "usage": s.usage, "switch": s.kind == "switch"} for s in TABLE if s.tilt]
    return {"context": CONTEXT, "settings": defined}


def read(
    flags: Mapping[str, object], environment: Mapping[str, str], subcommand: str, context: str
) -> Values:
    """Return the settings, with where the platform runs and what answers filled in.

    An Ollama that answers at the runtime's port is not looked for: it may be the one that Tilt forwards.

    Raises:
        FixableError: a setting is wrong, or two of them contradict each other.
    """
    values = configuration.parse(configuration.given(environment, configuration.as_variables(flags)))
    if subcommand == "down" and values["engine"] == "host":
        values["engine"] = "ollama"  # whose objects include all of host's; no Ollama has to run for this
    if values["profile"] == "local":
        containers = probe.NOT_ASKED
    elif context == CONTEXT or values["profile"] == "cluster":
        containers = probe.ContainerEngine(True, f"the context is {context}")  # it has answered before
    else:
        containers = probe.container_engine()
    return choose(values, containers, detect=False)[0]


def plan(
    flags: Mapping[str, object],
    environment: Mapping[str, str],
    subcommand: str = "up",
    context: str = CONTEXT,
) -> Plan:
    """Return the plan for Tilt's flags.

    Raises:
        FixableError: a setting is wrong, or two of them contradict each other.
    """
    values = read(flags, environment, subcommand, context)
    if values["profile"] == "cluster":
        owner.check(values, subcommand, context)
        if subcommand != "down" and not values["gitops"]:
            https.check(values)
    common = {
        "profile": values["profile"],
        "gitops": values["gitops"],
        "extensions": sources.extensions(values),
        "ci": ci.limits() if subcommand == "ci" else ci.CI,
        "ports": {
            "api": values["api_port"],
            "runtime": values["runtime_port"],
            "grafana": GRAFANA_PORT,
            "prometheus": PROMETHEUS_PORT,
            "jaeger": JAEGER_PORT,
        },
        "environment": button_environment(values),
        "faults": [*(fault.name for fault in possible(values["profile"] == "cluster")), ALL],
    }
    return common | (local(values, environment) if values["profile"] == "local" else cluster(values))


def button_environment(values: Values) -> dict[str, str]:
    """Return the variables that the commands of Tilt's buttons need to find this platform."""
    names = ("profile", "engine", "api_port")
    return {SETTINGS[n].variable: str(values[n]) for n in names} | sources.k6_environment(values)


def cluster(values: Values) -> Plan:
    """Return the part of the plan that the cluster needs."""
    monitoring = values["monitoring"]
    images = sources.images(values)
    return {
        "monitoring": monitoring,
        "grafana": monitoring and values["grafana"],
        "namespace": NAMESPACE,
        "monitoring_namespace": MONITORING_NAMESPACE,
        "namespaces": sources.namespaces(values),
        "https": https.plan(values),
        "policies": policies.files(values),
        "tracing": tracing.plan(values, images["jaeger"]),
        "folders": IMAGES,
        "runs_runtime": values["engine"] != "host",
        "builds_runtime": ENGINES[values["engine"]].embedded,
        "build_args": sources.build_arguments(values, images),
        "pip_index": values["pip_index_url"],
        "api_values": assignments(api_values(values)),
        "runtime_values": assignments(runtime_values(values, images)),
        "crds": [*sources.needed(values), *(["gateway-api"] if values["gateway"] != "none" else [])],
        "charts": {name: sources.chart(name, values) for name in sources.needed(values)},
    }


def api_values(values: Values) -> dict[str, Any]:
    """Return the values of charts/llm-api."""
    common = {
        "development": True,
        "model": values["model"].split(",")[0],
        "autoscaling.mode": values["autoscaler"],
        "serviceMonitor.enabled": values["monitoring"],
        **https.route_values(values),
        **tracing.api_values(values),
    }
    if values["engine"] != "host":
        return common | policies.gateway_values(values)
    url = ollama.url_from_pods(ollama.parse_address(values["ollama_host"]), probe.container_engine())
    own = {"runtime.url": url, "runtime.balance": "none"}
    return common | own | policies.gateway_values(values, url)


def runtime_values(values: Values, images: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of charts/llm-runtime, none where it is not installed."""
    if values["engine"] == "host":
        return {}
    common = {
        "engine": values["engine"],
        "autoscaling.mode": values["autoscaler"],
        "autoscaling.minReplicas": 0 if values["scale_to_zero"] else "",
        "serviceMonitor.enabled": values["monitoring"],
    } | policies.runtime_values(values)
    if ENGINES[values["engine"]].embedded:
        own = {"models[0].name": values["model"], "development": True}
        return common | own | {"persistence.enabled": False}  # the weights are in the image
    return common | sources.image_values(images["ollama"]) | sources.model_values(values)


def assignments(values: Mapping[str, Any]) -> list[str]:
    """Return `name=value` as helm's --set reads it; an empty value is left to the chart."""
    return [f"{name}={_escaped(value)}" for name, value in values.items() if value != ""]


def _escaped(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("\\", "\\\\").replace(",", "\\,")


def local(values: Values, environment: Mapping[str, str]) -> Plan:
    """Return the part of the plan that the local profile needs: processes and what they need."""
    both = processes.environment(values, environment)
    added = {name: value for name, value in both.items() if environment.get(name) != value}
    return {"processes": {"commands": processes.commands(values), "environment": added}}


def main(argv: list[str]) -> int:
    """Answer the Tiltfile and return 0: an error is part of the answer, for the Tiltfile to show."""
    parser = argparse.ArgumentParser(prog="python -m dev tilt", description="Answer the Tiltfile.")
    parser.add_argument("question", choices=["settings", "plan"])
    if parser.parse_args(argv).question == "settings":
        answer = definitions()
    else:
        request = json.load(sys.stdin)
        try:
            answer = plan(request["settings"], os.environ, request["subcommand"], request["context"])
        except FixableError as error:
            answer = {"error": str(error)}
    print(json.dumps(answer))
    return 0
