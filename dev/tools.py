"""Finds the command-line tools, and installs those that are missing at mise.toml's versions into .tools/.

    python -m dev.tools             the tools that the cluster needs; fails if one cannot be had
    python -m dev.tools --for test  helm and promtool; one that cannot be had is named, its tests skip

A tool on the PATH at a version that serves is used as it is. Standard library only.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import FixableError, mise

ROOT = Path(__file__).resolve().parent.parent
HELM = "helm.sh/helm/v3"
# A helm built from source tells no version and takes a cluster for an ancient one, unless told.
HELM_FLAGS = f"-s -w -X {HELM}/internal/version.version=v%s" + "".join(
    f" -X {HELM}/pkg/{part}.k8sVersionMajor=1 -X {HELM}/pkg/{part}.k8sVersionMinor=34"
    for part in ("lint/rules", "chartutil")
)


@dataclass(frozen=True)
class Tool:
    """A program: how it tells its version, the oldest version that serves, and where Go finds it."""

    name: str
    minimum: str
    version_arguments: tuple[str, ...]
    go_package: str = ""
    go_flags: str = "-s -w"

    def go_target(self, version: str) -> str:
        """The argument of `go install`; Prometheus' module counts 3.16.0 as v0.316.0."""
        if self.name == "promtool":
            major, minor, patch = version.split(".")
            version = f"0.{major}{int(minor):02d}.{patch}"
        return f"{self.go_package}@v{version}"


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("kind", "0.27.0", ("version",), "sigs.k8s.io/kind"),
        Tool("kubectl", "1.31.0", ("version", "--client")),
        Tool("helm", "3.14.0", ("version", "--short"), f"{HELM}/cmd/helm", HELM_FLAGS),
        Tool("tilt", "0.33.20", ("version",)),
        Tool("ctlptl", "0.8.30", ("version",)),
        Tool("promtool", "2.50.0", ("--version",), "github.com/prometheus/prometheus/cmd/promtool"),
        Tool("k6", "1.0.0", ("version",), "go.k6.io/k6"),
    )
}
CLUSTER = ("kind", "kubectl", "helm", "tilt", "ctlptl")
TEST = ("helm", "promtool")


def pins(root: Path = ROOT) -> dict[str, str]:
    """The versions of mise.toml."""
    tools: dict[str, str] = tomllib.loads((root / "mise.toml").read_text())["tools"]
    return tools


def parse_version(text: str) -> tuple[int, ...] | None:
    """The first version number in a program's words, or None where it tells none."""
    found = re.search(r"(?<![\d.])v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def serves(version: tuple[int, ...] | None, minimum: str) -> bool:
    """Whether a version is new enough; a build that tells no version is taken at its word."""
    needed = parse_version(minimum)
    return version is None or needed is None or version >= needed


def tell_version(program: str, tool: Tool) -> tuple[int, ...] | None:
    """The version that a program tells, or None where it tells none or does not start."""
    try:
        told = subprocess.run(
            [program, *tool.version_arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = told.stdout.strip().splitlines()
    return parse_version(lines[0]) if lines else None


def find(tool: Tool, root: Path = ROOT) -> tuple[str, str] | None:
    """Where a tool that serves is, and what is to be said of it; None where there is none."""
    ours = root / ".tools/bin" / tool.name
    stamp = root / ".tools/versions" / tool.name
    pinned = pins(root)[tool.name]
    if ours.exists() and stamp.exists() and stamp.read_text() == pinned:
        return str(ours), f"{pinned} (.tools)"
    elsewhere = [p for p in os.environ.get("PATH", "").split(os.pathsep) if Path(p) != ours.parent]
    there = shutil.which(tool.name, path=os.pathsep.join(elsewhere))
    if there is None:
        return None
    version = tell_version(there, tool)
    if not serves(version, tool.minimum):
        return None
    return there, (".".join(map(str, version)) if version else "of an untold version") + f" ({there})"


def go_install(tool: Tool, version: str, root: Path) -> str:
    """Build a tool with Go into .tools/bin; the empty string, or why it could not be built."""
    if not tool.go_package:
        return f"{tool.name} cannot be built by `go install`"
    if shutil.which("go") is None:
        return "no Go is on the PATH"
    print(f"tools: {tool.name} {version} is built with go install (minutes, once)", flush=True)
    environment = {**os.environ, "GOBIN": str(root / ".tools/bin"), "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
    flags = tool.go_flags.replace("%s", version)
    command = ["go", "install", "-trimpath", "-ldflags", flags, tool.go_target(version)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=root / ".tools", check=False
    )
    return done.stderr.strip()[-400:] if done.returncode else ""


def install(tool: Tool, root: Path = ROOT) -> None:
    """Install a tool at its pinned version: by mise, else by Go.

    Raises:
        FixableError: neither could.
    """
    version = pins(root)[tool.name]
    (root / ".tools/bin").mkdir(parents=True, exist_ok=True)
    (root / ".tools/versions").mkdir(parents=True, exist_ok=True)
    (root / ".tools/versions" / tool.name).unlink(missing_ok=True)
    by_mise = mise.install(tool.name, version, root)
    by_go = go_install(tool, version, root) if by_mise else ""
    if by_mise and by_go:
        raise FixableError(
            f"{tool.name} {version} is missing and could not be installed\n"
            f"  mise: {by_mise}\n  go install: {by_go}\n"
            f"  fix: install {tool.name} {tool.minimum} or newer and put it on the PATH; behind a mirror,\n"
            "       see MISE_DOWNLOAD_URL and MISE_URL_REPLACEMENTS in the README"
        )
    (root / ".tools/versions" / tool.name).write_text(version)


def path(name: str, root: Path = ROOT) -> str:
    """Where a tool that serves is.

    Raises:
        FixableError: it is missing.
    """
    found = find(TOOLS[name], root)
    if found is None:
        raise FixableError(
            f"{name} is missing, or too old on the PATH\n  fix: python -m dev.tools installs it"
        )
    return found[0]


def ensure(names: tuple[str, ...], root: Path = ROOT) -> None:
    """Find or install tools.

    Raises:
        FixableError: one or more cannot be had.
    """
    problems = []
    for name in names:
        if find(TOOLS[name], root):
            continue
        try:
            install(TOOLS[name], root)
        except FixableError as problem:
            problems.append(str(problem))
    if problems:
        raise FixableError("\n".join(problems))


def on_path(environment: Mapping[str, str], root: Path = ROOT) -> dict[str, str]:
    """An environment whose PATH has .tools/bin in front, so that the tools find each other."""
    return {**environment, "PATH": f"{root / '.tools/bin'}{os.pathsep}{environment.get('PATH', '')}"}


def main() -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.tools", description="Find or install the tools.")
    parser.add_argument("--for", dest="purpose", choices=["cluster", "test"], default="cluster")
    purpose = parser.parse_args().purpose
    try:
        ensure(CLUSTER if purpose == "cluster" else TEST)
    except FixableError as error:
        print(f"{'error' if purpose == 'cluster' else 'note'}: {error}", file=sys.stderr)
        return 1 if purpose == "cluster" else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
