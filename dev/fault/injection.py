"""How each fault is injected into the running platform of the cluster."""

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import httpx
from kubernetes.client.exceptions import ApiException
from kubernetes.utils.quantity import parse_quantity
from websocket import WebSocketException

from dev.fault import memory, network
from dev.fault.changes import Changes
from dev.fault.fault import Fault
from dev.fault.kube import GATEWAY, METRICS_SERVER, RUNTIME, Kube, Ref, proxied, wait
from dev.fault.place import HEALTHY
from dev.fault.prometheus import Prometheus
from dev.fault.settings import prometheuses
from dev.load.cluster import CALL_SECONDS, Api
from dev.settings import NAMESPACE, RUNTIME_PORT

WAIT_SECONDS = 90.0
MEMORY_PAUSE_SECONDS = 1.0
# Every process but the first, which a signal from inside cannot stop, and the one that sends it.
SIGNAL = """
import os, signal, sys
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) not in (1, os.getpid()):
        os.kill(int(name), signal.Signals[sys.argv[1]])
"""


class Injection:
    """Injects faults, and ends them. Methods may raise ApiException, HTTPError or FixableError."""

    def __init__(self, api: Api, kube: Kube, changes: Changes, prometheus: Prometheus) -> None:
        self._api, self._kube, self._changes, self._prometheus = api, kube, changes, prometheus

    def of(self, fault: Fault) -> AbstractContextManager[None]:
        """Return the block during which a fault lasts."""
        faults: dict[str, Callable[[], AbstractContextManager[None]]] = {
            "flood": nullcontext,
            "simulate": lambda: self._simulated(fault.change),
            "stop_runtime": lambda: self._stopped(RUNTIME),
            "freeze_runtime": self._frozen,
            "delete_runtime": lambda: self._deleted(RUNTIME),
            "kill_gateway": lambda: self._stopped(GATEWAY),
            "delete_gateway": lambda: self._deleted(GATEWAY),
            "exhaust_memory": self._out_of_memory,
            "stop_prometheus": self._without_prometheus,
            "stop_metrics_server": lambda: self._scaled_to_zero(METRICS_SERVER),
            "cut_network": self._cut,
        }
        return faults[fault.action]()

    @contextmanager
    def _simulated(self, change: object) -> Iterator[None]:
        self.simulate(change)
        try:
            yield
        finally:
            self.simulate(HEALTHY)

    def simulate(self, change: object) -> None:
        """Tell every runtime's simulated engine how to behave."""
        for pod in self._kube.pods(RUNTIME.name):
            with proxied(self._api, f"{NAMESPACE}/pods/{pod.metadata.name}:{RUNTIME_PORT}") as http:
                http.post("/simulator", json=change).raise_for_status()

    def _scaled_to_zero(self, ref: Ref) -> AbstractContextManager[None]:
        return self._changes.during(ref, ("spec", "replicas"), 0)

    @contextmanager
    def _stopped(self, ref: Ref) -> Iterator[None]:
        """Kill the pods, and have no new ones until the end."""
        with self._scaled_to_zero(ref):
            self._kube.kill_pods(ref.name)
            yield

    @contextmanager
    def _deleted(self, ref: Ref) -> Iterator[None]:
        """Kill the pods; the cluster starts others at once."""
        self._kube.kill_pods(ref.name)
        yield

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        pods = [pod.metadata.name for pod in self._kube.pods(RUNTIME.name)]
        try:
            for name in pods:
                self._kube.execute(name, "python", "-c", SIGNAL, "SIGSTOP")
            yield
        finally:
            for name in pods:
                self._kube.execute(name, "python", "-c", SIGNAL, "SIGCONT")

    @contextmanager
    def _out_of_memory(self) -> Iterator[None]:
        """Fill the gateways' memory again and again, whenever they run."""
        over = threading.Event()
        thread = threading.Thread(target=self._fill_memory, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(WAIT_SECONDS)

    def _fill_memory(self, over: threading.Event) -> None:
        script = inspect.getsource(memory)
        while not over.wait(MEMORY_PAUSE_SECONDS):
            for pod in filter(_ready, self._kube.pods(GATEWAY.name)):
                limit = parse_quantity(pod.spec.containers[0].resources.limits["memory"])  # type: ignore[no-untyped-call]
                try:
                    self._kube.execute(pod.metadata.name, "python", "-c", script, str(int(limit)))
                except (ApiException, WebSocketException):
                    continue  # the container was killed, and the connection with it: so it should be

    @contextmanager
    def _without_prometheus(self) -> Iterator[None]:
        with ExitStack() as stack:
            for ref in prometheuses(self._kube):
                stack.enter_context(self._changes.during(ref, ("spec", "replicas"), 0))
            wait("Prometheus to end", lambda: not self._scraping(), WAIT_SECONDS)
            yield
        wait("Prometheus to scrape the gateway again", self._scraping, WAIT_SECONDS)

    def _scraping(self) -> bool:
        try:
            return self._prometheus.scraped()
        except httpx.HTTPError:
            return False

    @contextmanager
    def _cut(self) -> Iterator[None]:
        gateways, runtimes = (
            [pod.status.pod_ip for pod in self._kube.pods(ref.name) if pod.status.pod_ip]
            for ref in (GATEWAY, RUNTIME)
        )
        with network.cut(nodes(self._kube), gateways, runtimes):
            yield


def nodes(kube: Kube) -> list[str]:
    """Return the names of the nodes, which are those of kind's containers."""
    found = kube.core.list_node(_request_timeout=CALL_SECONDS).items
    return [node.metadata.name for node in found]


def _ready(pod: Any) -> bool:
    return any(status.ready for status in pod.status.container_statuses or [])
