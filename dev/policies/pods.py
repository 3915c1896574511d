"""The pods from which connections are tried: made for the matrix, with the labels of those they stand for."""

import json
from collections.abc import Sequence
from typing import Any

from dev import FixableError, kubectl
from dev.policies.matrix import PROBES, Source
from dev.settings import NAMESPACE

PORT = 8080
START_SECONDS = 120
MADE_BY = "app.kubernetes.io/managed-by"
SELECTOR = f"{MADE_BY}={PROBES}"
# In a pod, with bash alone: the images are the platform's own, and Ollama's has no more. A target with a
# colon is an address, any other a name to resolve.
SCRIPT = """\
reach() {
  case $1 in
    *:*) timeout 3 bash -c ': <"/dev/tcp/${0%:*}/${0##*:}"' "$1" ;;
    *) timeout 8 getent hosts "$1" ;;
  esac
}
for target; do
  if reach "$target" >/dev/null 2>&1; then echo "$target yes"; else echo "$target no"; fi
done
"""
Manifest = dict[str, Any]


def pod(source: Source, image: str) -> Manifest:
    """Return a pod that listens and is never ready, so that no Service with its labels sends it a request."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": source.pod,
            "namespace": source.namespace,
            "labels": {**dict(source.labels), MADE_BY: PROBES},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "readinessGates": [{"conditionType": "llm-platform/never"}],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "probe",
                    "image": image,
                    "command": ["python", "-m", "http.server", str(PORT), "--directory", "/nonexistent"],
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "24Mi"},
                        "limits": {"memory": "64Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def make(sources: Sequence[Source], image: str) -> None:
    """Create the pods of those sources that are no workload.

    Raises:
        FixableError: the API server refused.
    """
    made = [pod(source, image) for source in sources if not source.workload]
    items = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PROBES}}, *made]
    apply({"apiVersion": "v1", "kind": "List", "items": items})


def apply(manifest: Manifest) -> None:
    """Apply an object.

    Raises:
        FixableError: the API server refused.
    """
    kubectl.output("apply", "--filename=-", text=json.dumps(manifest))


def remove(namespaces: Sequence[str]) -> None:
    """Remove what `make` created, and wait until it is gone.

    Raises:
        FixableError: the API server refused, or something does not end.
    """
    for namespace in namespaces:
        if namespace != PROBES:
            kubectl.output("delete", "pods", "--selector", SELECTOR, "--namespace", namespace)
    kubectl.output("delete", "namespace", PROBES, "--ignore-not-found", "--timeout=50s")


def address(source: Source, port: int = PORT) -> str:
    """Return the address of a source's pod once it listens.

    Raises:
        FixableError: it does not start in time.
    """

    def started() -> str:
        state = kubectl.shown("pod", source.pod, "--namespace", source.namespace)["status"]
        if any(status.get("ready") for status in state.get("containerStatuses", [])):
            return f"{state['podIP']}:{port}"
        waiting = [s["state"] for s in state.get("containerStatuses", [])] or state.get("conditions", [])
        raise FixableError(f"the pod {source.pod} in {source.namespace} does not start: {waiting}")

    return kubectl.until(started, START_SECONDS)


def ready_address(name: str, port: int) -> str:
    """Return the address of a ready pod of the platform.

    Raises:
        FixableError: there is none.
    """
    selector = f"app.kubernetes.io/name={name}"
    for found in kubectl.shown("pods", "--selector", selector, "--namespace", NAMESPACE)["items"]:
        conditions = found["status"].get("conditions", [])
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        if ready and "deletionTimestamp" not in found["metadata"]:
            return f"{found['status']['podIP']}:{port}"
    raise FixableError(f"no pod of {name} is ready", f"kubectl --namespace {NAMESPACE} get pods")


def reach(source: Source, targets: Sequence[str]) -> dict[str, bool]:
    """Return for each target whether a connection from the source succeeds.

    Raises:
        FixableError: nothing could be tried.
    """
    name = source.workload or source.pod
    command = ("exec", name, "--namespace", source.namespace, "--", "bash", "-c", SCRIPT, "bash", *targets)
    answers = dict(line.rsplit(" ", 1) for line in kubectl.output(*command).splitlines())
    return {target: answers[target] == "yes" for target in targets}


def denial(source: Source) -> Manifest:
    """Return a policy by which nothing connects to a source's pod."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": source.pod, "namespace": source.namespace},
        "spec": {"podSelector": {"matchLabels": dict(source.labels)}, "policyTypes": ["Ingress"]},
    }
