"""Requests to /v1/messages, and its events."""

import json
from typing import Any

import httpx
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message
from llm_api.dialects.anthropic import MessagesRequest
from llm_api.dialects.anthropic_answers import MessageFormat
from llm_api.record import Phases
from llm_api.upstream.chunk import Chunk, Finish

from tests.api.support.in_process import MODEL, InProcess
from tests.api.support.requests import DONE, HELLO

WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PNG = "iVBORw0KGgo="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
TIME = {"name": "get_time", "input_schema": {"type": "object"}}


async def send(app: InProcess, path: str = "/v1/messages", **fields: Any) -> httpx.Response:
    """Send a valid request with these fields, without those that are None."""
    body = {"model": MODEL, "max_tokens": 9, "messages": HELLO} | fields
    return await app.http.post(path, json={name: value for name, value in body.items() if value is not None})


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the events of a stream after checking that each is named for its type."""
    *found, rest = response.text.split("\n\n")
    assert rest == ""
    objects = []
    for event in found:
        name, data = event.split("\n")
        objects.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {objects[-1]['type']}"
    return objects


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Return the status, the type and the message of an error after checking its shape."""
    body = response.json()
    assert set(body) == {"type", "error", "request_id"}, response.text
    assert (body["type"], body["request_id"]) == ("error", response.headers["x-request-id"])
    assert set(body["error"]) == {"type", "message"}
    return response.status_code, body["error"]["type"], body["error"]["message"]


def parsed(body: dict[str, Any]) -> MessagesRequest:
    """Return a valid request none of whose fields is ignored."""
    undocumented: list[str] = []
    request = MessagesRequest.model_validate_json(json.dumps(body), context=undocumented)
    assert undocumented == []
    return request


def accumulated(answer_format: MessageFormat, chunks: list[Chunk], finish: Finish) -> Message:
    """Return a stream as the official client puts it together."""
    stream = answer_format.first()
    stream += b"".join(answer_format.pieces([chunk]) for chunk in chunks)
    stream += answer_format.last(finish, Phases())
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in stream.decode().split("\n\n")[:-1]:
        data: Any = json.loads(event.split("\n")[1].removeprefix("data: "))
        if data["type"] != "ping":
            snapshot = accumulate_event(event=data, current_snapshot=snapshot, json_bufs=buffers)
    assert isinstance(snapshot, Message)
    return snapshot


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


async def sent_to_the_runtime(app: InProcess, path: str = "/v1/messages", **fields: Any) -> dict[str, Any]:
    """Send a request; return the body that the runtime gets."""
    everything = ["completion", "tools", "vision", "thinking"]
    app.runtime.post("/api/show").respond(json={"capabilities": everything})
    route = app.runtime.post("/api/chat").respond(json={"message": {"content": "Hello."}, **DONE})
    response = await send(app, path, **fields)
    assert response.status_code == 200, response.text
    assert "x-ignored-fields" not in response.headers
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    return body


async def answer_to(app: InProcess, message: dict[str, Any], done: Any = DONE, **fields: Any) -> Any:
    """Return the answer when the runtime says this."""
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion", "tools", "thinking"]})
    app.runtime.post("/api/chat").respond(json={"message": {"content": ""} | message, **done})
    response = await send(app, **fields)
    assert response.status_code == 200, response.text
    return response.json()
