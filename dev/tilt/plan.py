"""What the Tiltfile has to know: its settings checked, and turned into the charts' values and commands.

    python -m dev.tilt_plan SUBCOMMAND < settings.json    prints the plan as JSON, or {"error": ...}

The Tiltfile is a table of contents without branches of its own; they are here, where tests reach them.
Standard library only.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from dev import FixableError, tools
from dev.doctor import report as doctor
from dev.tilt import sources as tilt_sources
from dev.up import local

RUNTIMES = {"ollama": "ollama", "embedded": "llamacpp", "simulated": "simulated", "local": "llamacpp"}
AUTOSCALERS = ("cpu", "queue", "none")
MODELS = {"ollama": "gemma3:270m", "llamacpp": local.MODEL, "simulated": local.MODEL}
# How long a model's download may keep `tilt ci` waiting; Tilt knows readiness_timeout since 0.35.
CI = {"timeout": "40m", "k8s_grace_period": "3m"}
READINESS_TIMEOUT = "30m"
Plan = dict[str, Any]


def choice(settings: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    """A setting that has a few values; the first where it is not given.

    Raises:
        FixableError: it has another one.
    """
    value = str(settings.get(name) or allowed[0])
    if value not in allowed:
        raise FixableError(f"{name}={value} is none of {', '.join(allowed)}", f"--{name}={allowed[0]}")
    return value


def plan(settings: Mapping[str, Any], environment: Mapping[str, str]) -> Plan:
    """The plan for some settings.

    Raises:
        FixableError: a setting has a value that cannot be, or two of them contradict each other.
    """
    runtime = choice(settings, "runtime", tuple(RUNTIMES))
    autoscaler = choice(settings, "autoscaler", AUTOSCALERS)
    where = "local" if runtime == "local" else "cluster"
    common = {"where": where, "extensions": tilt_sources.extensions(settings)}
    if where == "local":
        return {**common, "processes": processes(settings, environment)}
    monitoring = bool(settings.get("monitoring", True))
    if autoscaler == "queue" and not monitoring:
        raise FixableError(
            "autoscaler=queue asks Prometheus, and monitoring=false leaves it out",
            "--autoscaler=cpu, or leave --monitoring=false out",
        )
    engine = RUNTIMES[runtime]
    images = tilt_sources.images(settings)
    return {
        **common,
        "monitoring": monitoring,
        "grafana": monitoring and bool(settings.get("grafana", True)),
        "namespaces": ["llm", "monitoring"] if monitoring or autoscaler == "queue" else ["llm"],
        "builds_runtime": engine != "ollama",
        "build_args": tilt_sources.build_arguments(settings, images),
        "pip_index": str(settings.get("pip_index_url") or ""),
        "environment": {"K6_IMAGE": images["k6"]} if settings.get("k6_image") or images["mirrored"] else {},
        "api_values": assignments(api_values(settings, engine, autoscaler, monitoring)),
        "runtime_values": assignments(runtime_values(settings, engine, autoscaler, monitoring, images)),
        "charts": {
            name: tilt_sources.chart(name, settings)
            for name, wanted in (
                ("kube-prometheus-stack", monitoring),
                ("metrics-server", autoscaler == "cpu"),
                ("keda", autoscaler == "queue"),
            )
            if wanted
        },
    }


def api_values(settings: Mapping[str, Any], engine: str, autoscaler: str, monitoring: bool) -> dict[str, Any]:
    """What charts/llm-api is given."""
    return {
        "development": True,
        "model": settings.get("model") or MODELS[engine],
        "autoscaling.mode": autoscaler,
        "serviceMonitor.enabled": monitoring,
    }


def runtime_values(
    settings: Mapping[str, Any], engine: str, autoscaler: str, monitoring: bool, images: Mapping[str, str]
) -> dict[str, Any]:
    """What charts/llm-runtime is given."""
    values: dict[str, Any] = {
        "engine": engine,
        "model.name": settings.get("model") or MODELS[engine],
        "autoscaling.mode": autoscaler,
        "serviceMonitor.enabled": monitoring,
    }
    if engine == "ollama":
        return values | {
            **tilt_sources.image_values(images["ollama"]),
            "model.source": settings.get("model_source") or "",
            "model.insecure": bool(settings.get("model_insecure")),
        }
    # Its weights are in its image.
    return values | {"development": True, "persistence.enabled": False}


def assignments(values: Mapping[str, Any]) -> list[str]:
    """`name=value` as helm's --set wants them; what is empty is left to the chart."""
    return [f"{name}={_text(value)}" for name, value in values.items() if value != ""]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("\\", "\\\\").replace(",", "\\,")


def processes(settings: Mapping[str, Any], environment: Mapping[str, str]) -> Plan:
    """The two processes of dev/Procfile, and what each has in its environment."""
    ports = doctor.local_ports(environment)
    # RUNTIME says where things run, here; which engine, the local profile knows.
    given = {**environment, "RUNTIME": "local", "MODEL": str(settings.get("model") or "")}
    theirs = local.settings({name: value for name, value in given.items() if value})
    own = {name: value for name, value in theirs.items() if environment.get(name) != value}
    lines = (tools.ROOT / "dev/Procfile").read_text().splitlines()
    commands = dict(line.split(": ", 1) for line in lines if ": " in line)
    return {
        "commands": commands,
        "environment": own,
        "api_port": ports["API_PORT"],
        "runtime_port": ports["RUNTIME_PORT"],
    }


def ci_settings() -> dict[str, str]:
    """The arguments of ci_settings() that this Tilt knows."""
    try:
        told = subprocess.run(["tilt", "version"], capture_output=True, text=True, timeout=20, check=False)
        version = tools.parse_version(told.stdout)
    except (OSError, subprocess.TimeoutExpired):
        version = None
    newer = version is not None and version >= (0, 35, 0)
    return {**CI, "readiness_timeout": READINESS_TIMEOUT} if newer else CI


def main() -> int:
    """The command; its exit status is 0, errors are in its answer."""
    subcommand = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        answer = plan(json.load(sys.stdin), os.environ)
        answer["ci"] = ci_settings() if subcommand == "ci" else CI
    except FixableError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
