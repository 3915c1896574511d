"""The number of threads to compute with: the container's CPU limit, else the number of cores.

More threads than the CPU limit allows make llama.cpp many times slower: the threads spin while the kernel
throttles some of them.
"""

import os
from collections.abc import Iterator
from math import floor
from pathlib import Path, PurePosixPath


def default_threads(root: Path = Path("/"), cores: int | None = None) -> int:
    """Return the CPU limit of this process's cgroups (version 2 or 1) in whole cores, at least 1."""
    cores = cores or _cores()
    return max(1, min([cores, *(floor(limit) for limit in _limits(root))]))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _limits(root: Path) -> Iterator[float]:
    """Yield the limits, in cores, of all groups from this process's own up to the visible root."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            for group in _upwards(root / "sys/fs/cgroup", path):
                quota, _, period = _read(group / "cpu.max").partition(" ")
                if period and quota != "max":
                    yield int(quota) / int(period)
        elif "cpu" in controllers.split(","):
            for group in _upwards(root / "sys/fs/cgroup/cpu", path):
                quota = _read(group / "cpu.cfs_quota_us")
                if quota and int(quota) > 0:
                    yield int(quota) / int(_read(group / "cpu.cfs_period_us"))


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """Yield a group's folder and its parents'; in a container only the mount itself may exist."""
    inner = PurePosixPath(path.strip().lstrip("/"))
    for part in (inner, *inner.parents):
        yield mount / part


def _read(file: Path) -> str:
    """Return the file's text, or "" if there is no such file."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""
