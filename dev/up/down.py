"""`make down`: removes the cluster kind-llm and its registry, all that `make up` made outside this folder.

Nothing else is stopped or removed. KEEP=cluster only takes the platform out of the cluster (tilt down),
with the settings that `make up` had. Standard library only.
"""

import os
import subprocess
import sys
from collections.abc import Mapping

from dev import FixableError, tools
from dev.doctor import probe
from dev.up import cluster
from dev.up import start as up
from dev.up.cluster import CONTEXT


def standing() -> list[str]:
    """What `make up` made and is still there, in words."""
    found = []
    status, nodes, _ = probe.run(
        "docker",
        "ps",
        "--all",
        "--filter",
        f"label=io.x-k8s.kind.cluster={cluster.NAME}",
        "--format",
        "{{.Names}}",
    )
    if status == 0 and nodes:
        found.append(
            f"cluster {CONTEXT} (container {nodes.replace(chr(10), ', ')}), its pods, volumes and model files"
        )
    status, names, _ = probe.run(
        "docker", "ps", "--all", "--filter", f"name=^{cluster.REGISTRY}$", "--format", "{{.Names}}"
    )
    if status == 0 and names:
        found.append(f"registry {names}, with the images built into it")
    return found


def take_platform_out(environment: Mapping[str, str]) -> None:
    """`tilt down` with the settings of `make up`, namespaces too; the cluster stays.

    Raises:
        FixableError: tilt is missing or failed.
    """
    command = up.tilt("down", environment, "--delete-namespaces")
    if subprocess.run(command, cwd=tools.ROOT, env=tools.on_path(environment), check=False).returncode:
        raise FixableError(
            "`tilt down` failed, in the words above", "make down removes the cluster as a whole"
        )


def main(environment: Mapping[str, str]) -> int:
    """The command; its exit status."""
    engine = probe.engine()
    if not engine.ready:
        print(f"nothing to remove: {engine.says}. (The local profile ends with Ctrl-C in its terminal.)")
        return 0
    found = standing()
    if not found:
        print(
            f"nothing to remove: neither the cluster {CONTEXT} nor the registry {cluster.REGISTRY} is there"
        )
        return 0
    if not probe.port_is_free(10350):
        print("note: Tilt seems to run still (port 10350): end it with Ctrl-C in its terminal")
    try:
        if environment.get("KEEP") == "cluster":
            take_platform_out(environment)
            return 0
        for thing in found:
            print(f"removing: {thing}")
        cluster.remove()
    except FixableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("kept: .venv/ and .tools/ in this folder, and Docker's own cache of images (docker system prune)")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
