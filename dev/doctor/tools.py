"""Find the command-line tools, and let mise install the missing ones at mise.toml's versions into .tools/.

`python -m dev.doctor.tools NAME...` installs tools for the tests, which are skipped where one is missing: a
failure is a warning. Standard library only.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import FixableError
from dev.settings import ROOT

# The oldest version of each tool that works here, and what makes it print its version.
TOOLS = {
    "kind": ("0.27.0", "version"),
    "kubectl": ("1.31.0", "version --client"),
    "helm": ("3.14.0", "version --short"),
    "tilt": ("0.33.20", "version"),
    "ctlptl": ("0.8.30", "version"),
    "promtool": ("2.50.0", "--version"),
    "k6": ("1.0.0", "version"),
    "actionlint": ("1.7.7", "-version"),
}
CLUSTER = ("kind", "kubectl", "helm", "tilt", "ctlptl")


def pins(root: Path = ROOT) -> dict[str, str]:
    """Return the version of each tool in mise.toml."""
    tools: dict[str, str] = tomllib.loads((root / "mise.toml").read_text())["tools"]
    return tools


def parse_version(text: str) -> tuple[int, ...] | None:
    """Return the first version number in a text (missing parts are 0), or None where there is none."""
    found = re.search(r"(?<![\d.])v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def find(name: str, root: Path = ROOT) -> tuple[str, str] | None:
    """Return the path of a tool that is new enough and a description of it, or None."""
    link, pinned = root / ".tools/bin" / name, pins(root)[name]
    if link.exists() and f"/{name}/{pinned}/" in str(link.readlink()):
        return str(link), f"{pinned} (.tools)"
    folders = os.environ.get("PATH", "").split(os.pathsep)
    path = shutil.which(name, path=os.pathsep.join(f for f in folders if Path(f) != link.parent))
    if path is None:
        return None
    minimum, arguments = TOOLS[name]
    try:
        command = [path, *arguments.split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = parse_version(done.stdout.strip().partition("\n")[0])
    if version is None:  # a build from source may not know its version
        return path, f"of unknown version ({path})"
    described = f"{'.'.join(map(str, version))} ({path})"
    return (path, described) if version >= (parse_version(minimum) or ()) else None


def install(name: str, root: Path) -> bool:
    """Let mise install a tool and link it into .tools/bin; return whether that worked."""
    link = root / ".tools/bin" / name
    link.unlink(missing_ok=True)  # of another version
    mise, wanted = ["sh", str(root / "dev/bootstrap"), "mise"], f"{name}@{pins(root)[name]}"
    if subprocess.run([*mise, "install", wanted], check=False).returncode:
        return False
    offline = {**os.environ, "MISE_OFFLINE": "1"}  # or mise asks for the newest version of every other tool
    found = subprocess.run(
        [*mise, "bin-paths", wanted], env=offline, stdout=subprocess.PIPE, text=True, check=False
    )
    program = shutil.which(name, path=os.pathsep.join(found.stdout.splitlines()))
    if program:
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(os.path.relpath(program, link.parent))  # relative: the checkout may be renamed
    return program is not None


def ensure(names: Sequence[str], root: Path = ROOT) -> None:
    """Install the tools that are missing, or too old.

    Raises:
        FixableError: one or more could not be installed.
    """
    failed = [name for name in names if find(name, root) is None and not install(name, root)]
    if failed:
        raise FixableError(
            f"mise could not install {', '.join(failed)} (its errors are above)",
            f"put on the PATH, or newer: {', '.join(f'{name} {TOOLS[name][0]}' for name in failed)};\n"
            "behind a proxy or mirror see docs/mirrors.md; if GitHub limits the rate, set MISE_GITHUB_TOKEN",
        )


def path(name: str, root: Path = ROOT) -> str:
    """Return the path of a tool.

    Raises:
        FixableError: it is missing, or too old.
    """
    found = find(name, root)
    if found is None:
        raise FixableError(f"{name} is missing, or too old on the PATH", "make up installs it")
    return found[0]


def on_path(environment: Mapping[str, str], root: Path = ROOT) -> dict[str, str]:
    """Return an environment whose PATH has .tools/bin in front, so that the tools find each other."""
    return {**environment, "PATH": f"{root / '.tools/bin'}{os.pathsep}{environment.get('PATH', '')}"}


if __name__ == "__main__":
    try:
        ensure(sys.argv[1:])
    except FixableError as error:
        print(f"warning: {error}", file=sys.stderr)
