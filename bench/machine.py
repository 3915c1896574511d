"""The machine: its cores, how busy they are, and what a process has used. Linux only."""

import os
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import BenchError

WATCH_SECONDS = 3.0
BUSY_AT_MOST = 0.05  # of a core, by other processes, before a measurement
TICK = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
IDLE_FIELDS = (3, 4)  # idle and iowait in /proc/stat; what the hypervisor takes ("steal") counts as busy


def cores() -> tuple[int, int]:
    """Return two cores: one for the runtime and the client, one for the server under test.

    Raises:
        BenchError: there are not two, or this system cannot pin processes to cores.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise BenchError(f"{platform.system()} cannot pin a process to a core: run it on Linux")
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise BenchError("one core is not enough: the gateway needs its own")
    return usable[0], usable[1]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Pin this process, and every child it starts meanwhile, to a core; the children stay pinned."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def busy_seconds(text: str, wanted: Iterable[int]) -> dict[int, float]:
    """Return the seconds that each wanted core has been busy since boot, from the text of /proc/stat."""
    found = {}
    for line in text.splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in wanted:
            # The last two, guest times, are part of the first two.
            counted = [int(field) for field in fields[:8]]
            busy = sum(value for index, value in enumerate(counted) if index not in IDLE_FIELDS)
            found[int(name[3:])] = busy * TICK
    return found


def used_seconds(process: int) -> float:
    """Return the CPU seconds that all threads of a process have used; 0 if it has ended."""
    total = 0
    for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
        try:
            total += int(thread.read_text().split()[0])
        except OSError:
            continue  # the thread has just ended
    return total / 1e9


def resident(process: int) -> int:
    """Return the bytes of memory that a process has now (its resident set)."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


@dataclass(frozen=True)
class Reading:
    """A point in time: busy seconds by core and CPU seconds by process, until then."""

    at: float
    busy: dict[int, float]
    used: dict[int, float]


def read(wanted: Iterable[int], processes: Iterable[int] = ()) -> Reading:
    """Take a reading now."""
    busy = busy_seconds(Path("/proc/stat").read_text(), set(wanted))
    return Reading(time.monotonic(), busy, {process: used_seconds(process) for process in processes})


def others(before: Reading, after: Reading) -> float:
    """Return the cores' worth of work between two readings that none of their processes did."""
    busy = sum(after.busy[core] - before.busy[core] for core in before.busy)
    own = sum(after.used[process] - before.used[process] for process in before.used)
    return max(0.0, (busy - own) / (after.at - before.at))


def used_by_others(wanted: Iterable[int], processes: Iterable[int]) -> float:
    """Watch for WATCH_SECONDS and return the cores' worth of work that other processes do."""
    wanted, processes = list(wanted), list(processes)
    before = read(wanted, processes)
    time.sleep(WATCH_SECONDS)
    return others(before, read(wanted, processes))


def facts() -> dict[str, object]:
    """Return what to know about the machine beside its figures."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average": list(os.getloadavg()),
    }
