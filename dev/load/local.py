"""Run the scripts with the k6 of this machine, against a gateway outside a cluster."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from dev.doctor import tools
from dev.load.job import K6_ARGUMENTS, SCRIPTS, Run

STOP_SECONDS = 10


@contextmanager
def process(run: Run) -> Iterator["subprocess.Popen[str]"]:
    """Start k6 with stdout and stderr in one pipe; it is stopped at the end of the block.

    Raises:
        FixableError: k6 is missing and cannot be installed.
    """
    tools.ensure(["k6"])
    command = [tools.path("k6"), *K6_ARGUMENTS, str(SCRIPTS / f"{run.script}.js")]
    key = {"API_KEYS": os.environ.get("LLM_API_KEY", "")}
    with subprocess.Popen(
        command,
        env={**os.environ, **key, **run.settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as child:
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()


def lines(child: "subprocess.Popen[str]") -> Iterator[str]:
    """Yield the lines that k6 prints, until it ends."""
    if child.stdout is None:
        raise ValueError("the child's output is not piped")
    yield from (line.rstrip("\n") for line in child.stdout)
