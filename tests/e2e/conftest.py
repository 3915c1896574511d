"""A running platform: the gateway where Tilt forwards it, and the cluster behind it."""

import os
from typing import Any

import httpx
import pytest
from kubernetes import client

from dev.load import cluster as load_cluster
from dev.settings import CONTEXT

GATEWAY = os.environ.get("LLM_E2E_GATEWAY", "http://localhost:8000")
PATIENCE = 120
"""Seconds until a first answer: a small machine may have just started everything."""


@pytest.fixture(scope="session")
def gateway() -> str:
    """The gateway's address; fails where nobody is there, for then nothing was tested."""
    try:
        httpx.get(f"{GATEWAY}/health", timeout=10).raise_for_status()
    except httpx.HTTPError as error:
        pytest.fail(f"no gateway at {GATEWAY} ({error}): make up", pytrace=False)
    return GATEWAY


@pytest.fixture(scope="session")
def api() -> Any:
    """A client of the cluster's API server."""
    return load_cluster.connect(CONTEXT)


@pytest.fixture(scope="session")
def monitoring(api: Any) -> None:
    """Skips what needs Prometheus where the platform runs without it."""
    if not client.AppsV1Api(api).list_namespaced_stateful_set("monitoring").items:
        pytest.skip("monitoring is off (monitoring=false)")
