"""`python -m dev lint`: run every check, then name those that failed."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from dev.doctor import tools
from dev.settings import ROOT

# api/ and runtime/ each have a main.py, so each is checked from its own folder.
SERVICES = ("api", "runtime")
TYPED = ("dev", "monitoring", "bench", "tests")
CHARTS = ("charts/llm-api", "charts/llm-runtime")
PYPI = "https://pypi.org/simple"  # the lock names this index, whichever one its user installs from


def commands(root: Path = ROOT) -> list[tuple[str, list[str], Path]]:
    """Return (name, command, folder) of every check that this machine can run."""
    python = [sys.executable, "-m"]
    mypy = [*python, "mypy", "--config-file", str(root / "pyproject.toml")]
    found = [
        ("uv lock", ["sh", "dev/bootstrap", "uv", "lock", "--check", "--default-index", PYPI], root),
        ("ruff check", [*python, "ruff", "check", "."], root),
        ("ruff format", [*python, "ruff", "format", "--check", "."], root),
        *((f"mypy {service}", [*mypy, "."], root / service) for service in SERVICES),
        (f"mypy {' '.join(TYPED)}", [*mypy, *TYPED], root),
    ]
    if helm := tools.find("helm", root):
        lint = [helm[0], "lint", "--strict", "--quiet"]
        found += [
            ("helm lint charts", [*lint, "--set", "development=true", *CHARTS], root),
            ("helm lint monitoring", [*lint, "monitoring"], root),
        ]
    else:
        print("lint: helm lint is skipped: helm is missing, or too old on the PATH")
    if actionlint := tools.find("actionlint", root):
        workflows = map(str, sorted((root / ".github/workflows").glob("*.yaml")))
        found.append(("actionlint", [actionlint[0], *workflows], root))
    else:
        print("lint: actionlint is skipped: it is missing, or too old on the PATH")
    return found


def main(argv: list[str]) -> int:
    """Run the checks and return the exit status."""
    argparse.ArgumentParser(prog="python -m dev lint", description="Run the linters.").parse_args(argv)
    failed = []
    for name, command, folder in commands():
        print(f"lint: {name}", flush=True)
        if subprocess.run(command, cwd=folder, env=tools.on_path(os.environ), check=False).returncode:
            failed.append(name)
    print(f"lint: FAILED: {', '.join(failed)}" if failed else "lint: all passed")
    return 1 if failed else 0
