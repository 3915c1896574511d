"""`python -m dev up [ci]`: from a fresh machine to a platform that answers.

In the cluster: check the machine, install packages and tools, create the cluster (ctlptl), start Tilt. In the
local profile: start runtime and gateway as processes. `up ci` ends once all is green, as `tilt ci` does.
"""

import argparse
import os
import shlex
import subprocess
from collections.abc import Mapping

from dev import FixableError, configuration
from dev.doctor import probe, tools
from dev.doctor import report as doctor
from dev.doctor.choice import choose
from dev.settings import ROOT, TILT_PORT, Values, help_text
from dev.up import cluster, local, tilt


def start_cluster(
    containers: probe.ContainerEngine, given: Mapping[str, str], values: Values, verb: str
) -> int:
    """Check, set up, create the cluster and run Tilt; return Tilt's exit status.

    Raises:
        FixableError: one of the steps failed.
    """
    if not doctor.print_checks(doctor.cluster(values, containers), only_problems=True):
        raise FixableError("the checks above failed; nothing was started")
    try:
        tools.ensure(tuple(n for n in tools.CLUSTER if n != "ctlptl" or cluster.uses_ctlptl(values)))
    except FixableError as error:
        raise FixableError(f"{error}\nwithout these tools there is the local profile: make local") from error
    cluster.apply(values)
    command = tilt.command(verb, given)
    print(f"starting: {shlex.join(command)}\n  its page: http://localhost:{TILT_PORT}", flush=True)
    try:
        return subprocess.run(command, cwd=ROOT, env=tools.on_path(os.environ), check=False).returncode
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
    parser.add_argument("verb", nargs="?", choices=["ci"], help="end once everything is green")
    verb = parser.parse_args(argv).verb
    given = configuration.given(configuration.from_file(), os.environ)
    values = configuration.parse(given)
    containers = probe.container_engine() if values["profile"] != "local" else probe.NOT_ASKED
    values, reason = choose(values, containers)
    print(reason, flush=True)
    if values["profile"] == "cluster":
        given |= {name: values[name] for name in ("profile", "engine", "model")}
        return start_cluster(containers, given, values, verb or "up")
    if verb:
        raise FixableError("`up ci` needs the cluster", "start Docker, or leave PROFILE=local out")
    return local.start(values, os.environ)
