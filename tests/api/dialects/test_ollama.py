"""Ollama's own API in front of a mocked runtime: what the runtime gets, what the client gets."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import ollama._types as official
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_api.dialects import ollama, ollama_fields
from llm_api.dialects.decisions import Documented
from llm_api.dialects.dialect import encode
from llm_api.dialects.ollama_answers import chat_fields
from llm_api.upstream.chunk import Chunk, ToolCall

from tests.api.support.decided import undecided
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.requests import CHAT_LINES, DONE, HELLO, ndjson

ALL = ["completion", "tools", "vision", "thinking", "insert", "embedding"]
TOOL = {
    "type": "function",
    "function": {"name": "now", "description": "The time.", "parameters": {"type": "object"}},
}
CALL = {"id": "c1", "function": {"name": "now", "arguments": {"zone": "UTC"}}}
TOKENS = [{"token": "Hello.", "logprob": -0.5, "bytes": [72]}]


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    """A gateway whose runtime can do everything, and answers with a word."""
    app = await open_gateway()
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


TEXTS = st.text()
ARGUMENTS = st.dictionaries(TEXTS, st.none() | st.integers() | TEXTS | st.lists(st.none() | TEXTS))
CALLS = st.lists(st.builds(ToolCall, TEXTS, st.text(min_size=1, max_size=99), ARGUMENTS), max_size=3)


@given(st.builds(Chunk, TEXTS, TEXTS, CALLS))
def test_every_message_that_goes_out_may_come_in(chunk: Chunk) -> None:
    message = chat_fields(chunk, 0)["message"]
    undocumented: list[str] = []
    received = ollama_fields.OllamaMessage.model_validate_json(encode(message), context=undocumented)
    assert ollama_fields.declared(received) == message
    assert undocumented == []


@pytest.mark.parametrize(
    ("path", "fields", "named"),
    [
        ("/api/generate", {"template": "{{ .Prompt }}"}, "template"),
        ("/api/generate", {"context": [1]}, "context"),
        ("/api/generate", {"_debug_render_only": True}, "_debug_render_only"),
        ("/api/generate", {"think": "much"}, "think"),
        ("/api/generate", {"format": "xml"}, "format"),
        ("/api/chat", {"messages": [{"role": "robot", "content": ""}]}, "messages.0.role"),
        ("/api/chat", {"messages": HELLO, "options": {"temperature": "hot"}}, "options.temperature"),
        ("/api/chat", {"top_logprobs": 21}, "top_logprobs"),
        ("/api/embed", {"input": [1]}, "input"),
        ("/api/show", {"model": ""}, "model"),
    ],
)  # fmt: skip
async def test_what_is_not_supported_is_refused_by_name(
    app: InProcess, path: str, fields: dict[str, Any], named: str
) -> None:
    assert error(await post(app, path, **{"prompt": "x", **fields}), 400).startswith(f"{named}")


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("/api/chat", {"messages": HELLO, "tools": [TOOL]}, "does not support tools"),
        ("/api/chat", {"messages": [HELLO[0] | {"images": ["aGk="]}]}, "does not support images"),
        ("/api/generate", {"prompt": "x", "think": True}, "does not support thinking"),
        ("/api/generate", {"prompt": "x", "suffix": "y"}, "does not support insert"),
        ("/api/embed", {"input": "x"}, "does not support embeddings"),
    ],
)
async def test_what_the_model_cannot_do_is_an_error_that_names_it(
    app: InProcess, path: str, fields: dict[str, Any], words: str
) -> None:
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion"]})
    assert error(await post(app, path, **fields), 400).startswith(f"{MODEL!r} {words}")


async def test_other_errors_have_ollamas_shape_too(open_gateway: Open) -> None:
    app = await open_gateway(api_keys="right", max_body_bytes=100)
    assert "no API key" in error(await app.http.get("/api/tags"), 401)
    app.http.headers["Authorization"] = "Bearer right"
    assert "not found" in error(await post(app, "/api/chat", model="none:1"), 404)
    assert "there is nothing at" in error(await app.http.get("/api/nothing"), 404)
    assert "takes POST" in error(await app.http.get("/api/chat"), 405)
    assert "larger than" in error(await post(app, "/api/chat", prompt="x" * 100), 413)
    app.runtime.post("/api/chat").respond(500, json={"error": "broken"})
    assert "broken" in error(await post(app, "/api/chat"), 502)


async def test_an_error_in_a_stream_is_a_line_of_its_own(app: InProcess) -> None:
    async def received() -> AsyncIterator[bytes]:
        yield ndjson(CHAT_LINES[0]).encode()
        yield ndjson({"error": "out of memory"}).encode()

    app.runtime.post("/api/chat").mock(return_value=httpx.Response(200, content=received()))
    _, last = lines(await post(app, "/api/chat", messages=HELLO))
    assert last == {"error": "the runtime failed: out of memory"}


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


async def test_aliases_are_listed_and_shown(open_gateway: Open) -> None:
    app = await open_gateway(model_aliases=f"gpt-4o={MODEL},claude-*={MODEL}")
    app.runtime.post("/api/show").respond(json={"capabilities": ALL})
    tags = (await app.http.get("/api/tags")).json()["models"]
    assert [(entry["name"], entry.get("model")) for entry in tags] == [(MODEL, None), ("gpt-4o", "gpt-4o")]
    assert (await app.http.post("/api/show", json={"name": "claude-x"})).json() == {"capabilities": ALL}
    assert json.loads(app.runtime.calls.last.request.content) == {"model": MODEL, "verbose": False}
    app.runtime.post("/api/generate").respond(json={"response": "", **DONE})
    assert (await post(app, "/api/generate", model="gpt-4o", stream=False)).json()["model"] == "gpt-4o"


async def test_version_and_loaded_models_come_from_the_runtime(app: InProcess) -> None:
    app.runtime.get("/api/version").respond(json={"version": "1.2.3"})
    app.runtime.get("/api/ps").respond(json={"models": [{"name": MODEL}]})
    assert (await app.http.get("/api/version")).json() == {"version": "1.2.3"}
    assert (await app.http.get("/api/ps")).json() == {"models": [{"name": MODEL}]}
    assert (await app.http.head("/")).status_code == 200
    assert (await app.http.head("/api/version")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/pull"),
        ("POST", "/api/push"),
        ("POST", "/api/create"),
        ("POST", "/api/copy"),
        ("DELETE", "/api/delete"),
        ("POST", "/api/blobs/sha256:1"),
        ("HEAD", "/api/blobs/sha256:1"),
    ],
)
async def test_clients_may_not_change_the_models(app: InProcess, method: str, path: str) -> None:
    response = await app.http.request(method, path, content=b"{}")
    assert response.status_code == 403
    if method != "HEAD":
        assert "LLM_ALLOW_MODEL_CHANGES" in error(response, 403)


@pytest.mark.parametrize(
    ("kind", "documented"),
    [
        (ollama.OllamaChatRequest, official.ChatRequest),
        (ollama.OllamaGenerateRequest, official.GenerateRequest),
        (ollama.OllamaEmbedRequest, official.EmbedRequest),
        (ollama.OllamaEmbeddingsRequest, official.EmbeddingsRequest),
        (ollama_fields.OllamaOptions, official.Options),
        (ollama_fields.OllamaMessage, official.Message),
        (ollama_fields.OllamaTool, official.Tool),
    ],
)
def test_every_field_of_the_official_client_has_a_decision(kind: type[Documented], documented: Any) -> None:
    assert undecided(kind, documented.model_fields) == set()
