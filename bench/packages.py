"""The environment of the servers that the gateway is compared with: bench/peers, locked with hashes."""

import subprocess
import sys

from bench import BenchError
from bench.servers import ROOT

PROJECT = ROOT / "bench/peers"
ENVIRONMENT = PROJECT / ".venv"
UV = ("sh", "dev/bootstrap", "uv")
PYPI = "https://pypi.org/simple"  # the lock names this index, whichever one its user installs from


def install() -> None:
    """Make the environment as bench/peers/uv.lock says, from the user's package index.

    Raises:
        BenchError: uv failed; its own message is printed.
    """
    export = ["export", "--quiet", "--locked", "--project", str(PROJECT), "--default-index", PYPI]
    locked = _uv(*export)
    _uv("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(ENVIRONMENT))
    _uv("pip", "sync", "--quiet", "--python", str(ENVIRONMENT), "--require-hashes", "-", given=locked)


def _uv(*arguments: str, given: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        [*UV, *arguments], cwd=ROOT, input=given, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"the environment {ENVIRONMENT} cannot be made: see uv's message above")
    return done.stdout
