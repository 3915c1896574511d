from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from kubernetes import client

from dev.load import cluster
from dev.settings import CONTEXT
from tests.e2e.support import API_SERVER_SECONDS, GATEWAY, RESPONSE_SECONDS


@pytest.fixture(scope="session")
def gateway() -> str:
    """The gateway's URL. Fails, not skips, if nothing answers there: nothing would have been tested."""
    try:
        httpx.get(f"{GATEWAY}/health", timeout=10, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        pytest.fail(f"no gateway at {GATEWAY} ({error}): make up", pytrace=False)
    return GATEWAY


@pytest.fixture
def http(gateway: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway, timeout=RESPONSE_SECONDS, trust_env=False) as http:
        yield http


@pytest.fixture(scope="session")
def api() -> Any:
    """A client of the cluster's API server."""
    return cluster.connect(CONTEXT)


@pytest.fixture(scope="session")
def monitoring(api: Any) -> None:
    """Skips tests that need Prometheus if the platform runs without it."""
    apps = client.AppsV1Api(api)
    if not apps.list_namespaced_stateful_set("monitoring", _request_timeout=API_SERVER_SECONDS).items:
        pytest.skip("monitoring is off (monitoring=false)")
