"""`python -m dev ci-cluster`: what CI does with a cluster.

`tilt ci` until everything is green, e2e tests beside `tilt up`, then `tilt down`, with the settings of `up`.
`tilt ci` ends with its port-forwards and watches no files: that is why the tests run beside a `tilt up`.
"""

import argparse
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dev import FixableError
from dev.doctor import tools
from dev.gateway.client import GatewayClient, default_url
from dev.settings import CONTEXT, NAMESPACE, ROOT
from dev.up import start, tilt

LOG = ROOT / "out/tilt-up.log"
READY_WITHIN = 300  # seconds
ENDED_WITHIN = 60
REMOVED_WITHIN = 180
# Everything of the platform's own that `tilt down` has to remove.
KINDS = "deployments,statefulsets,services,configmaps,horizontalpodautoscalers"
OURS = ("--selector", "app.kubernetes.io/part-of=llm-platform", "--all-namespaces", "--output=name")


@contextmanager
def tilt_up(given: Mapping[str, str], log: Path = LOG) -> Iterator[None]:
    """Run `tilt up` in the background while the block runs."""
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as output:
        child = subprocess.Popen(
            tilt.command("up", given),
            cwd=ROOT,
            env=tools.on_path(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_ready(child, log)
        yield
    finally:
        end(child)


def wait_until_ready(child: "subprocess.Popen[bytes]", log: Path, seconds: float = READY_WITHIN) -> None:
    """Wait until the gateway reports that its model can answer.

    Raises:
        FixableError: Tilt ended, or the gateway was not ready in time.
    """
    gateway = GatewayClient(default_url(), timeout=10)
    deadline = time.monotonic() + seconds
    reason = ""
    while time.monotonic() < deadline and child.poll() is None:
        try:
            gateway.text("/ready")
            return
        except FixableError as error:
            reason = error.problem
            time.sleep(1)
    why = (
        "is unreachable: Tilt ended"
        if child.poll() is not None
        else f"was not ready in {seconds:g} s: {reason}"
    )
    last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
    raise FixableError(f"the gateway under `tilt up` {why}; the end of {log}:\n{last_lines}")


def end(child: "subprocess.Popen[bytes]", seconds: float = ENDED_WITHIN) -> None:
    """End a child and everything that it started, by force where an interrupt is not enough."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, number)
            try:
                child.wait(seconds)
            except subprocess.TimeoutExpired:
                continue


def remaining(seconds: float = REMOVED_WITHIN) -> list[str]:
    """Return what of the platform is still in the cluster after some time to disappear."""
    command = [tools.path("kubectl"), "--context", CONTEXT, "get", KINDS, *OURS]
    deadline = time.monotonic() + seconds
    while True:
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(2)


def describe_cluster() -> None:
    """Print the state of the cluster for CI's log."""
    pods = ("get", "pods", "--all-namespaces", "--output=wide")
    for command in (pods, ("get", "events", f"--namespace={NAMESPACE}")):
        subprocess.run([tools.path("kubectl"), "--context", CONTEXT, *command], check=False)


def test_and_remove(given: Mapping[str, str]) -> int:
    """Run e2e tests beside `tilt up`, then `tilt down`; return the tests' exit status.

    Raises:
        FixableError: the platform did not come up, or not everything of it was removed.
    """
    with tilt_up(given):
        status = subprocess.run(["make", "e2e"], cwd=ROOT, check=False).returncode
        if status:
            describe_cluster()
    down = tilt.command("down", given)
    if subprocess.run(down, cwd=ROOT, env=tools.on_path(os.environ), check=False).returncode:
        raise FixableError("`tilt down` failed; its output is above")
    if left := remaining():
        raise FixableError(f"`tilt down` did not remove {', '.join(left)}")
    return status


def main(argv: list[str]) -> int:
    """Bring the platform up, test it, take it down; return the exit status.

    Raises:
        FixableError: a step failed; the state of the cluster has been printed.
    """
    argparse.ArgumentParser(prog="python -m dev ci-cluster", description="Test a cluster.").parse_args(argv)
    given, containers = start.resolve({**os.environ, "PROFILE": "cluster"})
    if status := start.start_cluster(given, containers, "ci"):
        return status
    try:
        return 1 if test_and_remove(given) else 0
    except FixableError:
        describe_cluster()
        raise
