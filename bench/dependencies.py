"""Measure how long a new dependency takes to be live under `tilt up`: installed, and imported again.

    python -m bench.dependencies [--package iniconfig] [--url http://localhost:8000]

No image is built. The files are restored at the end; what was installed stays in the pod until
its next image.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench import BenchError
from bench.saves import MAIN
from bench.saving import PATH, App, restored, wait
from bench.servers import ROOT
from dev.gateway.client import default_url
from dev.settings import TILT_PORT

PROJECT = ("api/pyproject.toml", "uv.lock")
NEEDED = ("pyproject.toml", "runtime/pyproject.toml", "dev/bootstrap", "dev/bootstrap.pins")
PATIENCE_SECONDS = 120
ROUTE = """

@app.get("{path}", include_in_schema=False)
def saved(spec: object = __import__("importlib.util").util.find_spec("{module}")) -> dict[str, str]:
    return {{"word": "installed" if spec else "missing"}}
"""


def with_package(package: str, root: Path = ROOT) -> dict[str, str]:
    """Return the texts of the project's files once the gateway depends on a package.

    Raises:
        BenchError: uv cannot lock it.
    """
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for file in (*PROJECT, *NEEDED):
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / file, copy / file)
        tools = root / ".tools"
        if tools.exists():
            (copy / ".tools").symlink_to(tools)
        command = [
            "sh",
            "dev/bootstrap",
            "uv",
            "add",
            "--quiet",
            "--no-sync",
            "--package",
            "llm-api",
            package,
        ]
        if subprocess.run(command, cwd=copy, check=False).returncode:  # noqa: S603 - our own command
            raise BenchError(f"uv cannot add {package} (its error is above)")
        return {file: (copy / file).read_text() for file in PROJECT}


@contextmanager
def files_restored(root: Path = ROOT) -> Iterator[None]:
    """Write the project's files back when the block ends."""
    before = {file: (root / file).read_text() for file in PROJECT}
    try:
        yield
    finally:
        write(before, root)


def write(texts: Mapping[str, str], root: Path = ROOT) -> None:
    """Write files of the project, each at once, the lock file last: it starts the installation."""
    for file, text in texts.items():
        temporary = (root / file).with_suffix(".new")
        temporary.write_text(text)
        os.replace(temporary, root / file)


def measure(app: App, package: str) -> float:
    """Return the seconds from writing the lock file until an app that finds the package serves.

    Raises:
        BenchError: the package was there before, or was not found in time.
    """
    texts = with_package(package)
    with restored(app) as original, files_restored():
        app.main.write_text(original + ROUTE.format(path=PATH, module=package.replace("-", "_")))
        wait(app.url, "missing", PATIENCE_SECONDS)
        began = time.monotonic()
        write(texts)
        wait(app.url, "installed", PATIENCE_SECONDS)
        return time.monotonic() - began


def main() -> int:
    """Run the measurement and return its exit status, 2 if the dependency was not live in time."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.dependencies", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--package", default="iniconfig", help="one without dependencies, new to the gateway")
    parser.add_argument("--url", default=default_url(), help="default: $LLM_URL, else localhost:8000")
    given = parser.parse_args()
    try:
        seconds = measure(App("the gateway", given.url, MAIN, TILT_PORT), given.package)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{given.package} installed and served after {seconds:.1f} s, without an image build")
    return 0


if __name__ == "__main__":
    sys.exit(main())
