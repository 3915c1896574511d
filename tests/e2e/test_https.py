"""The platform over HTTPS, through the Gateway: as by the port-forward, and with a certificate that holds."""

import json
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from kubernetes import client

from bench import stream_client
from dev.https import authority, manifests
from dev.settings import GATEWAY_NAMESPACE, HTTPS_HOST, HTTPS_PORT
from tests.e2e.support import API_SERVER_SECONDS, RESPONSE_SECONDS, RUNTIME
from tests.waiting import equals, until_sync

pytestmark = pytest.mark.e2e

URL = f"https://{HTTPS_HOST}:{HTTPS_PORT}"
LONG_SECONDS = 24  # proxies that have a limit by default end an answer after 15


@pytest.fixture(scope="module")
def installed(api: Any) -> None:
    """Skips the tests where the platform runs without a Gateway."""
    found: Any = client.CoreV1Api(api).list_namespaced_secret(
        GATEWAY_NAMESPACE, _request_timeout=API_SERVER_SECONDS
    )
    if manifests.CERTIFICATE not in {secret.metadata.name for secret in found.items}:
        pytest.skip("there is no Gateway (GATEWAY=none)")


@pytest.fixture
def https(installed: None) -> Iterator[httpx.Client]:
    """A client that trusts the Gateway's authority alone; the name need not be known to a resolver."""
    # Asked by address, so that no resolver has to know the name.
    base = f"https://127.0.0.1:{HTTPS_PORT}"
    host = {"Host": f"{HTTPS_HOST}:{HTTPS_PORT}"}
    verify = ssl.create_default_context(cafile=authority.FILE)
    with httpx.Client(
        base_url=base, headers=host, verify=verify, timeout=RESPONSE_SECONDS, trust_env=False
    ) as http:
        yield http


@pytest.fixture
def slow_model() -> Iterator[float]:
    """The simulated model needs a quarter of a second for each token, as long as a test runs."""
    pace = 0.25
    try:
        before = httpx.get(f"{RUNTIME}/simulator", timeout=10, trust_env=False)
        before.raise_for_status()
    except httpx.HTTPError:
        pytest.skip(f"no simulated model at {RUNTIME} (ENGINE=simulated)")
    old = before.json()["behavior"]["token_seconds"]
    set_pace(pace)
    yield pace
    set_pace(old)


def set_pace(seconds: float) -> None:
    change = {"behavior": {"token_seconds": seconds}}
    httpx.post(f"{RUNTIME}/simulator", json=change, timeout=10, trust_env=False).raise_for_status()


def prompt(tokens: int, stream: bool = False) -> dict[str, Any]:
    return {"prompt": "Count.", "stream": stream, "options": {"num_predict": tokens}}


def ask(https: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
    return https.request(method, path, extensions={"sni_hostname": HTTPS_HOST}, **more)


def test_the_certificate_holds_for_who_trusts_the_authority_and_for_nobody_else(
    https: httpx.Client,
) -> None:
    assert ask(https, "GET", "/v1/models").status_code == 200
    with httpx.Client(trust_env=False) as stranger, pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
        stranger.get(f"https://127.0.0.1:{HTTPS_PORT}/health")


def test_a_plain_answer_may_take_longer_than_a_proxys_usual_limit(
    https: httpx.Client, slow_model: float
) -> None:
    began = time.monotonic()
    response = ask(https, "POST", "/generate", json=prompt(int(LONG_SECONDS / slow_model)))
    assert response.status_code == 200, response.text
    assert time.monotonic() - began > LONG_SECONDS - 3


def test_a_long_stream_arrives_token_by_token(installed: None, slow_model: float) -> None:
    tokens = int(LONG_SECONDS / slow_model)
    request = {"url": URL, "tokens": tokens, "streams": 1, "ca": str(authority.FILE)}
    arrived, pieces = stream_client.stream(request)
    assert arrived >= 0.9 * tokens
    assert pieces >= 0.9 * arrived, f"{arrived} tokens arrived in {pieces} pieces"


def test_a_body_over_the_limit_is_refused_as_it_is_without_the_gateway(
    https: httpx.Client, http: httpx.Client
) -> None:
    body = json.dumps({"prompt": "x" * 2_000_000})
    answers = [ask(https, "POST", "/generate", content=body), http.post("/generate", content=body)]
    assert [answer.status_code for answer in answers] == [413, 413]
    assert answers[0].json()["error"]["type"] == answers[1].json()["error"]["type"]


def test_the_work_for_a_client_that_leaves_ends(
    https: httpx.Client, http: httpx.Client, slow_model: float
) -> None:
    def cancelled() -> float:
        lines = http.get("/metrics").raise_for_status().text.splitlines()
        found = [x for x in lines if x.startswith("llm_requests_total{") and 'outcome="cancelled"' in x]
        return sum(float(x.rpartition(" ")[2]) for x in found)

    before = cancelled()
    with https.stream(
        "POST", "/generate", json=prompt(100, stream=True), extensions={"sni_hostname": HTTPS_HOST}
    ) as response:
        assert next(response.iter_bytes())
    until_sync("the request counted as cancelled", cancelled, equals(before + 1), seconds=15)
