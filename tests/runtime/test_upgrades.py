"""Offers to upgrade a connection do not cost a request its body."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.runtime.serving import Serve, Service
from tests.waiting import within

BODY = json.dumps({"model": "smollm2:135m", "prompt": "Hello", "stream": False}).encode()
OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
WEBSOCKET = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"
CHUNKED = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:9], BODY[9:])) + b"0\r\n\r\n"


def request(headers: str, body: bytes = BODY, length: str = f"Content-Length: {len(BODY)}\r\n") -> bytes:
    return f"POST /api/generate HTTP/1.1\r\nHost: a\r\n{headers}{length}\r\n".encode() + body


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def exchange(service: Service, *parts: bytes) -> str:
    """Send the parts one by one, and return everything that the server sends until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    answer = (await within("the response", reader.read())).decode()
    writer.close()
    await writer.wait_closed()
    return answer


CLOSE = b"GET /api/version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("headers", ["", OFFER, OFFER.lower(), WEBSOCKET], ids=repr)
@pytest.mark.parametrize("size", [1, 100, 10_000])
async def test_a_request_that_offers_an_upgrade_keeps_its_body(serve: Serve, headers: str, size: int) -> None:
    service = await serve(tokens=3)
    answer = await exchange(service, *pieces(request(headers), size), CLOSE)
    assert [part.split()[0] for part in answer.split("HTTP/1.1 ")[1:]] == ["200", "200"]
    assert '"eval_count":3' in answer


async def test_a_chunked_body_is_kept_too(serve: Serve) -> None:
    service = await serve(tokens=3)
    answer = await exchange(service, request(OFFER, CHUNKED, "Transfer-Encoding: chunked\r\n"), CLOSE)
    assert '"eval_count":3' in answer


async def test_several_requests_may_offer_it_on_one_connection(serve: Serve) -> None:
    service = await serve(tokens=3)
    answer = await exchange(service, request(OFFER) * 3 + CLOSE)
    assert answer.count('"eval_count":3') == 3


async def test_a_tunnel_is_refused(serve: Serve) -> None:
    service = await serve()
    answer = await exchange(service, b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n")
    assert answer.split()[1] == "400"
