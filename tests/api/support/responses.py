"""Requests to /v1/responses, and its events."""

import json
from typing import Any

import httpx

from tests.api.support.in_process import MODEL, InProcess
from tests.api.support.requests import DONE, ndjson

IMAGE = "data:image/png;base64,eHh4"
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


async def respond(app: InProcess, **fields: Any) -> httpx.Response:
    return await app.http.post("/v1/responses", json={"model": MODEL, "input": "Hi"} | fields)


async def received(app: InProcess, **fields: Any) -> dict[str, Any]:
    """Return a request as it reaches the runtime."""
    route = app.runtime.post("/api/chat").respond(json={"message": {"content": "Hi"}, **DONE})
    response = await respond(app, **fields)
    assert response.status_code == 200, response.text
    assert "x-ignored-fields" not in response.headers
    found: dict[str, Any] = json.loads(route.calls.last.request.content)
    return found


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the events of a stream after checking that each is named for its type, and numbered."""
    *found, rest = response.text.split("\n\n")
    assert rest == ""
    objects = []
    for number, event in enumerate(found):
        name, data = event.split("\n")
        objects.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {objects[-1]['type']}"
        assert objects[-1]["sequence_number"] == number
    return objects


async def streamed(app: InProcess, *lines: Any, **fields: Any) -> list[dict[str, Any]]:
    app.runtime.post("/api/chat").respond(text=ndjson(*lines))
    return events(await respond(app, stream=True, **fields))
