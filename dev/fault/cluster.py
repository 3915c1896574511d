"""The running platform of the cluster as a place for the drill."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from dev import FixableError
from dev.fault import load, network, settings
from dev.fault.changes import Changes
from dev.fault.fault import Fault
from dev.fault.injection import Injection, nodes
from dev.fault.kube import GATEWAY, RUNTIME, Kube, prometheus_path, proxied, wait
from dev.fault.place import HANG_SECONDS
from dev.fault.prometheus import Prometheus
from dev.load.cluster import Api, api_errors, connect
from dev.load.job import URL
from dev.rollout.cluster import Cluster as Rollout
from dev.settings import CONTEXT, NAMESPACE

START_SECONDS = 180.0
ASK_SECONDS = 5.0


class Cluster:
    """A Place that is the running platform."""

    scrape_seconds = float(settings.SCRAPE_SECONDS)

    def __init__(self, api: Api, kube: Kube, changes: Changes, prometheus: Prometheus) -> None:
        self.prometheus = prometheus
        self._api, self._kube = api, kube
        self._injection = Injection(api, kube, changes, prometheus)
        self._image = kube.read(GATEWAY)["spec"]["template"]["spec"]["containers"][0]["image"]

    @contextmanager
    def calls(self, lane: str, rate: float, keys: tuple[str, ...]) -> Iterator[Iterator[str]]:
        """Run dev/fault/calls.py in a pod during the block."""
        variables = {
            "CALLS_URL": URL,
            "CALLS_RATE": f"{rate:g}",
            "CALLS_KEYS": ",".join(keys),
            "CALLS_LANE": lane,
            "CALLS_DEADLINE": f"{HANG_SECONDS:g}",
        }
        with api_errors(), load.calls(self._api, self._kube, self._image, variables) as lines:
            yield lines

    def inject(self, fault: Fault) -> AbstractContextManager[None]:
        return self._injection.of(fault)


def runs() -> bool:
    """Tell whether the platform runs in the cluster."""
    try:
        apps: Api = client.AppsV1Api(connect(CONTEXT))
        apps.read_namespaced_deployment(GATEWAY.name, NAMESPACE, _request_timeout=ASK_SECONDS)
    except (FixableError, ApiException, HTTPError):
        return False
    return True


@contextmanager
def platform(*, alerts: bool = True) -> Iterator[Cluster]:
    """Give the running platform the drill's settings during the block.

    Args:
        alerts: Whether Prometheus keeps the alerts.

    Raises:
        FixableError: it is not one for a drill, or does not start with these settings.
    """
    api = connect(CONTEXT)
    kube = Kube(api)
    changes = Changes(kube)
    with api_errors(), ExitStack() as stack:
        if left := changes.undo_earlier():
            print(f"undone: {left} changes of a drill that was killed", flush=True)
        for node in nodes(kube):
            network.mend(node)
        settings.check(kube)
        settings.apply(kube, changes, stack, alerts=alerts)
        http = stack.enter_context(proxied(api, prometheus_path()))
        rollout = Rollout(api)
        for ref in (RUNTIME, GATEWAY):
            if problem := rollout.wait(ref.name, START_SECONDS):
                raise FixableError(f"{ref.name} with the drill's settings: {problem}")
        settings.await_rules(kube, http, alerts=alerts)
        prometheus = Prometheus(http)
        wait("Prometheus to scrape the gateway", prometheus.scraped, START_SECONDS)
        yield Cluster(api, kube, changes, prometheus)
