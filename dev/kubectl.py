"""Calls of kubectl, which name the project's context: no other cluster is ever changed."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

from dev import FixableError
from dev.doctor import tools
from dev.settings import CONTEXT

SECONDS = 60  # for one call


def call(*arguments: str, text: str = "", seconds: float = SECONDS) -> "subprocess.CompletedProcess[str]":
    """Run kubectl with `text` as its input, and return what it did.

    Raises:
        FixableError: kubectl is not installed, or did not end.
    """
    command = [tools.path("kubectl"), "--context", CONTEXT, *arguments]
    try:
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=tools.on_path(os.environ),
        )
    except subprocess.TimeoutExpired as error:
        raise FixableError(f"`kubectl {arguments[0]}` did not end in {seconds:g} s", "make doctor") from error


def output(*arguments: str, text: str = "") -> str:
    """Return the output of a call.

    Raises:
        FixableError: it failed.
    """
    done = call(*arguments, text=text)
    if done.returncode:
        raise FixableError(f"`kubectl {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout


def shown(*arguments: str) -> dict[str, Any]:
    """Return an object, or a list of objects, as JSON has it; `arguments` are those of `kubectl get`.

    Raises:
        FixableError: there is none.
    """
    found: dict[str, Any] = json.loads(output("get", *arguments, "--output=json"))
    return found


def until(
    attempt: Callable[[], str], seconds: float, sleep: Callable[[float], None] = time.sleep, pause: float = 2
) -> str:
    """Repeat an attempt until it raises no error, and return its result.

    Raises:
        FixableError: the last attempt's, after this time.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except FixableError:
            if time.monotonic() >= deadline:
                raise
            sleep(pause)
