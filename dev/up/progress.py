"""What `make up` prints once the platform in the cluster is ready: where the time went."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from dev import FixableError
from dev.doctor import tools
from dev.gateway.client import GatewayClient
from dev.settings import Values

LOOK_SECONDS = 0.5


@contextmanager
def announced(values: Values, spent: Mapping[str, float]) -> Iterator[None]:
    """While the block runs Tilt, print once when the gateway's model can answer.

    Args:
        values: The settings.
        spent: The seconds that each step took before.
    """
    ended = threading.Event()
    gateway = GatewayClient(f"http://localhost:{values['api_port']}", timeout=5)
    watching = threading.Thread(target=announce, args=(gateway, spent, ended), daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()


def announce(gateway: GatewayClient, spent: Mapping[str, float], ended: threading.Event) -> None:
    """Print when the gateway's model can answer, unless Tilt ends before."""
    began, clock = time.time(), time.monotonic()
    while not ended.wait(LOOK_SECONDS):
        try:
            gateway.text("/ready")
        except FixableError:
            continue
        seconds = time.monotonic() - clock
        before = ", ".join(f"{name} {took:.1f}" for name, took in spent.items())
        since = ", ".join(f"{name} {after:.1f}" for name, after in ready_after(_resources(), began).items())
        total = sum(spent.values()) + seconds
        print(
            f"\nready after {total:.1f} s: {before}; since Tilt started: {since}, model {seconds:.1f}\n",
            flush=True,
        )
        return


def _resources() -> str:
    command = [tools.path("tilt"), "get", "uiresource", "-o", "json"]
    done = subprocess.run(command, env=tools.on_path(os.environ), capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else '{"items": []}'


def ready_after(resources: str, began: float) -> dict[str, float]:
    """Return when each resource became ready, in seconds after a time, the first one first.

    Args:
        resources: Tilt's UIResource objects, as JSON.
        began: In seconds since the epoch.
    """
    ready = {
        item["metadata"]["name"].strip("()"): _seconds(condition["lastTransitionTime"]) - began
        for item in json.loads(resources)["items"]
        for condition in item["status"].get("conditions") or ()
        if condition["type"] == "Ready"
        and condition["status"] == "True"
        and item["status"].get("lastDeployTime")
    }
    return dict(sorted(ready.items(), key=lambda each: each[1]))


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
