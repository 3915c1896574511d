"""HEAD, and requests for which there is no route."""

import pytest

from tests.api.support.errors import error_of
from tests.api.support.in_process import MODEL, Open
from tests.api.support.live import Serve
from tests.api.support.sockets import connected


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/serving", "/metrics", "/v1/models", f"/v1/models/{MODEL}", "/docs"]
)
async def test_head_is_answered_as_get_without_the_body(serve: Serve, path: str) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n")
        head = (await connection.until(b"\r\n\r\n")).decode().lower()
        await connection.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await connection.response())[2] == b'{"status":"ok"}'
    got = await live.http.get(path)
    assert head.startswith("http/1.1 200 ")
    assert f"content-type: {got.headers['content-type']}" in head
    if path != "/metrics":  # which has changed
        assert f"content-length: {got.headers['content-length']}" in head


async def test_head_tells_that_the_model_cannot_answer(open_gateway: Open) -> None:
    app = await open_gateway()
    app.gateway.drain()
    assert (await app.http.head("/ready")).status_code == 503


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/model", "/v1/models"),
        ("/generat", "/generate"),
    ],
)
async def test_an_unknown_path_is_answered_with_the_closest_one(
    open_gateway: Open, asked: str, meant: str
) -> None:
    app = await open_gateway()
    message = error_of(await app.http.post(asked), 404, "not_found")["message"]
    assert message == f"there is nothing at {asked}: did you mean {meant}? GET /docs describes them"


async def test_a_path_like_no_other_is_answered_with_all_paths(open_gateway: Open) -> None:
    app = await open_gateway()
    message = error_of(await app.http.get("/" + "x" * 5000), 404, "not_found")["message"]
    assert "the paths are" in message
    for path in ("/generate", "/v1/chat/completions", "/v1/models", "/health", "/docs"):
        assert path in message
    assert len(message) < 2000


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/generate", "POST"),
        ("HEAD", "/generate", "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("DELETE", f"/v1/models/{MODEL}", "GET, HEAD"),
        ("POST", "/docs", "GET, HEAD"),
    ],
)
async def test_another_method_is_answered_with_those_that_the_path_takes(
    open_gateway: Open, method: str, path: str, allowed: str
) -> None:
    app = await open_gateway()
    response = await app.http.request(method, path)
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)
    if method != "HEAD":
        message = error_of(response, 405, "method_not_allowed")["message"]
        assert message == f"{path} takes {allowed}, not {method}"
