"""`make lint`: ruff, mypy --strict and helm lint. Runs them all, then says which failed."""

import os
import subprocess
import sys
from pathlib import Path

from dev import tools
from dev.tools import ROOT

# api/ and runtime/ each have a main.py, so each is checked from its own folder.
TYPED_SERVICES = ("api", "runtime")
TYPED = ("dev", "monitoring", "bench", "tests")
CHARTS = ("charts/llm-api", "charts/llm-runtime", "monitoring")


def commands(root: Path = ROOT) -> list[tuple[str, list[str], Path]]:
    """(what it is, its command, its folder) of every check that can be run here."""
    bin_folder = root / ".venv/bin"
    mypy = [str(bin_folder / "mypy"), "--config-file", str(root / "pyproject.toml")]
    found = [
        ("ruff check", [str(bin_folder / "ruff"), "check", "."], root),
        ("ruff format", [str(bin_folder / "ruff"), "format", "--check", "."], root),
    ]
    for service in TYPED_SERVICES:
        found.append((f"mypy {service}", [*mypy, "."], root / service))
    typed = [folder for folder in TYPED if any((root / folder).rglob("*.py"))]
    found.append((f"mypy {' '.join(typed)}", [*mypy, *typed], root))
    helm = tools.find(tools.TOOLS["helm"], root)
    if helm:
        charts = [chart for chart in CHARTS if (root / chart / "Chart.yaml").exists()]
        found.append(("helm lint", [helm[0], "lint", "--strict", "--quiet", *charts], root))
    else:
        print("lint: helm lint is skipped, no helm that serves was found")
    return found


def main() -> int:
    """The command; its exit status."""
    failed = []
    for name, command, folder in commands():
        print(f"lint: {name}", flush=True)
        if subprocess.run(command, cwd=folder, env=tools.on_path(os.environ), check=False).returncode:
            failed.append(name)
    print(f"lint: FAILED: {', '.join(failed)}" if failed else "lint: all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
