"""`make up`: from a fresh machine to a platform that answers.

Where a container engine answers: checks, tools, cluster (ctlptl), Tilt. Where none does: a line
that says so, and the local profile. A Tilt setting is an environment variable in capitals (RUNTIME, MODEL,
MONITORING, ...), so `make up RUNTIME=embedded MONITORING=false` works. `python -m dev.up.start ci` ends
when all is green, as `tilt ci` does. Standard library only.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

from dev import FixableError, tools
from dev.doctor import probe
from dev.doctor import report as doctor
from dev.up import cluster, local

SETTINGS = (
    "runtime",
    "model",
    "model_source",
    "model_insecure",
    "monitoring",
    "grafana",
    "autoscaler",
    "image_registry",
    "python_image",
    "ollama_image",
    "k6_image",
    "pip_index_url",
    "kube_prometheus_stack_chart",
    "metrics_server_chart",
    "keda_chart",
    "charts_plain_http",
    "extensions_repo",
    "extensions_ref",
)


def decide(wanted: str, engine: probe.Engine) -> tuple[str, str]:
    """Where to start, "cluster" or "local", and why; from RUNTIME and the engine found.

    Raises:
        FixableError: RUNTIME names what cannot be had without an engine.
    """
    if wanted == "local":
        return "local", "RUNTIME=local: the local profile, without containers."
    if engine.ready:
        return "cluster", f"{engine.says}: the cluster {cluster.CONTEXT}."
    if wanted == "ollama":
        raise FixableError(
            f"RUNTIME=ollama runs in the cluster, and {engine.says}",
            "start Docker; or without containers: make up RUNTIME=embedded",
        )
    return (
        "local",
        f"No container engine: {engine.says}. Starting the local profile; start Docker for the cluster.",
    )


def tilt_arguments(environment: Mapping[str, str]) -> list[str]:
    """`--name=value` for every Tilt setting that the environment gives in capitals."""
    return [f"--{name}={environment[name.upper()]}" for name in SETTINGS if environment.get(name.upper())]


def tilt(how: str, environment: Mapping[str, str], *options: str) -> list[str]:
    """The command of Tilt's for these settings: `how` is up, ci or down, with options of its own."""
    settings = tilt_arguments(environment)
    return [tools.path("tilt"), how, "--context", cluster.CONTEXT, *options, "--", *settings]


def start_cluster(engine: probe.Engine, environment: Mapping[str, str], how: str = "up") -> int:
    """Checks, tools, cluster, then Tilt; its exit status.

    Raises:
        FixableError: one of the steps failed.
    """
    if not doctor.report(doctor.cluster(engine), only_trouble=True):
        raise FixableError("the checks above failed; nothing was started")
    own_cluster = bool(environment.get("CLUSTER_COMMAND"))
    try:
        tools.ensure(tuple(name for name in tools.CLUSTER if name != "ctlptl" or not own_cluster))
    except FixableError as error:
        raise FixableError(f"{error}\nwithout them there is the local profile: make local") from error
    cluster.apply(environment)
    command = tilt(how, environment)
    print(f"starting: {shlex.join(command)}\n  its page: http://localhost:10350", flush=True)
    try:
        return subprocess.run(command, cwd=tools.ROOT, env=tools.on_path(environment), check=False).returncode
    except KeyboardInterrupt:
        return 0  # Ctrl-C ends Tilt, which had it too


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """The command; its exit status."""
    if arguments not in ([], ["ci"]):
        print("usage: python -m dev.up [ci]", file=sys.stderr)
        return 2
    wanted = environment.get("RUNTIME", "")
    engine = probe.Engine(False, "not asked") if wanted == "local" else probe.engine()
    try:
        where, why = decide(wanted, engine)
        print(why, flush=True)
        if where == "cluster":
            return start_cluster(engine, environment, *arguments)
        if arguments:
            raise FixableError("`ci` needs the cluster", "start Docker")
        return local.start(environment)
    except FixableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
