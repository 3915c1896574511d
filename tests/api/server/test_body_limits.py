"""Bodies that are too large, too slow, or not what they should be."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.conftest import MODEL, InProcess, Open, Serve, until
from tests.api.dialects.test_openai_chat import failed
from tests.api.support.sockets import dial

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "x"}]}
ROUTES = {"/generate": {"prompt": "x"}, "/v1/chat/completions": CHAT}
POST = "POST /generate HTTP/1.1\r\nHost: x\r\n"


async def post(
    opened: InProcess, content: bytes | AsyncIterator[bytes], **headers: str
) -> tuple[int, str, Any]:
    return failed(await opened.http.post("/generate", content=content, headers=headers))


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def test_a_body_is_counted_as_it_comes(open_gateway: Open) -> None:
    opened = await open_gateway(max_body_bytes=20)
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 8
            yield b"        "

    assert await post(opened, endless()) == (413, "too_large", None)
    assert taken == 24


async def test_a_length_that_is_over_the_limit_is_refused_before_the_body(open_gateway: Open) -> None:
    opened = await open_gateway(max_body_bytes=20)

    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("was read")
        yield b""

    for length in ("21", "9" * 5000):
        assert await post(opened, unread(), **{"Content-Length": length}) == (413, "too_large", None)


async def test_a_body_at_the_limit_is_read(open_gateway: Open) -> None:
    opened = await open_gateway(max_body_bytes=20)
    opened.runtime.post("/api/generate").respond(json={"response": "x", "done": True})
    content = json.dumps({"prompt": "x" * 6}).encode()
    assert len(content) <= 20
    answer = await opened.http.post("/generate", content=content.ljust(20))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        f"{POST}Content-Length: 1000\r\n\r\n{'x' * 1000}",
        f"{POST}Transfer-Encoding: chunked\r\n\r\n3e8\r\n{'x' * 1000}\r\n",
        f"{POST}Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n",
    ],
    ids=["declared", "chunked", "expecting"],
)
async def test_the_connection_of_a_body_that_is_too_large_ends(serve: Serve, head: str) -> None:
    live = await serve(max_body_bytes=100)
    async with dial(live.url) as wire:
        await wire.send(head)
        status, headers, body = await wire.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert json.loads(body)["error"]["code"] == "too_large"
        assert await wire.rest() == b""


async def test_a_slow_body_runs_into_its_time_limit(serve: Serve) -> None:
    live = await serve(body_timeout_seconds=0.1)
    async with dial(live.url) as wire:
        await wire.send(f'{POST}Content-Length: 100\r\n\r\n{{"prompt"')
        status, headers, body = await wire.answer()
        assert (status, headers["connection"]) == (408, "close")
        assert json.loads(body)["error"]["code"] == "body_timeout"
        assert await wire.rest() == b""
    assert live.gateway.admission.running == 0


async def test_a_client_that_leaves_within_its_body_is_cancelled(serve: Serve) -> None:
    live = await serve()
    async with dial(live.url) as wire:
        await wire.send(f'{POST}Content-Length: 100\r\n\r\n{{"prompt"')
    labels = {"model": "", "route": "/generate", "outcome": "cancelled"}
    await until(lambda: live.metric("llm_requests_total", **labels) == 1)
    assert (await live.http.get("/health")).status_code == 200


async def test_prompts_have_a_limit_in_characters(open_gateway: Open) -> None:
    opened = await open_gateway(max_prompt_chars=5)
    opened.runtime.post("/api/generate").respond(json={"response": "x", "done": True})
    assert (await opened.http.post("/generate", json={"prompt": "ééééé"})).status_code == 200
    messages = [{"role": "user", "content": [{"type": "text", "text": "xxx"}]}] * 2
    for route, body in [
        ("/generate", {"prompt": "xxx", "system": "xxx"}),
        ("/v1/chat/completions", CHAT | {"messages": messages}),
    ]:
        assert failed(await opened.http.post(route, json=body)) == (413, "too_large", None)


async def test_the_content_type_does_not_matter(open_gateway: Open) -> None:
    opened = await open_gateway()
    opened.runtime.post("/api/generate").respond(json={"response": "x", "done": True})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "nonsense", ""):
        answer = await opened.http.post(
            "/generate", content=b'{"prompt": "x"}', headers={"Content-Type": kind}
        )
        assert answer.status_code == 200
