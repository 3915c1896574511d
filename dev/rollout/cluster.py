"""Restart the workloads through the cluster's API server."""

import time
from datetime import UTC, datetime
from typing import Any

from kubernetes import client

from dev.load.cluster import CALL_SECONDS, Api
from dev.settings import NAMESPACE

ANNOTATION = "kubectl.kubernetes.io/restartedAt"  # as `kubectl rollout restart` sets it
LOOK_SECONDS = 0.5


class Cluster:
    """The gateway's Deployment and the runtime's StatefulSet. Methods may raise ApiException or HTTPError."""

    def __init__(self, api: Api) -> None:
        self._core: Api = client.CoreV1Api(api)
        apps: Api = client.AppsV1Api(api)
        self._calls = {
            "llm-api": (apps.read_namespaced_deployment, apps.patch_namespaced_deployment),
            "llm-runtime": (apps.read_namespaced_stateful_set, apps.patch_namespaced_stateful_set),
        }

    def restart(self, workload: str, seconds: float) -> str:
        """Restart a workload's pods and wait until the new ones are ready and the old ones are gone.

        Returns:
            Why that did not happen within `seconds`, or nothing.
        """
        annotations = {ANNOTATION: datetime.now(UTC).isoformat()}
        return self._change(workload, {"metadata": {"annotations": annotations}}, seconds)

    def set_image(self, workload: str, image: str, seconds: float) -> str:
        """Give a workload's container another image; wait and return as `restart` does."""
        return self._change(workload, {"spec": {"containers": [{"name": workload, "image": image}]}}, seconds)

    def _change(self, workload: str, template: dict[str, Any], seconds: float) -> str:
        _, patch = self._calls[workload]
        body = {"spec": {"template": template}}
        patch(workload, NAMESPACE, body, _request_timeout=CALL_SECONDS)
        return self.wait(workload, seconds)

    def wait(self, workload: str, seconds: float) -> str:
        """Wait until a workload's pods are all of its newest revision and ready; return as `restart` does."""
        deadline = time.monotonic() + seconds
        while missing := self._missing(workload):
            if time.monotonic() > deadline:
                return f"not complete after {seconds:g} s: {missing}"
            time.sleep(LOOK_SECONDS)
        return ""

    def _missing(self, workload: str) -> str:
        read, _ = self._calls[workload]
        found = read(workload, NAMESPACE, _request_timeout=CALL_SECONDS)
        pods = self._core.list_namespaced_pod(
            NAMESPACE, label_selector=f"app.kubernetes.io/name={workload}", _request_timeout=CALL_SECONDS
        ).items
        return missing(found, pods)


def missing(workload: Any, pods: list[Any]) -> str:
    """Return what a workload lacks to be complete; empty if nothing."""
    status, wanted = workload.status, workload.spec.replicas
    if (status.observed_generation or 0) < workload.metadata.generation:
        return "the change is not observed yet"
    updated, ready = status.updated_replicas or 0, status.ready_replicas or 0
    revision = getattr(status, "current_revision", None)  # of a StatefulSet, which stops counting at its end
    if updated < wanted and (revision is None or revision != status.update_revision):
        return f"{updated} of {wanted} pods are new"
    if ready < wanted:
        return f"{ready} of {wanted} pods are ready"
    if len(pods) > wanted:
        return f"{len(pods) - wanted} old pods still run"
    return ""
