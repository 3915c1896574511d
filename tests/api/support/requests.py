"""Requests to the routes that generate, and what a runtime answers."""

import json
from typing import Any

import httpx

from tests.api.support.in_process import MODEL, InProcess

HELLO = [{"role": "user", "content": "Say hello."}]
BODIES: dict[str, dict[str, Any]] = {
    "/generate": {"prompt": "Say hello."},
    "/v1/chat/completions": {"model": MODEL, "messages": HELLO},
    "/v1/responses": {"model": MODEL, "input": "Say hello."},
    "/v1/completions": {"model": MODEL, "prompt": "Say hello."},
    "/api/chat": {"model": MODEL, "messages": HELLO},
    "/api/generate": {"model": MODEL, "prompt": "Say hello."},
}
RUNTIME_PATHS = {
    "/generate": "/api/generate",
    "/v1/chat/completions": "/api/chat",
    "/v1/responses": "/api/chat",
    "/v1/completions": "/api/generate",
    "/api/chat": "/api/chat",
    "/api/generate": "/api/generate",
}

DONE = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 2, "eval_duration": 1000}
CHAT_LINES = [
    {"message": {"role": "assistant", "content": "Hel"}, "done": False},
    {"message": {"role": "assistant", "content": "lo."}, "done": False},
    {"message": {"role": "assistant", "content": ""}, **DONE},
]


def ndjson(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


async def generate(app: InProcess, *, stream: bool = False, **fields: Any) -> httpx.Response:
    """Send a prompt; check that nothing runs or waits after the response."""
    response = await app.http.post("/generate", json={"prompt": "Hello", "stream": stream} | fields)
    assert (app.gateway.admission.running, app.gateway.admission.waiting) == (0, 0)
    return response


async def chat(app: InProcess, **fields: Any) -> httpx.Response:
    return await app.http.post("/v1/chat/completions", json=BODIES["/v1/chat/completions"] | fields)


def events(response: httpx.Response) -> list[Any]:
    """Return the objects of an OpenAI stream, whose end is checked."""
    *before, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in before]
