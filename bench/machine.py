"""The machine: its cores, who keeps them busy, and what a process has used. Linux tells; elsewhere None."""

import os
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import BenchError

QUIET_SECONDS = 3.0
BUSY_AT_MOST = 0.05  # of a core, by others, before a measurement
TICK = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
IDLE_FIELDS = (3, 4)  # idle and iowait in /proc/stat; what another guest takes ("steal") is busy


def cores() -> tuple[int, int]:
    """The two cores that are used: the runtime's and the client's, and the gateway's.

    Raises:
        BenchError: there are not two, or this system cannot pin a process to one.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise BenchError(f"{platform.system()} pins no process to a core: run it on Linux")
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise BenchError("one core is not enough: the gateway needs its own")
    return usable[0], usable[1]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Within it this process, and every child that it starts, keeps to one core; children stay there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def busy_seconds(text: str, wanted: Iterable[int]) -> dict[int, float]:
    """Seconds that each wanted core was busy since the start, from the text of /proc/stat."""
    found = {}
    for line in text.splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in wanted:
            # The last two, guest times, are part of the first two.
            counted = [int(field) for field in fields[:8]]
            busy = sum(value for place, value in enumerate(counted) if place not in IDLE_FIELDS)
            found[int(name[3:])] = busy * TICK
    return found


def used_seconds(process: int) -> float:
    """CPU seconds that a process, all its threads, has used; 0 for one that is gone."""
    total = 0
    for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
        try:
            total += int(thread.read_text().split()[0])
        except OSError:
            continue  # the thread has just ended
    return total / 1e9


@dataclass(frozen=True)
class Reading:
    """A moment: when it was, how long each core was busy until then, and each process."""

    at: float
    busy: dict[int, float]
    used: dict[int, float]


def read(wanted: Iterable[int], processes: Iterable[int] = ()) -> Reading:
    """This moment."""
    busy = busy_seconds(Path("/proc/stat").read_text(), set(wanted))
    return Reading(time.monotonic(), busy, {process: used_seconds(process) for process in processes})


def others(before: Reading, after: Reading) -> float:
    """Cores' worth of work between two moments that none of the read processes did."""
    busy = sum(after.busy[core] - before.busy[core] for core in before.busy)
    own = sum(after.used[process] - before.used[process] for process in before.used)
    return max(0.0, (busy - own) / (after.at - before.at))


def wait_and_see(wanted: Iterable[int], processes: Iterable[int], seconds: float = QUIET_SECONDS) -> float:
    """Cores' worth of work that others do now, watched for some seconds while nothing is asked of our own."""
    wanted, processes = list(wanted), list(processes)
    before = read(wanted, processes)
    time.sleep(seconds)
    return others(before, read(wanted, processes))


def facts() -> dict[str, object]:
    """What to know about the machine beside its figures."""
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
