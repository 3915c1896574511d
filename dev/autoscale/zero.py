"""Prove that the runtime goes away without requests, and that a request brings it back and is answered."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import httpx
from kubernetes.client.exceptions import ApiException

from dev.autoscale.verdict import Finding
from dev.fault.kube import RUNTIME, Kind, Kube, Ref, proxied
from dev.load.cluster import Api
from dev.settings import API_PORT, NAMESPACE

SCALED_OBJECT = Ref(Kind("keda.sh", "v1alpha1", "scaledobjects"), NAMESPACE, RUNTIME.name)
IDLE_SECONDS = 180.0
"""For KEDA to notice, beyond the time that it waits without requests."""
ANSWER_SECONDS = 120.0
LOOK_SECONDS = 0.5
DEFAULT_COOLDOWN = 300  # KEDA's own


class Answer(NamedTuple):
    """What became of a request; `first_token` is in seconds since it was sent, None without one."""

    status: int
    first_token: float | None
    detail: str = ""


class Platform(Protocol):
    """What the proof needs."""

    cooldown: float

    def replicas(self) -> int: ...
    def ask(self) -> Answer: ...


class Cluster:
    """The runtime in the cluster, scaled by KEDA."""

    def __init__(self, api: Api, kube: Kube, spec: dict[str, Any]) -> None:
        self.cooldown = float(spec.get("cooldownPeriod", DEFAULT_COOLDOWN))
        self._api, self._kube = api, kube

    def replicas(self) -> int:
        """Return how many pods there are, those that end included."""
        return int(self._kube.read(RUNTIME)["status"].get("replicas", 0))

    def ask(self) -> Answer:
        """Send a request through the API server, to any of the gateways."""
        with proxied(self._api, f"{NAMESPACE}/services/llm-api:{API_PORT}") as http:
            body = {"prompt": "Say hello.", "options": {"num_predict": 8}}
            try:
                response = http.post("/generate", json=body, timeout=ANSWER_SECONDS)
            except httpx.HTTPError as error:
                return Answer(0, None, repr(error))
        if response.status_code != 200:
            return Answer(response.status_code, None, response.text[:200])
        return Answer(200, float(response.json()["timings"]["time_to_first_token_seconds"]))


def goes_to_zero(api: Api) -> Cluster | None:
    """Return the cluster if its runtime may go to zero."""
    kube = Kube(api)
    try:
        spec = kube.read(SCALED_OBJECT)["spec"]
    except ApiException as error:
        if error.status == 404:  # without KEDA, or without its autoscaler
            return None
        raise
    return None if spec.get("minReplicaCount", 0) else Cluster(api, kube, spec)


def prove(platform: Platform, say: Callable[[str], None], patience: float = IDLE_SECONDS) -> list[Finding]:
    """Wait for zero, ask, and wait for zero again; return a finding for each."""
    seconds = platform.cooldown + patience
    say(f"waiting until the runtime is gone, for {platform.cooldown:g} s without a request")
    found = [_gone(platform, "without requests the runtime goes to zero", seconds)]
    if not found[-1].ok:
        return found
    say("zero replicas; sending a request")
    answer = platform.ask()
    detail = f"status {answer.status} {answer.detail}"
    if answer.first_token is not None:
        detail = f"its first token came after {answer.first_token:.1f} s"
    back = platform.replicas()
    found.append(Finding("the first request brings it back, and is answered", answer.status == 200, detail))
    found.append(Finding("it answers from one replica", back == 1, f"{back} replicas"))
    say(f"{detail}; waiting until it is gone again")
    return [*found, _gone(platform, "it goes back to zero", seconds)]


def _gone(platform: Platform, claim: str, seconds: float) -> Finding:
    began = time.monotonic()
    while (replicas := platform.replicas()) and time.monotonic() - began < seconds:
        time.sleep(LOOK_SECONDS)
    waited = time.monotonic() - began
    return Finding(claim, replicas == 0, f"{replicas} replicas after {waited:.0f} s")
