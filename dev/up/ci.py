"""What CI does with a cluster: `make up` until all is green, e2e tests beside `tilt up`, then down again.

    python -m dev.ci_cluster

The settings are those of `make up`. `tilt ci` ends with its port-forwards and watches no files, so the tests
run beside a `tilt up` of the same images. Standard library only.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dev import FixableError, tools
from dev.gateway.client import GatewayClient, default_url
from dev.up import start as up
from dev.up.cluster import CONTEXT

LOG = tools.ROOT / "out/tilt-up.log"
READY_WITHIN = 300
ENDED_WITHIN = 60
LEFT_WITHIN = 180
# Everything of the platform's own that a `tilt down` has to take along.
KINDS = "deployments,statefulsets,services,configmaps,horizontalpodautoscalers"
OURS = ("--selector", "app.kubernetes.io/part-of=llm-platform", "--all-namespaces", "--output=name")


@contextmanager
def tilt_up(environment: Mapping[str, str], log: Path = LOG) -> Iterator[None]:
    """Tilt beside what is done here; it has ended afterwards."""
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as output:
        child = subprocess.Popen(
            up.tilt("up", environment),
            cwd=tools.ROOT,
            env=tools.on_path(environment),
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


def wait_until_ready(child: "subprocess.Popen[bytes]", log: Path, patience: float = READY_WITHIN) -> None:
    """Wait until the gateway says that its model can answer.

    Raises:
        FixableError: Tilt ended, or the gateway is not ready in time.
    """
    gateway = GatewayClient(default_url(), timeout=10)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and child.poll() is None:
        try:
            gateway.text("/ready")
            return
        except FixableError:
            time.sleep(1)
    words = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
    why = f"was not ready within {patience:g} s" if child.poll() is None else "cannot be reached: Tilt ended"
    raise FixableError(f"under `tilt up` the gateway {why}; the end of {log}:\n{words}")


def end(child: "subprocess.Popen[bytes]", patience: float = ENDED_WITHIN) -> None:
    """End a child and all that it started."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, number)
            try:
                child.wait(patience)
            except subprocess.TimeoutExpired:
                continue


def left(patience: float = LEFT_WITHIN) -> list[str]:
    """What of the platform is still in the cluster, after some time to go."""
    command = [tools.path("kubectl"), "--context", CONTEXT, "get", KINDS, *OURS]
    deadline = time.monotonic() + patience
    while True:
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(2)


def describe() -> None:
    """What the cluster looks like, for a log that nobody can ask anything."""
    for words in (("get", "pods", "--all-namespaces", "--output=wide"), ("get", "events", "--namespace=llm")):
        subprocess.run([tools.path("kubectl"), "--context", CONTEXT, *words], check=False)


def main(environment: Mapping[str, str]) -> int:
    """The command; its exit status."""
    if status := up.main(["ci"], environment):
        return status
    try:
        with tilt_up(environment):
            tests = subprocess.run(["make", "e2e"], cwd=tools.ROOT, check=False).returncode
            if tests:
                describe()
        subprocess.run(
            up.tilt("down", environment), cwd=tools.ROOT, env=tools.on_path(environment), check=True
        )
        if remains := left():
            raise FixableError(f"`tilt down` left {', '.join(remains)}")
    except (FixableError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        describe()
        return 1
    return 1 if tests else 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
