"""Run k6 as a Job in the cluster and follow its log; afterwards nothing of it remains.

Every call names its context, so that no other cluster can get the load.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from dev import FixableError, lines
from dev.load import job as manifests
from dev.load.job import Run
from dev.settings import NAMESPACE

# The client's types declare every field optional, even a pod's name: Any spares a hundred checks for None.
Api = Any
CALL_SECONDS = 30  # for an answer of the API server
START_SECONDS = 120
SILENCE_SECONDS = 180  # between two lines of k6's log; a request may take 130 of them
FINISH_SECONDS = 30


def connect(context: str) -> Api:
    """Return a client of the context's cluster.

    Raises:
        FixableError: there is no such context.
    """
    try:
        return config.new_client_from_config(context=context)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise FixableError(f"no cluster: {error}", "make up; without a cluster: PROFILE=local") from error


@contextmanager
def api_errors() -> Iterator[None]:
    """Report errors of calls to the API server, and of the way to it.

    Raises:
        FixableError: a call inside the block failed.
    """
    try:
        yield
    except ApiException as error:
        if error.status == 404:
            raise FixableError(f"not found in the cluster: {error.body}", "make up") from error
        raise FixableError(f"the API server refused: {error.status} {error.reason}: {error.body}") from error
    except HTTPError as error:
        raise FixableError(f"the API server does not answer: {error}", "make up") from error


@contextmanager
def job(api: Api, run: Run, image: str) -> Iterator[str]:
    """Create ConfigMap and Job, yield the name of their pod once k6 has started, and remove both at the end.

    Raises:
        FixableError: the pod does not start; the message has the cluster's reason.
    """
    core: Api = client.CoreV1Api(api)
    batch: Api = client.BatchV1Api(api)
    name = f"llm-load-{run.script}-{secrets.token_hex(3)}"
    map_, job_ = manifests.config_map(name), manifests.job(name, run, image)
    try:
        with api_errors():
            core.create_namespaced_config_map(NAMESPACE, map_, _request_timeout=CALL_SECONDS)
            batch.create_namespaced_job(NAMESPACE, job_, _request_timeout=CALL_SECONDS)
            pod = _started(core, name)
        yield pod
    finally:
        # Either may be missing: the Job is removed by its ttl, or was never created.
        with suppress(ApiException, HTTPError):
            batch.delete_namespaced_job(
                name, NAMESPACE, propagation_policy="Background", _request_timeout=CALL_SECONDS
            )
        with suppress(ApiException, HTTPError):
            core.delete_namespaced_config_map(name, NAMESPACE, _request_timeout=CALL_SECONDS)


def _started(core: Api, job_name: str) -> str:
    """Return the name of the Job's pod once it runs, or has already ended."""
    deadline = time.monotonic() + START_SECONDS
    state = "no pod was created"
    while time.monotonic() < deadline:
        pods = core.list_namespaced_pod(
            NAMESPACE, label_selector=f"job-name={job_name}", _request_timeout=CALL_SECONDS
        ).items
        if pods and pods[0].status.phase in ("Running", "Succeeded", "Failed"):
            return str(pods[0].metadata.name)
        if pods:
            state = _waiting(pods[0])
        if "ErrImage" in state or "ImagePull" in state or "InvalidImage" in state:
            break
        time.sleep(0.5)
    raise FixableError(f"k6 did not start: {state}", "name an image that can be pulled: K6_IMAGE=...")


def _waiting(pod: Any) -> str:
    """Return the cluster's reason why a pod does not run yet."""
    for status in pod.status.container_statuses or []:
        if status.state.waiting:
            return f"{status.state.waiting.reason}: {status.state.waiting.message or ''}".strip()
    for condition in pod.status.conditions or []:
        if condition.status == "False" and condition.message:
            return f"{condition.reason}: {condition.message}"
    return str(pod.status.phase)


def log(api: Api, pod: str) -> Iterator[str]:
    """Yield the lines of the pod's log until it ends.

    Raises:
        ApiException: the API server refused.
        HTTPError: the connection broke, or no line came for SILENCE_SECONDS.
    """
    core: Api = client.CoreV1Api(api)
    response = core.read_namespaced_pod_log(
        pod,
        NAMESPACE,
        follow=True,
        _preload_content=False,
        _request_timeout=(CALL_SECONDS, SILENCE_SECONDS),
    )
    for line in lines.split(response.stream(decode_content=True)):
        yield line.decode(errors="replace")


def exit_status(api: Api, pod: str) -> int:
    """Return k6's exit status, a moment after its log has ended.

    Raises:
        FixableError: k6 was killed, or does not end.
    """
    core: Api = client.CoreV1Api(api)
    deadline = time.monotonic() + FINISH_SECONDS
    state: Any = "unknown"
    while time.monotonic() < deadline:
        with api_errors():
            found = core.read_namespaced_pod(pod, NAMESPACE, _request_timeout=CALL_SECONDS)
        for status in found.status.container_statuses or []:
            state = status.state
            if state.terminated and state.terminated.reason == "OOMKilled":
                raise FixableError(
                    "k6 ran out of memory", "a lower --rate, or a higher limit in load/job.yaml"
                )
            if state.terminated:
                return int(state.terminated.exit_code)
        time.sleep(0.5)
    raise FixableError(f"k6 in pod {pod} has not ended {FINISH_SECONDS} s after its log; its state: {state}")
