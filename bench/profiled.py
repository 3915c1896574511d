"""uvicorn under cProfile: profiled.py FILE APP [uvicorn's options].

SIGUSR1 begins the profile; the next one ends it and writes the file, so that start and warm-up stay out.
cProfile makes small Python functions look dearer than they are.
"""

import cProfile
import os
import signal
import sys
from types import FrameType

import uvicorn


def main() -> None:
    """Serve; the profile is of the loop's own thread."""
    path, *arguments = sys.argv[1:]
    sys.path.insert(0, os.getcwd())  # as `python -m uvicorn` has it
    profile = cProfile.Profile()
    active = False

    def toggle(_number: int, _frame: FrameType | None) -> None:
        nonlocal active
        active = not active
        if active:
            profile.enable()
            return
        profile.disable()
        profile.dump_stats(f"{path}.part")
        os.replace(f"{path}.part", path)
        profile.clear()

    signal.signal(signal.SIGUSR1, toggle)
    uvicorn.main(arguments)


if __name__ == "__main__":
    main()
