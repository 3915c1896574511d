"""`python -m dev down`: removes the cluster and its registry: all that `up` creates outside this folder.

Nothing else is stopped or removed. KEEP=cluster removes only the platform from the cluster (tilt down), with
the settings that `up` had.
"""

import os
import subprocess
from collections.abc import Mapping

from dev import FixableError, configuration
from dev.doctor import probe, tools
from dev.gitops import argo
from dev.options import Parser
from dev.settings import CLUSTER, CONTEXT, REGISTRY, ROOT, TILT_PORT
from dev.up import cluster, tilt


def existing() -> list[str]:
    """Return descriptions of what `up` has created and is still there."""
    found = []
    status, nodes, _ = probe.run(
        "docker",
        "ps",
        "--all",
        "--filter",
        f"label=io.x-k8s.kind.cluster={CLUSTER}",
        "--format",
        "{{.Names}}",
    )
    if status == 0 and nodes:
        found.append(
            f"cluster {CONTEXT} (container {nodes.replace(chr(10), ', ')}), its pods, volumes and model files"
        )
    status, names, _ = probe.run(
        "docker", "ps", "--all", "--filter", f"name=^{REGISTRY}$", "--format", "{{.Names}}"
    )
    if status == 0 and names:
        found.append(f"registry {names}, with the images built into it")
    return found


def remove_platform(environment: Mapping[str, str]) -> None:
    """Run `tilt down` with the settings of `up`, namespaces too; the cluster stays.

    Raises:
        FixableError: tilt is missing or failed, or a setting is wrong.
    """
    command = tilt.command("down", configuration.given(environment), "--delete-namespaces")
    if subprocess.run(command, cwd=ROOT, env=tools.on_path(environment), check=False).returncode:
        raise FixableError("`tilt down` failed; its output is above", "make down removes the whole cluster")


def main(argv: list[str]) -> int:
    """Remove what `up` created and return the exit status.

    Raises:
        FixableError: something could not be removed.
    """
    parser = Parser("down", "Remove what `up` created.")
    parser.add_setting("--keep", "remove the platform alone", choices=["cluster"])
    keep = parser.parse(argv).keep
    containers = probe.container_engine()
    if not containers.ready:
        print(
            f"nothing to remove: {containers.description}. (Ctrl-C in its terminal stops the local profile.)"
        )
        return 0
    found = existing()
    if not found:
        print(f"nothing to remove: there is neither the cluster {CONTEXT} nor the registry {REGISTRY}")
        return 0
    if not probe.port_is_free(TILT_PORT):
        print(f"note: Tilt still seems to run (port {TILT_PORT}): stop it with Ctrl-C in its terminal")
    if keep:
        if argo.is_installed():
            argo.remove()
        remove_platform(os.environ)
        return 0
    commands = cluster.removal()
    for thing in found:
        print(f"removing: {thing}", flush=True)
    for command in commands:
        cluster.run(command)
    print("kept: .venv/ and .tools/ in this folder, and Docker's image cache (docker system prune)")
    return 0
