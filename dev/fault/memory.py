"""Fill the memory of a container until the kernel kills its processes; it runs inside, with Python alone.

Where the kernel kills one process at a time, and not the container as a whole, it takes the largest: so each
of these has less than the container's own.
"""

import os
import sys
import time

MIB = 2**20
PROCESS_MIB = 40
HOLD_SECONDS = 30


def fill(mib: int) -> None:
    """Take this much, step by step, and hold it."""
    held = []
    for _ in range(mib):
        held.append(b"x" * MIB)
        time.sleep(0.01)
    time.sleep(HOLD_SECONDS)


if __name__ == "__main__":
    for _ in range(int(sys.argv[1]) // MIB // PROCESS_MIB + 1):
        if os.fork() == 0:
            fill(PROCESS_MIB)
            os._exit(0)
    time.sleep(HOLD_SECONDS)
