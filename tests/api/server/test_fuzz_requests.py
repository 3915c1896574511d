"""Arbitrary bytes, in-process and on a socket, are answered without a 5xx, or cut off."""

from urllib.parse import quote

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from llm_api.server.limits import Protocol

from tests.api.support.fuzzing import fuzz_cases
from tests.api.support.in_process import InProcess, Open
from tests.api.support.live import Live, Serve
from tests.api.support.sockets import connected
from tests.waiting import equals, until

PATHS = st.one_of(
    st.sampled_from(["/generate", "/v1/chat/completions", "/v1/models", "/health", "/ready", "/metrics"]),
    st.text(max_size=30).map(lambda text: "/" + quote(text)),
    st.text(max_size=30).map(lambda text: "/v1/models/" + quote(text)),
)
METHODS = st.sampled_from(["POST", "GET", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "QUERY"])
VALUES = st.binary(max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from([b"authorization", b"content-length", b"content-type", b"host", b"x-request-id", b"x"]),
    st.one_of(VALUES, st.binary(max_size=10).map(lambda key: b"Bearer " + key), st.just(b"\xb2")),
)
JSON = st.binary(max_size=40).map(lambda raw: b'{"prompt":"x","options":{"seed":' + raw + b"}}")
REQUESTS = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda method, path, lines, body: (
            b"%s %s HTTP/1.1\r\n%s\r\n\r\n%s"
            % (method.encode(), path, b"\r\n".join(b"%s: %s" % line for line in lines.items()), body)
        ),
        METHODS,
        st.binary(max_size=20).map(lambda raw: b"/" + raw) | PATHS.map(str.encode),
        HEADERS,
        JSON | st.binary(max_size=50),
    ),
)


@pytest.fixture(params=["", "right"], ids=["open", "keys"])
async def app(request: pytest.FixtureRequest, open_gateway: Open) -> InProcess:
    return await open_gateway(api_keys=request.param or None)


@fuzz_cases(0.1)
@given(METHODS, PATHS, HEADERS, st.binary(max_size=60) | JSON)
@example("POST", "/generate", {b"content-length": b"9" * 5000}, b"")
@example("GET", "/v1/models/%ED%A0%80", {}, b"")
async def test_a_request_of_any_bytes_is_answered(
    app: InProcess, method: str, path: str, headers: dict[bytes, bytes], body: bytes
) -> None:
    request = httpx.Request(method, f"http://gateway.test{path}", headers=list(headers.items()), content=body)
    response = await app.http.send(request)
    assert response.status_code < 500, response.text
    assert response.headers["x-request-id"]
    if response.status_code >= 400 and method != "HEAD":
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}


@pytest.fixture
async def live(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setattr(Protocol, "head_seconds", 0.3)
    live = await serve(body_timeout_seconds=0.1)
    monkeypatch.setattr(live.server.config, "timeout_keep_alive", 0.1)
    return live


@fuzz_cases(0.05)
@given(REQUESTS)
@example(b"CONNECT x:1 HTTP/1.1\r\n\r\n")
@example(b"OPTIONS * HTTP/1.1\r\n\r\n")
@example(b"GET http://x HTTP/1.1\r\n\r\n")
@example(b"GET /health HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
@example(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
async def test_any_bytes_on_a_socket_are_answered_or_cut_off(live: Live, content: bytes) -> None:
    async with connected(live.url) as connection:
        await connection.send(content + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = await connection.rest()
    assert b"HTTP/1.1 5" not in received

    async def health() -> int | str:
        try:
            return (await live.http.get("/health", headers={"Connection": "close"})).status_code
        except httpx.TransportError as error:  # a busy machine may exceed the short time for a head
            return repr(error)

    await until("the gateway to be healthy", health, equals(200))
