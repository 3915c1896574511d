"""Brings mise along where it is absent, checks the download, and lets it install a tool into .tools/.

MISE_DOWNLOAD_URL names a mirror of mise's releases; for the tools' own downloads mise reads
MISE_URL_REPLACEMENTS. Standard library only.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

VERSION = "2026.9.15"
RELEASES = "https://github.com/jdx/mise/releases/download"
# A platform that is not listed is checked against the release's own list of checksums.
CHECKSUMS = {"linux-x64": "09ea631d6f3e7031d63606a0892dc4c796f9fb57f493bc45937f9f7113c88216"}
TIMEOUT = 30  # seconds without a byte


def platform_name(system: str, machine: str) -> str | None:
    """What mise's releases call this platform, or None where they have none for it."""
    systems = {"Linux": "linux", "Darwin": "macos"}
    machines = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    if system in systems and machine in machines:
        return f"{systems[system]}-{machines[machine]}"
    return None


def fetch(url: str) -> bytes:
    """The bytes at a URL.

    Raises:
        OSError: it cannot be reached (urllib's errors are among these).
    """
    if not url.startswith(("https://", "http://")):
        raise OSError(f"{url} is no web address")
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - checked above
        content: bytes = answer.read()
    return content


def checksum_of(name: str, base: str) -> str:
    """The SHA-256 that a release's file must have: pinned here, else listed by the release.

    Raises:
        OSError: the list cannot be reached, or does not have the file.
    """
    if name in CHECKSUMS:
        return CHECKSUMS[name]
    print(f"tools: no checksum of mise for {name} is pinned here; the release's own list is used")
    for line in fetch(f"{base}/v{VERSION}/SHASUMS256.txt").decode().splitlines():
        checksum, _, file = line.partition("  ")
        if file.removeprefix("./") == f"mise-v{VERSION}-{name}":
            return checksum
    raise OSError(f"the release's checksums have no mise-v{VERSION}-{name}")


def bring(root: Path) -> tuple[str | None, str]:
    """Where mise is (on the PATH, else downloaded into .tools/), or None and why it is not."""
    on_path = shutil.which("mise")
    if on_path:
        return on_path, ""
    ours = root / ".tools" / f"mise-{VERSION}"
    if ours.exists():
        return str(ours), ""
    name = platform_name(platform.system(), platform.machine())
    if name is None:
        return None, f"mise has no release for {platform.system()} on {platform.machine()}"
    base = os.environ.get("MISE_DOWNLOAD_URL", RELEASES).rstrip("/")
    url = f"{base}/v{VERSION}/mise-v{VERSION}-{name}"
    try:
        wanted = checksum_of(name, base)
        content = fetch(url)
    except OSError as error:
        return None, f"{url} cannot be reached ({error})"
    if hashlib.sha256(content).hexdigest() != wanted:
        return None, f"{url} does not have the pinned checksum and was thrown away"
    ours.parent.mkdir(parents=True, exist_ok=True)
    ours.write_bytes(content)
    ours.chmod(0o755)
    return str(ours), ""


def reason(words: str) -> str:
    """The first error in mise's words, without what it says of itself."""
    errors = (
        [line for line in words.splitlines() if "ERROR" in line] or words.strip().splitlines() or ["no word"]
    )
    return errors[0].removeprefix("mise ERROR ")[:300]


def install(tool: str, version: str, root: Path) -> str:
    """Let mise install a tool and link it into .tools/bin; the empty string, or why it could not."""
    program, problem = bring(root)
    if program is None:
        return problem
    data = root / ".tools/mise"
    environment = {
        **os.environ,
        "MISE_DATA_DIR": str(data),
        "MISE_CACHE_DIR": str(data / "cache"),
        "MISE_TRUSTED_CONFIG_PATHS": str(root),
        "MISE_YES": "1",
        "MISE_USE_VERSIONS_HOST": "0",
        "MISE_EXEC_AUTO_INSTALL": "0",
    }
    wanted = f"{tool}@{version}"
    print(f"tools: {wanted} is installed by mise", flush=True)
    done = subprocess.run(
        [program, "install", wanted], env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return reason(done.stderr)
    where = subprocess.run(
        [program, "exec", wanted, "--", "sh", "-c", f"command -v {tool}"],
        env=environment, cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if where.returncode:
        return f"mise installed {wanted}, but does not find it: {reason(where.stderr)}"
    link = root / ".tools/bin" / tool
    link.unlink(missing_ok=True)
    link.symlink_to(where.stdout.strip())
    return ""
