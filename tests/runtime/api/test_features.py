"""Thinking, tool calls, images and embeddings of a simulated model that has other capabilities by setting."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from llm_runtime.engines.behavior import Behavior
from llm_runtime.settings import Settings

from tests.runtime.serving import Serve

QUESTION: dict[str, Any] = {"role": "user", "content": "What is the weather?"}
CHAT: dict[str, Any] = {"model": "smollm2:135m", "messages": [QUESTION]}
EMBED = {"model": "smollm2:135m", "input": ["a", "b"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather"}}]
ROUTES = ["/api/generate", "/api/chat"]


async def stream(http: httpx.AsyncClient, route: str, **fields: Any) -> list[dict[str, Any]]:
    body = CHAT | {"prompt": "Hello"} | fields
    async with http.stream("POST", route, json=body) as response:
        assert response.status_code == 200, await response.aread()
        return [json.loads(line) async for line in response.aiter_lines()]


def test_capabilities_are_set_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_SIMULATED_CAPABILITIES", "completion, thinking")
    monkeypatch.setenv("RUNTIME_SIMULATED_THINKING_TOKENS", "3")
    behavior = Settings(engine="simulated").simulated
    assert behavior == Behavior(capabilities=("completion", "thinking"), thinking_tokens=3)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_thinking_model_streams_its_thinking_first(serve: Serve, route: str) -> None:
    service = await serve(capabilities="completion,thinking", thinking_tokens=3, tokens=5)
    *lines, last = await stream(service.http, route)
    parts = [line.get("message", line) for line in lines]
    assert [bool(part.get("thinking")) for part in parts] == [True] * 3 + [False] * 5
    texts = [part.get("content", part.get("response")) for part in parts]
    assert [bool(text) for text in texts] == [False] * 3 + [True] * 5
    assert last["eval_count"] == 8


@pytest.mark.parametrize("route", ROUTES)
async def test_a_limit_can_end_an_answer_within_its_thinking(serve: Serve, route: str) -> None:
    service = await serve(capabilities="completion,thinking", thinking_tokens=3)
    lines = await stream(service.http, route, options={"num_predict": 2})
    parts = [line.get("message", line) for line in lines]
    assert all(part.get("content", part.get("response")) == "" for part in parts)
    assert lines[-1]["done_reason"] == "length"


async def test_a_tool_call_comes_whole_and_before_the_last_line(serve: Serve) -> None:
    service = await serve()
    first, last = await stream(service.http, "/api/chat", tools=TOOLS)
    assert (first["done"], last["done"], last["done_reason"]) == (False, True, "stop")
    (call,) = first["message"]["tool_calls"]
    assert (call["function"]["name"], first["message"]["content"]) == ("get_weather", "")
    assert "tool_calls" not in last["message"]


async def test_a_tool_call_cut_off_by_the_limit_is_not_sent(serve: Serve) -> None:
    service = await serve()
    (only,) = await stream(service.http, "/api/chat", tools=TOOLS, options={"num_predict": 2})
    assert (only["done_reason"], only["eval_count"]) == ("length", 2)
    assert "tool_calls" not in only["message"]


async def test_a_client_that_leaves_during_a_tool_call_has_cost_its_tokens(serve: Serve) -> None:
    service = await serve(token_seconds=3600)
    request = asyncio.create_task(service.http.post("/api/chat", json=CHAT | {"tools": TOOLS}))
    await service.reaches(running=1)
    request.cancel()
    state = await service.reaches(cancelled=1)
    assert [(entry["phase"], entry["generated_tokens"]) for entry in state["record"]] == [("decode", 1)]


async def test_a_model_with_vision_takes_images(serve: Serve) -> None:
    service = await serve(capabilities="completion,vision")
    message = QUESTION | {"images": ["aGk="]}
    for route in ROUTES:
        assert (await stream(service.http, route, images=["aGk="], messages=[message]))[-1]["done"]


async def test_an_embedding_model_refuses_to_generate(serve: Serve) -> None:
    service = await serve(capabilities="embedding", dimensions=4)
    for route, verb in (("/api/generate", "generate"), ("/api/chat", "chat")):
        response = await service.http.post(route, json=CHAT | {"prompt": "Hello"})
        error = f'"smollm2:135m" does not support {verb}'
        assert (response.status_code, response.json()) == (400, {"error": error})
    response = await service.http.post("/api/embed", json=EMBED)
    assert [len(vector) for vector in response.json()["embeddings"]] == [4, 4]


@pytest.mark.parametrize("route", ["/api/embed", "/api/embeddings"])
async def test_a_model_without_embeddings_refuses_them(serve: Serve, route: str) -> None:
    service = await serve(capabilities="completion")
    response = await service.http.post(route, json=EMBED | {"prompt": "a"})
    error = '"smollm2:135m" does not support embeddings'
    assert (response.status_code, response.json()) == (400, {"error": error})


async def test_capabilities_can_be_changed_while_the_model_is_served(serve: Serve) -> None:
    service = await serve()
    await service.simulate(behavior={"capabilities": ["completion"]})
    shown = await service.http.post("/api/show", json={"model": "smollm2:135m"})
    assert shown.json()["capabilities"] == ["completion"]
    response = await service.http.post("/api/chat", json=CHAT | {"tools": TOOLS})
    error = '"smollm2:135m" does not support tools'
    assert (response.status_code, response.json()) == (400, {"error": error})


async def test_an_embedding_whose_client_leaves_is_cancelled(serve: Serve) -> None:
    service = await serve()
    await service.simulate(behavior={"first_token_seconds": 3600})
    request = asyncio.create_task(service.http.post("/api/embed", json=EMBED))
    await service.reaches(running=1)
    request.cancel()
    state = await service.reaches(cancelled=1, running=0)
    assert [entry["phase"] for entry in state["record"]] == ["prefill"]


@pytest.mark.parametrize(("kind", "status"), [("busy", 503), ("error", 500)])
async def test_a_fault_also_fails_an_embedding(serve: Serve, kind: str, status: int) -> None:
    service = await serve()
    await service.simulate(fault={"kind": kind})
    assert (await service.http.post("/api/embed", json=EMBED)).status_code == status
    assert (await service.http.post("/api/embed", json=EMBED)).status_code == 200
