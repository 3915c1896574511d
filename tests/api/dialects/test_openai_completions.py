"""POST /v1/completions: the fields it accepts, plain and streamed responses, the official client."""

import json
from typing import Any

import httpx
import openai
import pytest
from llm_api.dialects.openai_completions import CompletionRequest
from openai.types.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)

from tests.api.support.decided import undecided
from tests.api.support.errors import error_summary
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.live import Serve
from tests.api.support.requests import DONE, events, ndjson

PATH = "/v1/completions"
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
TOKENS = [
    {"token": "Hel", "logprob": -0.5, "top_logprobs": [{"token": "Hel", "logprob": -0.5}]},
    {"token": "lo.", "logprob": -1.0, "top_logprobs": [{"token": "lo.", "logprob": -1.0}]},
]


async def complete(app: InProcess, **fields: Any) -> httpx.Response:
    return await app.http.post(PATH, json={"model": MODEL, "prompt": "Say: "} | fields)


async def sent_to_the_runtime(app: InProcess, **fields: Any) -> dict[str, Any]:
    """Send a request; return the body that the runtime gets."""
    route = app.runtime.post("/api/generate").respond(json={"response": "Hello.", **DONE})
    response = await complete(app, **fields)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    return body


async def test_a_plain_response_is_a_text_completion(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(json={"response": "Hello.", **DONE})
    body = (await complete(app)).json()
    assert body.pop("id").startswith("cmpl-")
    assert body.pop("created") > 0
    assert body.pop("timings")["decode_seconds"] >= 0
    assert body == {
        "object": "text_completion",
        "model": MODEL,
        "choices": [{"text": "Hello.", "index": 0, "logprobs": None, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    assert app.outcomes("ok", PATH) == 1


async def test_a_stream_has_the_same_shape(open_gateway: Open) -> None:
    app = await open_gateway()
    lines = [{"response": "Hel", "logprobs": TOKENS[:1]}, {"response": "lo.", "logprobs": TOKENS[1:]}]
    app.runtime.post("/api/generate").respond(text=ndjson(*lines, {"response": "", **DONE}))
    *chunks, usage = events(
        await complete(app, stream=True, stream_options={"include_usage": True}, logprobs=1)
    )
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [choice["text"] for choice in choices] == ["Hel", "lo.", ""]
    assert [choice["finish_reason"] for choice in choices] == [None, None, "stop"]
    assert [choice["logprobs"]["text_offset"] for choice in choices[:2]] == [[0], [3]]
    assert (usage["choices"], usage["usage"]) == ([], USAGE)


async def test_the_prompt_is_continued_without_the_chat_template(open_gateway: Open) -> None:
    app = await open_gateway()
    sent = await sent_to_the_runtime(app, max_tokens=5, stop="\n", temperature=0.5, seed=1)
    assert (sent["prompt"], sent["raw"], sent["think"]) == ("Say: ", True, False)
    assert sent["options"] == {"num_predict": 5, "stop": ["\n"], "temperature": 0.5, "seed": 1}


async def test_a_suffix_is_put_in_its_place_by_the_models_template(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/show").respond(json={"capabilities": ["insert"]})
    sent = await sent_to_the_runtime(app, suffix=" world")
    assert (sent["suffix"], "raw" in sent) == (" world", False)


async def test_a_suffix_needs_a_model_that_can_insert(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion"]})
    response = await complete(app, suffix=" world")
    assert response.status_code == 400
    assert f"'{MODEL}' does not support" in response.json()["error"]["message"]


async def test_echo_repeats_the_prompt_before_the_answer(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(text=ndjson({"response": "Hello."}, {"response": "", **DONE}))
    texts = [event["choices"][0]["text"] for event in events(await complete(app, echo=True, stream=True))]
    assert texts == ["Say: ", "Hello.", ""]
    app.runtime.post("/api/generate").respond(json={"response": "Hello.", **DONE})
    assert (await complete(app, echo=True)).json()["choices"][0]["text"] == "Say: Hello."


async def test_log_probabilities_are_four_lists(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(json={"response": "Hello.", "logprobs": TOKENS, **DONE})
    assert (await complete(app, logprobs=1)).json()["choices"][0]["logprobs"] == {
        "tokens": ["Hel", "lo."],
        "token_logprobs": [-0.5, -1.0],
        "top_logprobs": [{"Hel": -0.5}, {"lo.": -1.0}],
        "text_offset": [0, 3],
    }


@pytest.mark.parametrize("reason", ["load", "unload", "anything"])
async def test_a_finish_reason_that_openai_does_not_have_becomes_stop(
    open_gateway: Open, reason: str
) -> None:
    app = await open_gateway()
    line = {"response": "Hello.", **DONE, "done_reason": reason}
    app.runtime.post("/api/generate").respond(json=line)
    assert (await complete(app)).json()["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("field", "value"),
    [("logit_bias", {}), ("user", "x"), ("suffix", None), ("stop", []), ("echo", False), ("best_of", 1)],
)
async def test_values_that_change_nothing_are_accepted(open_gateway: Open, field: str, value: Any) -> None:
    app = await open_gateway()
    assert (await sent_to_the_runtime(app, prompt=["Say: "], **{field: value})).keys() == {
        "prompt", "raw", "think", "options", "model", "stream",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1, 2]]}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ["a"] * 3, "n": 3}, "prompt"),
        ({"n": 9}, "n"),
        ({"logit_bias": {"1": 5}}, "logit_bias"),
        ({"best_of": 2}, "best_of"),
        ({"echo": True, "logprobs": 1}, "echo"),
        ({"logprobs": 21}, "logprobs"),
        ({"max_tokens": 5000}, "max_tokens"),
    ],
)
async def test_what_is_not_supported_is_refused_by_name(
    open_gateway: Open, fields: dict[str, Any], param: str
) -> None:
    app = await open_gateway()
    status, _, named = error_summary(await complete(app, **fields))
    assert (status, named) == (400, param)


def test_every_field_of_the_official_client_has_a_decision() -> None:
    documented = {
        *CompletionCreateParamsNonStreaming.__annotations__,
        *CompletionCreateParamsStreaming.__annotations__,
    }
    assert "suffix" in documented
    assert undecided(CompletionRequest, documented) == set()


async def test_the_official_client_completes_and_streams(serve: Serve) -> None:
    live = await serve()
    http = openai.DefaultAsyncHttpxClient(trust_env=False)
    async with openai.AsyncOpenAI(
        base_url=f"{live.url}/v1", api_key="none", max_retries=0, timeout=60, http_client=http
    ) as client:
        whole = await client.completions.create(model=MODEL, prompt="Once", max_tokens=4, logprobs=2)
        stream = await client.completions.create(model=MODEL, prompt="Once", max_tokens=4, stream=True)
        text = "".join([chunk.choices[0].text async for chunk in stream])
        filled = await client.completions.create(model=MODEL, prompt="def a(", suffix="):", max_tokens=2)
    choice = whole.choices[0]
    assert choice.finish_reason == "length"
    assert choice.logprobs is not None
    assert "".join(choice.logprobs.tokens or []) == choice.text == text
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 4
    assert filled.choices[0].text
