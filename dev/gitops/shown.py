"""What Argo CD says of the applications, for those who look on: Tilt shows it with GITOPS=true."""

import time
from functools import partial

from dev import FixableError
from dev.gitops import argo

LOOK_SECONDS = 2
INSTALL = "make gitops ARGS=install, or Tilt's gitops-install"

say = partial(print, flush=True)


def states() -> list[str]:
    """Return a line for each application."""
    releases, _ = argo.deployed()
    if not releases:
        return [f"Argo CD has no release in this cluster: {INSTALL}"]
    found = []
    for one in releases:
        try:
            found.append(f"{one.chart} {one.version}: {argo.state(argo.application(one.chart))}")
        except FixableError as error:
            found.append(f"{one.chart} {one.version}: {error.problem}")
    return found


def ready() -> str:
    """Return what Argo CD says of all applications, if that is well.

    Raises:
        FixableError: it is not, or there are none.
    """
    releases, _ = argo.deployed()
    if not releases:
        raise FixableError("Argo CD has no release in this cluster", INSTALL)
    return argo.synced(releases)


def watch() -> None:
    """Print the states now, and again whenever one changes, until interrupted."""
    last: list[str] = []
    while True:
        try:
            now = states()
        except FixableError as error:
            now = [f"no answer: {error.problem}"]
        if now != last:
            say("\n".join(now))
        last = now
        time.sleep(LOOK_SECONDS)
