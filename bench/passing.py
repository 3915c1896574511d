"""What the stack itself costs: apps that only pass a chat on to the runtime, by the gateway's own transport.

`uvicorn --factory bench.passing:asgi` is ASGI and nothing else; `bench.passing:fast` is the same as a route
of FastAPI. The environment variable PASSING_TO has the runtime's address.
"""

import os
from collections.abc import Awaitable, Callable

import httpx
from fastapi import FastAPI, Request, Response
from llm_api.lifecycle import collect_less
from llm_api.upstream.transport import Transport
from starlette.types import ASGIApp, Receive, Scope, Send

PassOn = Callable[[bytes], Awaitable[tuple[int, bytes]]]


def to_runtime() -> PassOn:
    """Return what sends a body to the runtime, and returns its status and answer."""
    collect_less()  # as the gateway does
    chat = httpx.URL(os.environ["PASSING_TO"]).join("/api/chat")
    headers = [(b"content-type", b"application/json"), (b"host", chat.netloc)]
    transport = Transport(keep_alive_seconds=4)

    async def pass_on(body: bytes) -> tuple[int, bytes]:
        length = (b"content-length", b"%d" % len(body))
        request = httpx.Request("POST", chat, headers=[*headers, length], stream=httpx.ByteStream(body))
        response = await transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - narrows the type
        content = b"".join([piece async for piece in response.stream])
        await response.aclose()
        return response.status_code, content

    return pass_on


def asgi() -> ASGIApp:
    """Return an app that passes on any request with a body, and answers others at once."""
    pass_on = to_runtime()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        status, answer = await pass_on(body) if body else (200, b"")
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    return app


def fast() -> FastAPI:
    """Return the same with a route of FastAPI."""
    app, pass_on = FastAPI(), to_runtime()

    @app.get("/ready")
    async def ready() -> dict[str, str]:
        return {}

    @app.post("/api/chat")
    async def chat(request: Request) -> Response:
        status, answer = await pass_on(await request.body())
        return Response(answer, status, media_type="application/json")

    return app
