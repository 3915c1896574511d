"""Numbers that JSON does not have, in the parts of a request that may be anything."""

import json
from typing import Any

import pytest

from tests.api.support.in_process import MODEL, Open
from tests.api.support.requests import CHAT_LINES, ndjson

TURN = {"role": "user", "content": "Hi"}
CALL = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": "NUMBER"}}
FUNCTION = {"name": "f", "parameters": {"x": "NUMBER"}}
ANYTHING: dict[str, tuple[str, dict[str, Any]]] = {
    "a tool": ("/v1/chat/completions", {"tools": [{"type": "function", "function": FUNCTION}]}),
    "a schema": (
        "/v1/chat/completions",
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"x": "NUMBER"}}}},
    ),
    "a tool of responses": ("/v1/responses", {"input": "Hi", "tools": [{"type": "function"} | FUNCTION]}),
    "Anthropic's call": ("/v1/messages", {"messages": [TURN, {"role": "assistant", "content": [CALL]}]}),
    "Ollama's format": ("/api/chat", {"format": {"x": "NUMBER"}, "stream": False}),
}


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
@pytest.mark.parametrize("part", ANYTHING)
async def test_they_are_refused_before_the_runtime_gets_them(
    open_gateway: Open, part: str, number: str
) -> None:
    app = await open_gateway()
    route = app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    path, fields = ANYTHING[part]
    common = {"model": MODEL} | ({"max_tokens": 9} if path == "/v1/messages" else {})
    body = common | ({} if "input" in fields else {"messages": [TURN]}) | fields
    response = await app.http.post(path, content=json.dumps(body).replace('"NUMBER"', number))
    assert response.status_code == 400
    assert "a number that JSON does not have" in response.text
    assert not route.called


async def test_arguments_of_a_call_that_are_no_json_are_passed_on_as_text(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": NaN}'}}
    messages = [TURN, {"role": "assistant", "tool_calls": [call]}]
    body = {"model": MODEL, "messages": messages}
    assert (await app.http.post("/v1/chat/completions", json=body)).status_code == 200
    sent = json.loads(app.runtime.calls.last.request.content)["messages"][1]["tool_calls"][0]["function"]
    assert sent["arguments"] == {"arguments": '{"x": NaN}'}
