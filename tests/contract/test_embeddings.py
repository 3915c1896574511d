"""POST /api/embed and /api/embeddings."""

import math
from typing import Any

import httpx
import pytest

from tests.contract.support import Json, Target

TEXTS = ["The sky is blue.", "Grass is green.", "The sky is blue."]


@pytest.fixture
def model(http: httpx.Client, target: Target) -> str:
    if "embedding" not in http.post("/api/show", json={"model": target.model}).json()["capabilities"]:
        pytest.skip(f"{target.model} gives no embeddings")
    return target.model


def embed(http: httpx.Client, model: str, **fields: Any) -> Json:
    response = http.post("/api/embed", json={"model": model, **fields})
    assert response.status_code == 200, response.text
    content: Json = response.json()
    return content


def length(vector: list[float]) -> float:
    return math.sqrt(sum(component**2 for component in vector))


def test_each_text_gets_a_vector_of_length_one(http: httpx.Client, model: str) -> None:
    response = embed(http, model, input=TEXTS)
    assert response["model"] == model
    vectors = response["embeddings"]
    assert [length(vector) for vector in vectors] == [pytest.approx(1, abs=1e-3)] * 3
    assert len({len(vector) for vector in vectors}) == 1
    assert vectors[0] == pytest.approx(vectors[2], abs=1e-3)
    assert vectors[0] != pytest.approx(vectors[1], abs=1e-3)
    assert response["prompt_eval_count"] >= 9
    assert response["total_duration"] >= response["load_duration"] > 0


def test_one_text_gets_the_same_vector_as_in_a_batch(http: httpx.Client, model: str) -> None:
    alone = embed(http, model, input=TEXTS[1])["embeddings"]
    assert alone == [pytest.approx(embed(http, model, input=TEXTS)["embeddings"][1], abs=1e-3)]


def test_dimensions_shorten_the_vector(http: httpx.Client, model: str) -> None:
    (whole,) = embed(http, model, input=TEXTS[0])["embeddings"]
    (short,) = embed(http, model, input=TEXTS[0], dimensions=8)["embeddings"]
    scale = length(whole[:8])
    assert short == pytest.approx([component / scale for component in whole[:8]], abs=1e-3)
    (same,) = embed(http, model, input=TEXTS[0], dimensions=len(whole) + 1)["embeddings"]
    assert len(same) == len(whole)


@pytest.mark.parametrize("nothing", [{}, {"input": ""}, {"input": []}, {"input": None}], ids=str)
def test_a_request_without_text_gets_no_vectors(http: httpx.Client, model: str, nothing: Json) -> None:
    assert embed(http, model, **nothing)["embeddings"] == []


def test_a_text_beyond_the_context_is_truncated_unless_that_is_forbidden(
    http: httpx.Client, model: str
) -> None:
    long = {"input": "word " * 300, "options": {"num_ctx": 64}}
    assert 0 < embed(http, model, **long)["prompt_eval_count"] <= 64
    response = http.post("/api/embed", json={"model": model, "truncate": False, **long})
    assert (response.status_code, response.json()) == (
        400,
        {"error": "the input length exceeds the context length"},
    )


def test_the_older_route_gives_one_vector(http: httpx.Client, model: str) -> None:
    response = http.post("/api/embeddings", json={"model": model, "prompt": TEXTS[0]}).json()
    assert set(response) == {"embedding"}
    assert len(response["embedding"]) == len(embed(http, model, input=TEXTS[0])["embeddings"][0])
    assert http.post("/api/embeddings", json={"model": model}).json() == {"embedding": []}


@pytest.mark.parametrize("wrong", [{"input": 5}, {"input": [1]}, {"input": {}}, {"dimensions": "x"}], ids=str)
def test_an_input_of_the_wrong_type_is_refused(http: httpx.Client, target: Target, wrong: Json) -> None:
    assert http.post("/api/embed", json={"model": target.model, **wrong}).status_code == 400


@pytest.mark.parametrize("route", ["/api/embed", "/api/embeddings"])
def test_an_unknown_model_is_not_found(http: httpx.Client, route: str) -> None:
    response = http.post(route, json={"model": "no-such-model", "input": "a", "prompt": "a"})
    assert response.status_code == 404
    assert "not found" in response.json()["error"]


@pytest.mark.parametrize("route", ["/api/embed", "/api/embeddings"])
def test_a_model_without_embeddings_says_so(http: httpx.Client, target: Target, route: str) -> None:
    if "embedding" in http.post("/api/show", json={"model": target.model}).json()["capabilities"]:
        pytest.skip(f"{target.model} gives embeddings")
    response = http.post(route, json={"model": target.model, "input": "a", "prompt": "a"})
    assert response.status_code >= 400
    assert "embedding" in response.json()["error"]
