"""Clients of other versions of HTTP: offers of HTTP/2 are ignored, and HTTP/1.0 gets no chunks."""

import asyncio
import json
import shutil
import subprocess

import pytest
from llm_api.server.limits import Protocol

from tests.api.support.live import Live, Serve
from tests.api.support.sockets import connected

BODY = json.dumps({"prompt": "Say hello.", "options": {"num_predict": 3}})
# The headers that curl 7.88 and Java 17 send with every request.
OFFERS = {
    "curl": "Connection: Upgrade, HTTP2-Settings\r\n"
    "Upgrade: h2c\r\n"
    "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
    "Java": "Connection: Upgrade, HTTP2-Settings\r\n"
    "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
    "Upgrade: h2c\r\n",
    "a browser": "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "two offers": "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
    "no connection option": "Upgrade: h2c\r\n",
}
LENGTH = f"Content-Length: {len(BODY)}\r\n\r\n"
BODIES = {
    "declared": f"{LENGTH}{BODY}",
    "chunked": "Transfer-Encoding: chunked\r\n\r\n"
    f"5\r\n{BODY[:5]}\r\n{len(BODY) - 5:x}\r\n{BODY[5:]}\r\n0\r\n\r\n",
}


def post(offer: str, body: str = "declared", version: str = "1.1") -> str:
    return f"POST /generate HTTP/{version}\r\nHost: x\r\n{OFFERS.get(offer, offer)}{BODIES[body]}"


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("offer", OFFERS)
async def test_an_offer_to_upgrade_does_not_lose_the_body(serve: Serve, offer: str, body: str) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        for _ in range(2):
            await connection.send(post(offer, body))
            status, _, content = await connection.response()
            assert (status, json.loads(content)["usage"]["generated_tokens"]) == (200, 3)


async def test_a_request_with_an_offer_may_arrive_byte_by_byte(serve: Serve) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        for byte in post("Java"):
            await connection.send(byte)
        assert (await connection.response())[0] == 200


async def test_requests_with_offers_may_be_pipelined(serve: Serve) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        health = "GET /health HTTP/1.1\r\nHost: x\r\n"
        for request in (
            f"{health}\r\n",
            post("curl"),
            f"{health}{OFFERS['Java']}\r\n",
            post("Java", "chunked"),
        ):
            await connection.send(request)
        assert [(await connection.response())[0] for _ in range(4)] == [200] * 4


async def test_an_offer_leaves_the_other_headers_alone(serve: Serve) -> None:
    live = await serve(api_keys="sk-right")
    async with connected(live.url) as connection:
        await connection.send(
            post(
                f"{OFFERS['curl']}Authorization: Bearer sk-right\r\nX-Request-ID: a\r\nConnection: close\r\n"
            )
        )
        status, headers, _ = await connection.response()
        assert (status, headers["x-request-id"], headers["connection"]) == (200, "a", "close")
        assert await connection.rest() == b""


async def test_a_body_after_an_offer_is_limited_like_any_other(serve: Serve) -> None:
    live = await serve(max_body_bytes=20)
    async with connected(live.url) as connection:
        await connection.send(post("curl"))
        assert (await connection.response())[0] == 413


async def test_a_head_with_an_offer_is_limited_like_any_other(serve: Serve) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send(post(f"{OFFERS['curl']}X: {'x' * Protocol.head_bytes}\r\n"))
        assert (await connection.rest()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("offer", ["", *OFFERS])
async def test_connect_is_refused_with_or_without_an_offer(serve: Serve, offer: str) -> None:
    live = await serve()
    for target in ("/generate", "x:443"):
        async with connected(live.url) as connection:
            await connection.send(
                f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n{OFFERS.get(offer, '')}Connection: close\r\n\r\n"
            )
            assert (await connection.rest()).startswith((b"HTTP/1.1 405 ", b"HTTP/1.1 400 "))


async def test_curl_may_ask_for_http2(serve: Serve) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    live = await serve()
    command = ["curl", "--silent", "--show-error", "--http2", "--noproxy", "*", "--max-time", "20"]
    command += ["--data", BODY, f"{live.url}/generate"]
    answer = await asyncio.to_thread(subprocess.check_output, command)
    assert json.loads(answer)["done"] is True


async def http10(live: Live, request: str) -> tuple[str, bytes]:
    """Return the head and the body, which ends with the connection."""
    async with connected(live.url) as connection:
        await connection.send(request)
        head, _, body = (await connection.rest()).partition(b"\r\n\r\n")
    return head.decode().lower(), body


@pytest.mark.parametrize("offer", ["", "curl", "Connection: keep-alive\r\n"])
async def test_http_1_0_gets_a_stream_without_chunks(serve: Serve, offer: str) -> None:
    live = await serve()
    body = json.dumps({"prompt": "Say hello.", "stream": True, "options": {"num_predict": 3}})
    head = f"POST /generate HTTP/1.0\r\n{OFFERS.get(offer, offer)}Content-Length: {len(body)}\r\n\r\n"
    head, content = await http10(live, head + body)
    assert head.startswith("http/1.1 200 ")
    assert "transfer-encoding" not in head
    assert "connection: close" in head
    *lines, last = map(json.loads, content.splitlines())
    assert len(lines) == 3
    assert last["done"] is True


async def test_http_1_0_gets_a_whole_answer_with_its_length(serve: Serve) -> None:
    live = await serve()
    head, content = await http10(live, post("", version="1.0"))
    assert f"content-length: {len(content)}" in head
    assert json.loads(content)["done"] is True


async def test_http_1_0_gets_errors_and_heads(serve: Serve) -> None:
    live = await serve()
    head, content = await http10(live, "GET /nothing HTTP/1.0\r\n\r\n")
    assert head.startswith("http/1.1 404 ")
    assert json.loads(content)["error"]["code"] == "not_found"
    head, content = await http10(live, "HEAD /docs HTTP/1.0\r\n\r\n")
    assert (head[:13], content) == ("http/1.1 200 ", b"")
