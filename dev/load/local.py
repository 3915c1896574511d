"""Runs the same scripts with the k6 of this machine, for a gateway outside a cluster."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from dev import FixableError
from dev.load.job import K6_ARGUMENTS, SCRIPTS, Run
from dev.tools import ROOT


def find() -> str:
    """The k6 on the PATH or among the project's own tools.

    Raises:
        FixableError: there is none.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".tools" / "bin")])
    if found := shutil.which("k6", path=path):
        return found
    raise FixableError("load without a cluster needs k6, and none is on the PATH", "mise install k6")


@contextmanager
def process(run: Run) -> Iterator[subprocess.Popen[str]]:
    """k6 as a child whose output, both streams in one, can be read; it is ended with the context."""
    command = [find(), *K6_ARGUMENTS, str(SCRIPTS / f"{run.script}.js")]
    child = subprocess.Popen(
        command,
        env={**os.environ, **run.settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait(timeout=10)


def lines(child: subprocess.Popen[str]) -> Iterator[str]:
    """What k6 writes, until it ends."""
    if child.stdout is None:
        raise ValueError("the child's output is not piped")
    yield from (line.rstrip("\n") for line in child.stdout)
