"""Responses that the gateway gives before it has read the body: clients that are still sending get them."""

import asyncio
import http.client
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from llm_api.server.limits import Protocol

from tests.api.support.live import Live, Serve
from tests.api.support.sockets import connected
from tests.waiting import until, within

# More than the buffers of both sockets hold, so that the client is still sending when it is answered.
BODY = b"x" * 30_000_000
CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"
KEYS = {"api_keys": "sk-right"}
# Settings, method, path and the status of the response.
REFUSALS: dict[str, tuple[dict[str, Any], str, str, int]] = {
    "too large": ({}, "POST", "/generate", 413),
    "no key": (KEYS, "POST", "/generate", 401),
    "unknown path": ({}, "POST", "/nothing", 404),
    "wrong method": ({}, "PUT", "/generate", 405),
    "body not wanted": ({}, "GET", "/health", 200),
}


def http_client(url: httpx.URL, method: str) -> int:
    """Sends everything before it reads, and fails at a reset."""
    connection = http.client.HTTPConnection(url.host, url.port or 80, timeout=60)
    try:
        connection.request(method, url.path, body=BODY)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def httpx_client(url: httpx.URL, method: str) -> int:
    with httpx.Client(trust_env=False, timeout=60) as client:
        return client.request(method, url, content=BODY).status_code


def httpx_chunked(url: httpx.URL, method: str) -> int:
    with httpx.Client(trust_env=False, timeout=60) as client:
        chunks = (BODY[start : start + 65536] for start in range(0, len(BODY), 65536))
        return client.request(method, url, content=chunks).status_code


def curl(url: httpx.URL, method: str) -> int:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = ["curl", "--silent", "--show-error", "--max-time", "20", "--noproxy", "*", "--request", method]
    command += ["--data-binary", "@-", "--output", "/dev/null", "--write-out", "%{http_code}", str(url)]
    return int(subprocess.run(command, input=BODY, capture_output=True, check=True).stdout)


@pytest.mark.parametrize("client", [http_client, httpx_client, httpx_chunked, curl])
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_client_that_is_still_sending_gets_its_response(
    serve: Serve, refusal: str, client: Callable[[httpx.URL, str], int]
) -> None:
    settings, method, path, status = REFUSALS[refusal]
    live = await serve(**settings)
    assert await asyncio.to_thread(client, httpx.URL(live.url + path), method) == status


async def test_an_invalid_request_is_answered_while_the_client_is_still_sending(serve: Serve) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send(b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n")
        await connection.send(BODY)
        assert (await connection.response())[0] == 400


HEADS = {
    "declared": "POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n",
    "chunked": "POST /generate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    "kept": "POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
}


async def no_connection_is_left(live: Live) -> None:
    await until("the connections to end", lambda: not live.server.server_state.connections)


@pytest.mark.parametrize("head", HEADS)
async def test_a_client_that_sends_on_after_its_response_is_cut_off_at_a_size(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    monkeypatch.setattr(Protocol, "linger_bytes", 10_000_000)
    live = await serve(max_body_bytes=100)
    async with connected(live.url) as connection:
        await connection.send(HEADS[head])
        with pytest.raises(ConnectionError):
            await connection.send(CHUNK * 1000)
        await no_connection_is_left(live)


@pytest.mark.parametrize("pause", [0, 30], ids=["sending", "silent"])
async def test_a_client_that_sends_on_after_its_response_is_cut_off_after_a_time(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    monkeypatch.setattr(Protocol, "linger_seconds", 0.1)
    monkeypatch.setattr(Protocol, "linger_bytes", 10**12)
    live = await serve(max_body_bytes=100)

    async def send() -> None:
        while True:
            await connection.send(CHUNK)
            await asyncio.sleep(pause)

    async with connected(live.url) as connection:
        await connection.send(HEADS["chunked"])
        sending = asyncio.create_task(send())
        assert (await connection.response())[0] == 413
        await no_connection_is_left(live)
        sending.cancel()
        await within("the client to stop", asyncio.wait([sending]))


async def test_a_client_that_reads_to_the_end_does_not_wait_for_the_gateway_to_close(serve: Serve) -> None:
    live = await serve(max_body_bytes=100)
    async with connected(live.url) as connection:
        await connection.send(HEADS["declared"])
        assert (await connection.response())[0] == 413
        assert await connection.rest() == b""
        assert live.server.server_state.connections  # the gateway still reads
    await no_connection_is_left(live)


async def test_a_request_that_was_read_leaves_nothing_to_read(serve: Serve) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await connection.response())[0] == 200
        await no_connection_is_left(live)
