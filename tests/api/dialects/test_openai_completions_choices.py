"""Several prompts and several answers to each in one request to /v1/completions."""

import json
from typing import Any

import httpx
import openai
import pytest

from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.live import Serve
from tests.api.support.requests import DONE, events, ndjson

PATH = "/v1/completions"


def answering(request: httpx.Request) -> httpx.Response:
    """Answer with the prompt and the seed; a prompt has as many tokens as letters."""
    body = json.loads(request.content)
    prompt, seed = body["prompt"], str(body["options"].get("seed"))
    end = DONE | {"prompt_eval_count": len(prompt)}
    if not body["stream"]:
        return httpx.Response(200, json={"response": f"{prompt}{seed}", **end})
    return httpx.Response(200, text=ndjson({"response": prompt}, {"response": seed}, {"response": "", **end}))


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    app = await open_gateway(max_running=2)
    app.runtime.post("/api/generate").mock(side_effect=answering)
    return app


async def complete(app: InProcess, **fields: Any) -> httpx.Response:
    body = {"model": MODEL, "prompt": ["a", "bb"], "n": 2, "seed": 5} | fields
    response = await app.http.post(PATH, json=body)
    assert response.status_code == 200, response.text
    return response


async def test_each_prompt_gets_its_answers_in_order_with_seeds_of_their_own(app: InProcess) -> None:
    body = (await complete(app)).json()
    found = [(choice["index"], choice["text"]) for choice in body["choices"]]
    assert found == [(0, "a5"), (1, "a6"), (2, "bb5"), (3, "bb6")]
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 8, "total_tokens": 11}


async def test_without_n_there_is_one_answer_to_each_prompt(app: InProcess) -> None:
    body = (await complete(app, n=None)).json()
    assert [choice["text"] for choice in body["choices"]] == ["a5", "bb5"]


async def test_echo_repeats_the_prompt_of_each_answer(app: InProcess) -> None:
    body = (await complete(app, echo=True)).json()
    assert [choice["text"] for choice in body["choices"]] == ["aa5", "aa6", "bbbb5", "bbbb6"]


async def test_a_stream_has_the_events_of_all_answers_and_one_end(app: InProcess) -> None:
    options = {"include_usage": True}
    *chunks, last = events(await complete(app, echo=True, stream=True, stream_options=options))
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 8)
    choices = [chunk["choices"][0] for chunk in chunks]
    for index, text in enumerate(["aa5", "aa6", "bbbb5", "bbbb6"]):
        own = [choice for choice in choices if choice["index"] == index]
        assert "".join(choice["text"] for choice in own) == text
        assert [choice["finish_reason"] for choice in own] == [None] * 3 + ["stop"]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_metrics_count_one_request_and_every_generation(app: InProcess, stream: bool) -> None:
    await complete(app, stream=stream)
    assert app.outcomes("ok", PATH) == 1
    assert app.metric("llm_inference_seconds_count", model=MODEL) == 4
    assert app.metric("llm_generated_tokens_total", model=MODEL) == 8


async def test_the_official_client_gets_all_answers(serve: Serve) -> None:
    live = await serve()
    http = openai.DefaultAsyncHttpxClient(trust_env=False)
    async with openai.AsyncOpenAI(
        base_url=f"{live.url}/v1", api_key="none", max_retries=0, timeout=60, http_client=http
    ) as client:
        whole = await client.completions.create(
            model=MODEL, prompt=["Once", "Twice"], n=2, seed=1, max_tokens=4, logprobs=1
        )
    assert [choice.index for choice in whole.choices] == [0, 1, 2, 3]
    assert all(choice.text and choice.logprobs for choice in whole.choices)
    assert whole.usage
    assert whole.usage.completion_tokens == 16
