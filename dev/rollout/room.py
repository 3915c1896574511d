"""The settings of the platform during a rollout: its images, and room for all requests."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from dev.doctor.choice import ENGINES
from dev.fault.changes import Changes
from dev.fault.kube import GATEWAY, RUNTIME, Kube
from dev.fault.place import simulated
from dev.fault.settings import environment
from dev.rollout.images import Images

GRACE_SECONDS = 120  # as in values-production.yaml of both charts
TERMINATION = ("spec", "template", "spec", "terminationGracePeriodSeconds")
TOKEN_SECONDS = 0.1  # a stream of 32 tokens lasts 3 s


def variables(engine: str, requests: int) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the variables of the gateway and of the runtime with which so many requests run at once."""
    gateway = {
        "LLM_MAX_RUNNING": str(requests),
        "LLM_MAX_WAITING": str(requests),
        "LLM_SHUTDOWN_GRACE_SECONDS": str(GRACE_SECONDS),
    }
    pace = {"slots": requests, "first_token_seconds": TOKEN_SECONDS, "token_seconds": TOKEN_SECONDS}
    runtime = simulated(pace) if engine == "simulated" else {}
    if ENGINES[engine].embedded:
        runtime["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"] = str(GRACE_SECONDS)
    return gateway, runtime


@contextmanager
def room(kube: Kube, engine: str, requests: int, images: Images) -> Iterator[None]:
    """Have the first of the images, and room for so many requests, during the block.

    A request that is rejected proves nothing. What is not built here stays as it is.
    """
    changes = Changes(kube)
    changes.undo_earlier()
    with ExitStack() as stack:
        for ref, changed in zip((GATEWAY, RUNTIME), variables(engine, requests), strict=True):
            if ref.name in images:
                before, _ = images[ref.name]
                stack.enter_context(changes.during(ref, TERMINATION, GRACE_SECONDS + 20))
                stack.enter_context(environment(kube, changes, ref, changed, before))
        yield
