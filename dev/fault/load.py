"""Run dev/fault/calls.py in a pod of the gateway's image, and follow what it prints."""

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from dev.fault.kube import Kube, wait
from dev.fault.place import HANG_SECONDS
from dev.load.cluster import CALL_SECONDS, Api, log
from dev.load.job import SCRIPTS
from dev.settings import NAMESPACE

SCRIPT = Path(__file__).parent / "calls.py"
START_SECONDS = 60
END_SECONDS = HANG_SECONDS + 20


def pod(name: str, image: str, settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the pod: as restricted as that of k6, from which it differs in what it runs."""
    job: dict[str, Any] = yaml.safe_load((SCRIPTS / "job.yaml").read_text())
    template = job["spec"]["template"]
    spec = template["spec"]
    spec["volumes"][0]["configMap"]["name"] = name
    spec["containers"][0] |= {
        "name": "calls",
        "image": image,
        "command": ["python", f"/scripts/{SCRIPT.name}"],
        "env": [{"name": key, "value": value} for key, value in settings.items()],
    }
    metadata = {"name": name, "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@contextmanager
def calls(api: Api, kube: Kube, image: str, settings: Mapping[str, str]) -> Iterator[Iterator[str]]:
    """Send calls during the block; the iterator also has the lines of those that end after it.

    Raises:
        FixableError: the pod does not start, or does not end.
    """
    name = f"llm-drill-{secrets.token_hex(3)}"
    script = {"metadata": {"name": name}, "data": {SCRIPT.name: SCRIPT.read_text()}}
    read = threading.Event()

    def lines() -> Iterator[str]:
        try:
            yield from log(api, name)
        finally:
            read.set()

    def phase() -> str:
        return str(kube.core.read_namespaced_pod(name, NAMESPACE, _request_timeout=CALL_SECONDS).status.phase)

    try:
        kube.core.create_namespaced_config_map(NAMESPACE, script, _request_timeout=CALL_SECONDS)
        kube.core.create_namespaced_pod(NAMESPACE, pod(name, image, settings), _request_timeout=CALL_SECONDS)
        wait(f"the pod {name}", lambda: phase() == "Running", START_SECONDS)
        yield lines()
        kube.execute(name, "sh", "-c", "kill -TERM 1")
        wait(f"the end of the calls of {name}", lambda: phase() in ("Succeeded", "Failed"), END_SECONDS)
        read.wait(CALL_SECONDS)
    finally:
        # Either may be missing: it was never created.
        for delete in (kube.core.delete_namespaced_pod, kube.core.delete_namespaced_config_map):
            with suppress(ApiException, HTTPError):
                delete(name, NAMESPACE, _request_timeout=CALL_SECONDS)
