"""Bodies that are too large or too slow."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.support.errors import error_summary
from tests.api.support.in_process import InProcess, Open
from tests.api.support.live import Serve
from tests.api.support.requests import BODIES
from tests.api.support.sockets import connected

POST = "POST /generate HTTP/1.1\r\nHost: x\r\n"


async def post(app: InProcess, content: bytes | AsyncIterator[bytes], **headers: str) -> tuple[int, str, Any]:
    return error_summary(await app.http.post("/generate", content=content, headers=headers))


async def test_a_body_is_counted_as_it_arrives(open_gateway: Open) -> None:
    app = await open_gateway(max_body_bytes=20)
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 8
            yield b"        "

    assert await post(app, endless()) == (413, "too_large", None)
    assert taken == 24


async def test_a_content_length_over_the_limit_is_refused_before_the_body_is_read(open_gateway: Open) -> None:
    app = await open_gateway(max_body_bytes=20)

    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("was read")
        yield b""

    for length in ("21", "9" * 5000):
        assert await post(app, unread(), **{"Content-Length": length}) == (413, "too_large", None)


async def test_a_body_at_the_limit_is_accepted(open_gateway: Open) -> None:
    app = await open_gateway(max_body_bytes=20)
    app.runtime.post("/api/generate").respond(json={"response": "x", "done": True})
    content = json.dumps({"prompt": "x" * 6}).encode()
    assert len(content) <= 20
    response = await app.http.post("/generate", content=content.ljust(20))
    assert response.status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        f"{POST}Content-Length: 1000\r\n\r\n{'x' * 1000}",
        f"{POST}Transfer-Encoding: chunked\r\n\r\n3e8\r\n{'x' * 1000}\r\n",
        f"{POST}Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n",
    ],
    ids=["declared", "chunked", "expecting"],
)
async def test_the_connection_of_a_body_that_is_too_large_is_closed(serve: Serve, head: str) -> None:
    live = await serve(max_body_bytes=100)
    async with connected(live.url) as connection:
        await connection.send(head)
        status, headers, body = await connection.response()
        assert (status, headers["connection"]) == (413, "close")
        assert json.loads(body)["error"]["code"] == "too_large"
        assert await connection.rest() == b""


async def test_a_slow_body_is_cut_off_at_its_time_limit(serve: Serve) -> None:
    live = await serve(body_timeout_seconds=0.1)
    async with connected(live.url) as connection:
        await connection.send(f'{POST}Content-Length: 100\r\n\r\n{{"prompt"')
        status, headers, body = await connection.response()
        assert (status, headers["connection"]) == (408, "close")
        assert json.loads(body)["error"]["code"] == "body_timeout"
        assert await connection.rest() == b""
    assert live.gateway.admission.running == 0


async def test_prompts_are_limited_in_characters(open_gateway: Open) -> None:
    app = await open_gateway(max_prompt_chars=5)
    app.runtime.post("/api/generate").respond(json={"response": "x", "done": True})
    assert (await app.http.post("/generate", json={"prompt": "ééééé"})).status_code == 200
    messages = [{"role": "user", "content": [{"type": "text", "text": "xxx"}]}] * 2
    for route, body in [
        ("/generate", {"prompt": "xxx", "system": "xxx"}),
        ("/v1/chat/completions", BODIES["/v1/chat/completions"] | {"messages": messages}),
    ]:
        assert error_summary(await app.http.post(route, json=body)) == (413, "too_large", None)


async def test_the_content_type_does_not_matter(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(json={"response": "x", "done": True})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "nonsense", ""):
        response = await app.http.post(
            "/generate", content=b'{"prompt": "x"}', headers={"Content-Type": kind}
        )
        assert response.status_code == 200
