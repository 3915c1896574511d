"""The raw figures of a run as JSON, with what is needed to compare them to another run's."""

import argparse
import json
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import machine
from bench.servers import ROOT

PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "httpx", "pydantic")


def context(options: argparse.Namespace) -> dict[str, Any]:
    """Return the time, commit, options, machine and package versions of a run."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "commit": commit(),
        "options": {
            name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()
        },
        "machine": machine.facts(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def commit(root: Path = ROOT) -> str:
    """Return the commit that is checked out, with a + if files differ from it; "" outside a repository."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+"]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def write(record: dict[str, Any], out: Path, name: str = "bench") -> Path:
    """Write the record to a new file in `out`, whose name begins so, and return its path."""
    path = out / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path
