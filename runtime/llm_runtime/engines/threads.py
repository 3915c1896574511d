"""How many threads to compute with: as many as the container may use, else as many as there are cores.

More threads than the CPU limit allows cost far more than they bring: they spin while the kernel holds
others of them back.
"""

import os
from collections.abc import Iterator
from math import floor
from pathlib import Path, PurePosixPath


def default_threads(root: Path = Path("/"), cores: int | None = None) -> int:
    """The CPU limit of this process's cgroups (version 2 or 1) in whole cores; at least 1."""
    cores = cores or _cores()
    return max(1, min([cores, *(floor(limit) for limit in _limits(root))]))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _limits(root: Path) -> Iterator[float]:
    """The limits, in cores, of all groups from this process's own up to the root that is visible."""
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
    """A group's folder and its parents'; of a container's host path, the mount alone exists."""
    inner = PurePosixPath(path.strip().lstrip("/"))
    for part in (inner, *inner.parents):
        yield mount / part


def _read(file: Path) -> str:
    """The file's text, or nothing where there is no such file."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""
