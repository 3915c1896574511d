"""What the stack itself costs: apps that only pass a chat on to the runtime, by the gateway's own transport.

`uvicorn bench.passing:asgi` is ASGI and nothing else; `bench.passing:fast` is the same as a route of FastAPI.
"""

import os

import httpx
from fastapi import FastAPI, Request, Response
from llm_api.lifecycle import collect_less
from llm_api.upstream.transport import Transport
from starlette.types import Receive, Scope, Send

CHAT = httpx.URL(os.environ.get("PASSING_TO", "http://localhost:11434")).join("/api/chat")
HEADERS = [(b"content-type", b"application/json"), (b"host", CHAT.netloc)]
transport = Transport(keep_alive_seconds=4)
fast = FastAPI()


async def passed_on(body: bytes) -> tuple[int, bytes]:
    """Return the runtime's status and answer."""
    request = httpx.Request(
        "POST",
        CHAT,
        headers=[*HEADERS, (b"content-length", b"%d" % len(body))],
        stream=httpx.ByteStream(body),
    )
    response = await transport.handle_async_request(request)
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - narrows the type
    content = b"".join([piece async for piece in response.stream])
    await response.aclose()
    return response.status_code, content


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass on any request with a body; answer others at once."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    status, answer = await passed_on(body) if body else (200, b"")
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer, "more_body": False})


@fast.get("/ready")
async def ready() -> dict[str, str]:
    return {}


@fast.post("/api/chat")
async def chat(request: Request) -> Response:
    status, answer = await passed_on(await request.body())
    return Response(answer, status, media_type="application/json")


collect_less()  # as the gateway does
