"""Makes the project's own virtual environment and installs the locked packages, by hash, into it.

    python -m dev.venv local    what the platform needs to run without containers
    python -m dev.venv all      that, and what its tests, checks and measurements need

Standard library only: it runs before there is an environment. An environment that already holds
these locks is left as it is.
"""

import hashlib
import platform
import subprocess
import sys
from pathlib import Path

from dev import FixableError

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("api/requirements.txt", "runtime/requirements.txt")
LOCKS = {
    "local": (*SERVICES, "dev/requirements-local.txt"),
    "all": (*SERVICES, "dev/requirements.txt"),
}


def fingerprint(root: Path, kind: str) -> str:
    """One hash over the locks of a kind and the Python that installs them."""
    digest = hashlib.sha256(sys.version.encode())
    for lock in LOCKS[kind]:
        digest.update((root / lock).read_bytes())
    return digest.hexdigest()


def is_current(root: Path, kind: str) -> bool:
    """Whether the environment holds these locks already ("all" holds "local" too)."""
    kinds = ("all",) if kind == "all" else ("all", "local")
    for held in kinds:
        stamp = root / ".venv" / f".locked-{held}"
        if stamp.exists() and stamp.read_text() == fingerprint(root, held):
            return True
    return False


def explain(pip_output: str) -> str:
    """What a failed installation means, and its fix."""
    text = pip_output.lower()
    # Without a network pip also finds no version of anything.
    offline = "connection broken" in text
    if not offline and ("no matching distribution" in text or "could not find a version" in text):
        return (
            "a package has no wheel for this Python or platform (its name is above)\n"
            "  fix: use CPython 3.11 to 3.14 on x86_64 or arm64: make ... PYTHON=python3.12;\n"
            "       behind a mirror, check that PIP_INDEX_URL names one that carries it"
        )
    if "hashes" in text and "match" in text:
        return (
            "a package's hash is not the locked one\n"
            "  fix: empty pip's cache (pip cache purge), try again; if it stays, distrust this index"
        )
    if "no space left" in text:
        return "the disk is full\n  fix: free 2 GiB where this folder lies"
    return (
        "pip could not install the locked packages (its words are above)\n"
        "  fix: check the network; behind a proxy or mirror set HTTPS_PROXY, PIP_INDEX_URL, PIP_CERT"
    )


def is_usable(root: Path) -> bool:
    """Whether there is an environment of this very Python, with a pip that starts."""
    try:
        text = (root / ".venv/pyvenv.cfg").read_text()
        command = [str(root / ".venv/bin/python"), "-m", "pip", "--version"]
        started = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
    return started and f"version = {platform.python_version()}" in text.splitlines()


def create(root: Path) -> None:
    """Make an empty environment, anew if the one there is broken.

    Raises:
        FixableError: this Python has no venv or no pip to put into it.
    """
    command = [sys.executable, "-m", "venv", "--clear", str(root / ".venv")]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise FixableError(
            f"{sys.executable} cannot make a virtual environment: {(made.stdout + made.stderr).strip()}\n"
            "  fix: install its venv (apt install python3-venv), or name another: make ... PYTHON=python3.12"
        )


def install(root: Path, kind: str) -> None:
    """Install the locks of a kind; the locks are whole, so pip resolves nothing.

    Raises:
        FixableError: pip failed.
    """
    command = [
        str(root / ".venv/bin/python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
    ]
    command += ["--disable-pip-version-check", "--prefer-binary"]
    for lock in LOCKS[kind]:
        command += ["-r", str(root / lock)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode:
        raise FixableError(explain(done.stderr))
    (root / ".venv" / f".locked-{kind}").write_text(fingerprint(root, kind))


def ensure(kind: str, root: Path = ROOT) -> None:
    """Bring the environment to the locks of a kind.

    Raises:
        FixableError: it could not be brought there.
    """
    if is_current(root, kind):
        return
    if not is_usable(root):
        print(f"venv: .venv is made with {sys.executable} ({sys.version.split()[0]})")
        create(root)
    print(f"venv: locked packages are installed ({', '.join(LOCKS[kind])})", flush=True)
    install(root, kind)


def main(arguments: list[str]) -> int:
    """The command; its exit status."""
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        print(f"usage: python -m dev.venv {'|'.join(LOCKS)}", file=sys.stderr)
        return 2
    try:
        ensure(arguments[0])
    except FixableError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
