"""The cluster and its registry, as ctlptl.yaml says.

NODE_IMAGE and REGISTRY_IMAGE put other images in its place (a mirror's, say); CLUSTER_COMMAND is run with the
file's path in place of `ctlptl apply -f`. Standard library only.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev import FixableError, tools
from dev.tools import ROOT

CONTEXT = "kind-llm"
NAME = "llm"
REGISTRY = "llm-registry"


def with_images(text: str, node_image: str, registry_image: str) -> str:
    """ctlptl.yaml with other images where they are given.

    Raises:
        FixableError: the file has no such line.
    """
    documents = re.split(r"(?m)^---$", text)
    for number, document in enumerate(documents):
        image, indent = ("", "")
        if re.search(r"(?m)^kind: Registry$", document):
            image, indent = registry_image, ""
        elif re.search(r"(?m)^kind: Cluster$", document):
            image, indent = node_image, r"[ -]+"
        if image:
            documents[number], count = re.subn(rf"(?m)^({indent}image:).*$", rf"\1 {image}", document)
            if not count:
                raise FixableError("ctlptl.yaml has no `image:` line to put another image into")
    return "---".join(documents)


def file(environment: Mapping[str, str], root: Path = ROOT) -> Path:
    """The file to apply: ctlptl.yaml itself, or a copy under out/ with other images."""
    node, registry = environment.get("NODE_IMAGE", ""), environment.get("REGISTRY_IMAGE", "")
    original = root / "ctlptl.yaml"
    if not node and not registry:
        return original
    copy = root / "out/ctlptl.yaml"
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(with_images(original.read_text(), node, registry))
    return copy


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, cwd=ROOT, env=tools.on_path(os.environ), check=False)
    except OSError as error:
        raise FixableError(f"{command[0]} did not start: {error}", "make doctor") from error
    if done.returncode:
        raise FixableError(f"`{shlex.join(command)}` failed, in the words above", "make doctor; then again")


def apply(environment: Mapping[str, str]) -> None:
    """Bring up the cluster and its registry; harmless when they stand.

    Raises:
        FixableError: it did not come up.
    """
    other = shlex.split(environment.get("CLUSTER_COMMAND", ""))
    command = other or [tools.path("ctlptl"), "apply", "-f"]
    _run([*command, str(file(environment))])


def remove() -> None:
    """Remove the cluster, with all that is in it, and the registry.

    Raises:
        FixableError: something of it is still there.
    """
    if tools.find(tools.TOOLS["ctlptl"]):
        _run([tools.path("ctlptl"), "delete", "--ignore-not-found", "-f", str(ROOT / "ctlptl.yaml")])
        return
    _run([tools.path("kind"), "delete", "cluster", "--name", NAME])
    _run(["docker", "rm", "--force", "--volumes", REGISTRY])
