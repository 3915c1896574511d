"""Runs k6 as a Job in the cluster and follows its log; whatever happens, nothing of it stays behind.

The context is named in every call: no other cluster can get the load.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException

from dev import FixableError
from dev.load import job as load_job
from dev.load.job import NAMESPACE, Run

# The client's types make every field optional, down to a pod's name: what it gives is taken as Any.
Api = Any
START_SECONDS = 120
FINISH_SECONDS = 30


def connect(context: str) -> Api:
    """A client of the context's cluster.

    Raises:
        FixableError: there is no such context.
    """
    try:
        return config.new_client_from_config(context=context)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise FixableError(f"no cluster: {error}", "make up (or --runtime local, without one)") from error


@contextmanager
def job(api: Api, run: Run, image: str) -> Iterator[str]:
    """Makes ConfigMap and Job and gives the name of their pod once k6 runs; removes both at the end.

    Raises:
        FixableError: the pod does not start, with the reason that the cluster gives.
    """
    core: Api = client.CoreV1Api(api)
    batch: Api = client.BatchV1Api(api)
    name = f"llm-load-{run.script}-{secrets.token_hex(3)}"
    try:
        _create(lambda: core.create_namespaced_config_map(NAMESPACE, load_job.config_map(name)))
        _create(lambda: batch.create_namespaced_job(NAMESPACE, load_job.job(name, run, image)))
        yield _started(core, name)
    finally:
        # Both may be gone already: the Job by its ttl, or never made.
        with suppress(ApiException):
            batch.delete_namespaced_job(name, NAMESPACE, propagation_policy="Background")
        with suppress(ApiException):
            core.delete_namespaced_config_map(name, NAMESPACE)


def _create(call: Callable[[], object]) -> None:
    try:
        call()
    except ApiException as error:
        if error.status == 404:
            raise FixableError(f"namespace {NAMESPACE} is missing", "make up") from error
        raise FixableError(f"the cluster refuses the load: {error.reason}: {error.body}") from error
    except OSError as error:
        raise FixableError(f"the cluster does not answer: {error}", "make up") from error


def _started(core: Api, job_name: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    state = "no pod was made"
    while time.monotonic() < deadline:
        pods = core.list_namespaced_pod(NAMESPACE, label_selector=f"job-name={job_name}").items
        if pods and pods[0].status.phase in ("Running", "Succeeded", "Failed"):
            return str(pods[0].metadata.name)
        if pods:
            state = _waiting(pods[0])
        if "ErrImage" in state or "ImagePull" in state or "InvalidImage" in state:
            break
        time.sleep(0.5)
    raise FixableError(f"k6 did not start: {state}", "--image, or K6_IMAGE=, names an image that can be had")


def _waiting(pod: Any) -> str:
    """Why a pod does not run yet, in the cluster's words."""
    for status in pod.status.container_statuses or []:
        if status.state.waiting:
            return f"{status.state.waiting.reason}: {status.state.waiting.message or ''}".strip()
    for condition in pod.status.conditions or []:
        if condition.status == "False" and condition.message:
            return f"{condition.reason}: {condition.message}"
    return str(pod.status.phase)


def log(api: Api, pod: str) -> Iterator[str]:
    """The lines of the pod's log, until it ends."""
    core: Api = client.CoreV1Api(api)
    response = core.read_namespaced_pod_log(pod, NAMESPACE, follow=True, _preload_content=False)
    rest = b""
    for chunk in response.stream(decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)
    if rest:
        yield rest.decode(errors="replace")


def exit_status(api: Api, pod: str) -> int:
    """What k6 ended with.

    Raises:
        FixableError: it has not ended, or it was killed.
    """
    core: Api = client.CoreV1Api(api)
    deadline = time.monotonic() + FINISH_SECONDS
    while time.monotonic() < deadline:
        for status in core.read_namespaced_pod(pod, NAMESPACE).status.container_statuses or []:
            ended = status.state.terminated
            if ended and ended.reason == "OOMKilled":
                raise FixableError("k6 ran out of memory", "a lower --rate, or more for it in job.yaml")
            if ended:
                return int(ended.exit_code)
        time.sleep(0.5)
    raise FixableError(f"k6 in pod {pod} does not end")
