"""Objects and pods of the cluster, as the drill reads and changes them."""

import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from dev import FixableError
from dev.load.cluster import CALL_SECONDS, Api, connect
from dev.settings import CONTEXT, MONITORING_NAMESPACE, NAMESPACE

LOOK_SECONDS = 0.5
EXEC_SECONDS = 30


class Kind(NamedTuple):
    group: str
    version: str
    plural: str


class Ref(NamedTuple):
    """An object in the cluster."""

    kind: Kind
    namespace: str
    name: str


DEPLOYMENT = Kind("apps", "v1", "deployments")
STATEFUL_SET = Kind("apps", "v1", "statefulsets")
AUTOSCALER = Kind("autoscaling", "v2", "horizontalpodautoscalers")
RULE = Kind("monitoring.coreos.com", "v1", "prometheusrules")
MONITOR = Kind("monitoring.coreos.com", "v1", "servicemonitors")
PROMETHEUS = Kind("monitoring.coreos.com", "v1", "prometheuses")

GATEWAY = Ref(DEPLOYMENT, NAMESPACE, "llm-api")
RUNTIME = Ref(STATEFUL_SET, NAMESPACE, "llm-runtime")
METRICS_SERVER = Ref(DEPLOYMENT, "kube-system", "metrics-server")


class Kube:
    """The API server. Methods may raise ApiException, or urllib3's HTTPError."""

    def __init__(self, api: Api) -> None:
        self.core: Api = client.CoreV1Api(api)
        self._objects: Api = client.CustomObjectsApi(api)  # whose paths fit those of built-in kinds too
        # stream() replaces a method of its client while it runs: no other thread may use that one.
        self._exec: Api = client.CoreV1Api(connect(CONTEXT))

    def read(self, ref: Ref) -> dict[str, Any]:
        found: dict[str, Any] = self._objects.get_namespaced_custom_object(
            *ref.kind[:2], ref.namespace, ref.kind.plural, ref.name, _request_timeout=CALL_SECONDS
        )
        return found

    def objects(self, kind: Kind, namespace: str) -> list[dict[str, Any]]:
        found: dict[str, Any] = self._objects.list_namespaced_custom_object(
            *kind[:2], namespace, kind.plural, _request_timeout=CALL_SECONDS
        )
        items: list[dict[str, Any]] = found["items"]
        return items

    def merge(self, ref: Ref, change: Mapping[str, Any]) -> None:
        """Merge a change into an object: lists are replaced as a whole, None removes a field."""
        self._objects.patch_namespaced_custom_object(
            *ref.kind[:2], ref.namespace, ref.kind.plural, ref.name, change, _request_timeout=CALL_SECONDS
        )

    def pods(self, name: str, namespace: str = NAMESPACE) -> list[Any]:
        """Return the pods with this app.kubernetes.io/name that are not being deleted."""
        found = self.core.list_namespaced_pod(
            namespace, label_selector=f"app.kubernetes.io/name={name}", _request_timeout=CALL_SECONDS
        ).items
        return [pod for pod in found if pod.metadata.deletion_timestamp is None]

    def kill_pods(self, name: str) -> None:
        """Delete the pods without a grace period, also those that are being deleted."""
        self.core.delete_collection_namespaced_pod(
            NAMESPACE,
            label_selector=f"app.kubernetes.io/name={name}",
            grace_period_seconds=0,
            _request_timeout=CALL_SECONDS,
        )

    def touch(self, pod: Any) -> None:
        """Change an annotation of a pod."""
        body = {"metadata": {"annotations": {"llm-drill/touched": str(time.time())}}}
        self.core.patch_namespaced_pod(
            pod.metadata.name, pod.metadata.namespace, body, _request_timeout=CALL_SECONDS
        )

    def execute(self, pod: str, *command: str) -> str:
        """Run a command in a pod's first container, and return its output."""
        output: str = stream(
            self._exec.connect_get_namespaced_pod_exec,
            pod,
            NAMESPACE,
            command=list(command),
            stdout=True,
            stderr=True,
            _request_timeout=EXEC_SECONDS,
        )
        return output


def proxied(api: Api, path: str) -> httpx.Client:
    """Return a client of a Service or a pod, through the API server's proxy.

    Args:
        api: The client of the API server.
        path: The path after /api/v1/namespaces/, without `/proxy`.
    """
    settings = api.configuration
    context = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    url = f"{settings.host}/api/v1/namespaces/{path}/proxy"
    return httpx.Client(base_url=url, verify=context, timeout=CALL_SECONDS, trust_env=False)


def prometheus_path() -> str:
    return f"{MONITORING_NAMESPACE}/services/prometheus-operated:9090"


def wait(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds; while the other side does not answer, it does not.

    Raises:
        FixableError: it did not within the time.
    """
    deadline = time.monotonic() + seconds
    while not _holds(holds):
        if time.monotonic() > deadline:
            raise FixableError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(LOOK_SECONDS)


def _holds(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except (ApiException, httpx.HTTPError):
        return False
