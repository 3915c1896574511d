"""Creates and removes the cluster and its registry, as ctlptl.yaml describes them."""

import os
import re
import shlex
import subprocess
from pathlib import Path

from dev import FixableError
from dev.doctor import tools
from dev.settings import CLUSTER, HTTPS_PORT, REGISTRY, ROOT, Values

FILE = "ctlptl.yaml"


def with_images(text: str, node_image: str, registry_image: str) -> str:
    """Return the text of ctlptl.yaml with the images that are not empty in place of its own.

    Raises:
        FixableError: the text has no line for an image.
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
                raise FixableError("ctlptl.yaml has no `image:` line to replace")
    return "---".join(documents)


def with_port(text: str, port: int) -> str:
    """Return the text of ctlptl.yaml with HTTPS at another port of this machine.

    Raises:
        FixableError: the text maps no port.
    """
    changed, count = re.subn(r"(?m)^( *hostPort:).*$", rf"\1 {port}", text)
    if not count:
        raise FixableError("ctlptl.yaml has no `hostPort:` line to replace")
    return changed


def file(values: Values, root: Path = ROOT, name: str = FILE) -> Path:
    """Return the file to apply: that of this name, or a copy in out/ with other images or another port."""
    node, registry, port = values["node_image"], values["registry_image"], values["https_port"]
    original = root / name
    if not node and not registry and port == HTTPS_PORT:
        return original
    text = with_images(original.read_text(), node, registry)
    copy = root / "out" / name
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(text if port == HTTPS_PORT else with_port(text, port))
    return copy


def run(command: list[str]) -> None:
    """Run a command; its output is the terminal's.

    Raises:
        FixableError: the command did not start, or failed.
    """
    try:
        done = subprocess.run(command, cwd=ROOT, env=tools.on_path(os.environ), check=False)
    except OSError as error:
        raise FixableError(f"{command[0]} did not start: {error}", "make doctor") from error
    if done.returncode:
        problem = f"`{shlex.join(command)}` failed; its output is above"
        raise FixableError(problem, "make doctor, then try again")


def uses_ctlptl(values: Values) -> bool:
    """Return whether CLUSTER_COMMAND is ctlptl's, as it is by default."""
    return shlex.split(values["cluster_command"])[:1] == ["ctlptl"]


def needs(values: Values) -> list[str]:
    """Return the names of the tools that creating the cluster and installing charts in it take."""
    return [name for name in tools.CLUSTER if name != "tilt" and (name != "ctlptl" or uses_ctlptl(values))]


def apply(values: Values, name: str = FILE) -> None:
    """Create the cluster and its registry; what exists is left as it is.

    Raises:
        FixableError: the command failed.
    """
    program, *arguments = shlex.split(values["cluster_command"])
    run([tools.path("ctlptl") if uses_ctlptl(values) else program, *arguments, str(file(values, name=name))])


def removal() -> list[list[str]]:
    """Return the commands that remove the cluster, with everything in it, and the registry.

    Raises:
        FixableError: there is no program that can.
    """
    if tools.find("ctlptl"):
        return [[tools.path("ctlptl"), "delete", "--ignore-not-found", "-f", str(ROOT / FILE)]]
    kind = [tools.path("kind"), "delete", "cluster", "--name", CLUSTER]
    return [kind, ["docker", "rm", "--force", "--volumes", REGISTRY]]
