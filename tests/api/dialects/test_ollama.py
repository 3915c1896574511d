"""Ollama's own API in front of a mocked runtime: what the runtime gets, what the client gets."""

import json
from typing import Any

import pytest

from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.ollama import CALL, TOOL, answering, error, lines, post, sent
from tests.api.support.requests import CHAT_LINES, DONE, HELLO, ndjson

TOKENS = [{"token": "Hello.", "logprob": -0.5, "bytes": [72]}]


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    return answering(await open_gateway())


async def test_a_chat_streams_unless_told_otherwise(app: InProcess) -> None:
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    *pieces, last = lines(await post(app, "/api/chat", messages=HELLO))
    assert [piece["message"] for piece in pieces] == [
        {"role": "assistant", "content": "Hel"},
        {"role": "assistant", "content": "lo."},
    ]
    assert {(piece["model"], piece["done"]) for piece in pieces} == {(MODEL, False)}
    assert all(line["created_at"].endswith("Z") for line in [*pieces, last])
    assert (last["done"], last["done_reason"], last["message"]["content"]) == (True, "stop", "")
    assert (last["prompt_eval_count"], last["eval_count"]) == (7, 2)
    assert app.outcomes("ok", "/api/chat") == 1


async def test_the_durations_add_up_to_the_total_with_the_queue(app: InProcess) -> None:
    body = (await post(app, "/api/generate", prompt="Hello", stream=False)).json()
    timings = body["timings"]
    parts = body.get("load_duration", 0) + body["prompt_eval_duration"] + body["eval_duration"]
    assert body["total_duration"] == pytest.approx(parts + timings["queue_seconds"] * 1e9, abs=2000)
    assert (body["response"], body["done"]) == ("Hello.", True)


async def test_thinking_calls_and_log_probabilities_are_in_ollamas_fields(app: InProcess) -> None:
    message = {"content": "", "thinking": "Hm.", "tool_calls": [CALL]}
    app.runtime.post("/api/chat").respond(
        text=ndjson(
            {"message": message},
            {"message": {"content": "", "tool_calls": [CALL]}, "logprobs": TOKENS, **DONE},
        )
    )
    first, second, _ = lines(await post(app, "/api/chat", messages=HELLO, tools=[TOOL], logprobs=True))
    assert first["message"]["thinking"] == "Hm."
    indexes = [line["message"]["tool_calls"][0]["function"].pop("index") for line in (first, second)]
    assert indexes == [0, 1]
    assert first["message"]["tool_calls"] == [CALL]
    assert second["logprobs"] == TOKENS


async def test_the_runtime_gets_what_has_been_asked_for(app: InProcess) -> None:
    fields = {
        "format": {"type": "object"},
        "think": "low",
        "truncate": False,
        "shift": False,
        "logprobs": True,
        "top_logprobs": 3,
    }
    options = {"temperature": 3, "top_k": 5, "stop": ["x"], "num_predict": 9, "repeat_last_n": -1}
    body = await sent(app, "/api/chat", messages=HELLO, tools=[TOOL], options=options, **fields)
    assert body == fields | {
        "model": MODEL, "stream": False, "messages": HELLO, "tools": [TOOL], "options": options,
    }  # fmt: skip


@pytest.mark.parametrize("tokens", [-2, -1, 0, None])
async def test_a_number_of_tokens_without_a_limit_gets_the_gateways(app: InProcess, tokens: Any) -> None:
    body = await sent(app, "/api/generate", prompt="Hello", options={"num_predict": tokens})
    assert body["options"] == {"num_predict": 4096}


async def test_more_tokens_than_allowed_are_refused_by_name(app: InProcess) -> None:
    response = await post(app, "/api/generate", prompt="Hello", options={"num_predict": 5000})
    assert error(response, 400) == "options.num_predict: must be at most 4096"


async def test_options_that_depend_on_the_machine_are_ignored_and_named(app: InProcess) -> None:
    options = {"num_ctx": 512, "num_gpu": 1, "num_thread": 2, "mirostat": 0}
    response = await post(app, "/api/generate", prompt="Hello", options=options)
    assert response.headers["x-ignored-fields"] == "options.num_gpu, options.num_thread"
    received = json.loads(app.runtime.calls.last.request.content)["options"]
    assert received == {"num_ctx": 512, "num_predict": 4096}


async def test_a_request_without_a_prompt_loads_the_model(app: InProcess) -> None:
    loaded = {"message": {"content": ""}, "done": True, "done_reason": "load"}
    app.runtime.post("/api/chat").respond(json=loaded)
    body = await sent(app, "/api/chat", messages=[], options={"num_ctx": 512}, keep_alive="5m", think=True)
    options = {"num_ctx": 512, "num_predict": 4096}
    assert body == {"model": MODEL, "stream": False, "options": options, "keep_alive": "5m"}
    (line,) = lines(await post(app, "/api/chat"))
    assert (line["done"], line["done_reason"]) == (True, "load")
    assert "eval_count" not in line


async def test_a_request_to_embed_nothing_unloads_the_model(app: InProcess) -> None:
    app.runtime.post("/api/embed").respond(json={"embeddings": []})
    response = await post(app, "/api/embed", keep_alive=0, options={"num_ctx": 512})
    assert response.json()["embeddings"] == []
    received = json.loads(app.runtime.calls.last.request.content)
    assert (received["input"], received["keep_alive"], received["options"]) == ([], 0, {"num_ctx": 512})


async def test_an_answer_can_be_appended_to_the_conversation(app: InProcess) -> None:
    answer = {"role": "assistant", "content": "", "thinking": "Hm.", "tool_calls": [CALL]}
    app.runtime.post("/api/chat").respond(json={"message": answer, **DONE})
    message = (await post(app, "/api/chat", messages=HELLO, stream=False)).json()["message"]
    reply = {"role": "Tool", "content": "noon", "tool_name": "now", "tool_call_id": "c1"}
    response = await post(app, "/api/chat", messages=[*HELLO, message, reply], stream=False)
    assert response.status_code == 200, response.text
    assert "x-ignored-fields" not in response.headers
    received = json.loads(app.runtime.calls.last.request.content)["messages"]
    assert received == [*HELLO, message, reply | {"role": "tool"}]


async def test_both_forms_of_embeddings_are_answered(app: InProcess) -> None:
    body = (await post(app, "/api/embed", input=["a"], dimensions=2, truncate=False)).json()
    assert body.pop("total_duration") > 0
    assert body.pop("prompt_eval_duration") > 0
    body.pop("load_duration", None)
    assert body == {"model": MODEL, "embeddings": [[1.0, 0.0]], "prompt_eval_count": 3}
    received = json.loads(app.runtime.calls.last.request.content)
    assert (received["input"], received["dimensions"], received["truncate"]) == (["a"], 2, False)
    assert (await post(app, "/api/embeddings", prompt="a")).json() == {"embedding": [1.0, 0.0]}
    assert (app.outcomes("ok", "/api/embed"), app.outcomes("ok", "/api/embeddings")) == (1, 1)
