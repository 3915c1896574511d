"""`python -m dev up`: from a fresh machine to a platform that answers.

In the cluster: check the machine, install the tools, create the cluster (ctlptl), start Tilt. In the local
profile: start runtime and gateway as processes.
"""

import argparse
import os
import shlex
import subprocess
import time
from collections.abc import Mapping
from contextlib import nullcontext

from dev import FixableError, configuration
from dev.doctor import probe, tools
from dev.doctor import report as doctor
from dev.doctor.choice import choose
from dev.settings import ROOT, TILT_PORT, help_text
from dev.up import autoscalers, cluster, local, progress, tilt


def resolve(environment: Mapping[str, str]) -> tuple[dict[str, str], probe.ContainerEngine]:
    """Decide what starts, and print that and why.

    Returns:
        The settings as given, with what was chosen filled in, so Tilt need not decide again, and the
        container engine, which is not looked for where PROFILE is local.

    Raises:
        FixableError: a setting is wrong, or the machine lacks what it needs.
    """
    given = configuration.given(configuration.from_file(), environment)
    values = configuration.parse(given)
    containers = probe.NOT_ASKED if values["profile"] == "local" else probe.container_engine()
    values, reason = choose(values, containers)
    print(reason, flush=True)
    return given | {name: values[name] for name in ("profile", "engine", "model", "gateway")}, containers


def start_cluster(given: Mapping[str, str], containers: probe.ContainerEngine, verb: str = "up") -> int:
    """Check, set up, create the cluster and run `tilt up` or `tilt ci`; return its exit status.

    Raises:
        FixableError: one of the steps failed.
    """
    began = time.monotonic()
    values = configuration.parse(given)
    if not doctor.print_checks(doctor.cluster(values, containers), only_problems=True):
        raise FixableError("the checks above failed; nothing was started")
    try:
        tools.ensure(["tilt", *cluster.needs(values)])
    except FixableError as error:
        raise FixableError(error.problem, f"{error.fix}\nor do without them: make local") from error
    checked = time.monotonic()
    cluster.apply(values)
    print(autoscalers.remove_others(values["autoscaler"]), end="", flush=True)
    spent = {"checks and tools": checked - began, "cluster": time.monotonic() - checked}
    times = ", ".join(f"{name} {took:.1f} s" for name, took in spent.items())
    command = tilt.command(verb, given)
    page = f"http://localhost:{TILT_PORT}"
    print(f"{times}; starting: {shlex.join(command)}\n  its page: {page}", flush=True)
    environment = tools.on_path(os.environ)
    try:
        with progress.announced(values, spent) if verb == "up" else nullcontext():
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0  # Ctrl-C reached Tilt too, and it has ended


def main(argv: list[str]) -> int:
    """Start the platform and return the exit status.

    Raises:
        FixableError: a setting, a check or a step failed.
    """
    parser = argparse.ArgumentParser(
        prog="python -m dev up",
        description="Start the platform.",
        epilog=f"settings (make up NAME=VALUE, or environment variables):\n{help_text()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--local", action="store_true", help="use the local profile, as `make local` does")
    environment: Mapping[str, str] = os.environ
    if parser.parse_args(argv).local:
        if environment.get("PROFILE", "local") != "local":
            raise FixableError(f"make local contradicts PROFILE={environment['PROFILE']}", "use make up")
        environment = {**environment, "PROFILE": "local"}
    given, containers = resolve(environment)
    if given["profile"] == "cluster":
        return start_cluster(given, containers)
    return local.start(configuration.parse(given), os.environ)
