"""Requests to Ollama's own API, and its errors."""

import json
from typing import Any

import httpx

from tests.api.support.in_process import MODEL, InProcess
from tests.api.support.requests import DONE

ALL = ["completion", "tools", "vision", "thinking", "insert", "embedding"]
TOOL = {
    "type": "function",
    "function": {"name": "now", "description": "The time.", "parameters": {"type": "object"}},
}
CALL = {"id": "c1", "function": {"name": "now", "arguments": {"zone": "UTC"}}}


def answering(app: InProcess) -> InProcess:
    """Let the runtime do everything, and answer with a word."""
    app.runtime.post("/api/show").respond(json={"capabilities": ALL, "model_info": {"x": 1}})
    app.runtime.post("/api/chat").respond(json={"message": {"content": "Hello."}, **DONE})
    app.runtime.post("/api/generate").respond(json={"response": "Hello.", **DONE})
    app.runtime.post("/api/embed").respond(json={"embeddings": [[1.0, 0.0]], "prompt_eval_count": 3})
    return app


async def post(app: InProcess, path: str, **fields: Any) -> httpx.Response:
    return await app.http.post(path, json={"model": MODEL} | fields)


async def sent(app: InProcess, path: str, **fields: Any) -> dict[str, Any]:
    """Send a request without a stream; return the body that the runtime gets."""
    response = await post(app, path, stream=False, **fields)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = json.loads(app.runtime.calls.last.request.content)
    return body


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def error(response: httpx.Response, status: int) -> str:
    """Return the message of an error after checking its status and Ollama's shape."""
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    message = response.json()["error"]
    assert isinstance(message, str)
    return message
