"""POST /v1/embeddings: the fields it accepts, its responses, the official client."""

import base64
import json
import struct
from typing import Any

import httpx
import openai
import pytest
from llm_api.dialects.openai_embeddings import EmbeddingsRequest
from openai.types import EmbeddingCreateParams

from tests.api.support.decided import undecided
from tests.api.support.errors import error_summary
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.live import Serve

PATH = "/v1/embeddings"
VECTORS = [[0.5, -0.25], [0.125, 1.0]]


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    """A gateway whose runtime answers with VECTORS."""
    app = await open_gateway(max_prompt_chars=10)
    app.runtime.post("/api/show").respond(json={"capabilities": ["embedding"]})
    app.runtime.post("/api/embed").respond(json={"embeddings": VECTORS, "prompt_eval_count": 7})
    return app


async def embed(app: InProcess, **fields: Any) -> httpx.Response:
    return await app.http.post(PATH, json={"model": MODEL, "input": ["a", "b"]} | fields)


async def test_the_response_has_a_vector_for_each_text_and_the_tokens(app: InProcess) -> None:
    response = await embed(app, user="someone")
    body = response.json()
    assert body.pop("timings")["prefill_seconds"] >= 0
    assert body == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": VECTORS[0]},
            {"object": "embedding", "index": 1, "embedding": VECTORS[1]},
        ],
        "model": MODEL,
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }
    assert "x-ignored-fields" not in response.headers
    assert app.outcomes("ok", PATH) == 1
    assert app.metric("llm_prompt_tokens_total", model=MODEL) == 7


async def test_base64_is_little_endian_floats(app: InProcess) -> None:
    data = (await embed(app, encoding_format="base64")).json()["data"]
    decoded = [list(struct.unpack("<2f", base64.b64decode(entry["embedding"]))) for entry in data]
    assert decoded == VECTORS


async def test_the_runtime_gets_the_texts_and_the_dimensions(app: InProcess) -> None:
    await embed(app, input="a", dimensions=2)
    sent = json.loads(app.runtime.routes[-1].calls.last.request.content)
    assert (sent["input"], sent["dimensions"], sent["truncate"]) == (["a"], 2, False)


async def test_more_dimensions_than_the_model_has_are_refused(app: InProcess) -> None:
    assert error_summary(await embed(app, dimensions=3)) == (400, "invalid_value", "dimensions")


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]]])
async def test_token_ids_are_refused_by_name(app: InProcess, tokens: Any) -> None:
    response = await embed(app, input=tokens)
    assert error_summary(response) == (400, "invalid_value", "input")
    assert "token ids are not supported" in response.json()["error"]["message"]


@pytest.mark.parametrize("texts", ["", [], ["a", ""], None, 1])
async def test_nothing_to_embed_is_refused(app: InProcess, texts: Any) -> None:
    status, code, param = error_summary(await embed(app, input=texts))
    assert (status, code) == (400, "invalid_value")
    assert param is not None
    assert param.startswith("input")


async def test_a_text_over_the_limit_is_too_large(app: InProcess) -> None:
    assert error_summary(await embed(app, input=["a" * 10, "b" * 11])) == (413, "too_large", None)
    assert (await embed(app, input=["a" * 10, "b" * 10])).status_code == 200


async def test_a_model_without_embeddings_is_named(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion"]})
    response = await embed(app)
    assert response.status_code == 400
    assert f"'{MODEL}' does not support embeddings" in response.json()["error"]["message"]


def test_every_field_of_the_official_client_has_a_decision() -> None:
    assert undecided(EmbeddingsRequest, EmbeddingCreateParams.__annotations__) == set()


async def test_the_official_client_embeds(serve: Serve) -> None:
    live = await serve()
    http = openai.DefaultAsyncHttpxClient(trust_env=False)
    async with openai.AsyncOpenAI(
        base_url=f"{live.url}/v1", api_key="none", max_retries=0, timeout=60, http_client=http
    ) as client:
        as_base64 = await client.embeddings.create(model=MODEL, input=["one", "two"])
        as_floats = await client.embeddings.create(model=MODEL, input=["one", "two"], encoding_format="float")
        short = await client.embeddings.create(model=MODEL, input="one", dimensions=8)
    assert [one.index for one in as_base64.data] == [0, 1]
    for packed, plain in zip(as_base64.data, as_floats.data, strict=True):
        assert packed.embedding == pytest.approx(plain.embedding, abs=1e-6)
    assert as_base64.data[0].embedding != as_base64.data[1].embedding
    assert len(short.data[0].embedding) == 8
    assert as_base64.usage.total_tokens == 2
