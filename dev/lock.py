"""`make lock`: locks the Python packages anew from the *.in files, hashes for every platform included.

What is locked already stays, but for what the *.in files ask otherwise; UPGRADE=1 takes the newest of all.
uv does the work: the one on the PATH, else one of its own under .tools/. Standard library only.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dev import FixableError
from dev.tools import ROOT

UV_VERSION = "0.13.9"
# In this order: the later ones are held to the versions of the earlier.
FILES = (
    "api/requirements",
    "runtime/requirements",
    "dev/requirements-local",
    "dev/requirements",
    "bench/peers-requirements",
)


def uv(root: Path = ROOT) -> str:
    """Where uv is; installed by pip when there is none.

    Raises:
        FixableError: pip could not install it.
    """
    on_path = shutil.which("uv")
    if on_path:
        return on_path
    folder = root / ".tools/uv"
    if not (folder / "bin/uv").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [
            str(folder / "bin/pip"),
            "install",
            "--quiet",
            "--disable-pip-version-check",
            f"uv=={UV_VERSION}",
        ]
        if subprocess.run(pip, check=False).returncode:
            raise FixableError("uv could not be installed\n  fix: check PIP_INDEX_URL, or put uv on the PATH")
    return str(folder / "bin/uv")


def command(program: str, name: str, upgrade: bool) -> list[str]:
    """The call that locks NAME.in into NAME.txt."""
    options = ["--quiet", "--universal", "--generate-hashes", "--python-version", "3.11", "--no-header"]
    extra = ["--upgrade"] if upgrade else []
    return [program, "pip", "compile", *options, *extra, f"{name}.in", "-o", f"{name}.txt"]


def main(environment: Mapping[str, str]) -> int:
    """The command; its exit status."""
    try:
        program = uv()
    except FixableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name in FILES:
        print(f"lock: {name}.in", flush=True)
        locked = subprocess.run(
            command(program, name, bool(environment.get("UPGRADE"))), cwd=ROOT, check=False
        )
        if locked.returncode:
            return locked.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
