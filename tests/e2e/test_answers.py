"""The platform answers prompts and counts the answers."""

import json
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.e2e

PROMPT = {"prompt": "Say hello.", "options": {"num_predict": 16, "temperature": 0, "seed": 1}}


def test_the_model_is_ready(http: httpx.Client) -> None:
    assert http.get("/ready").status_code == 200


def test_a_prompt_is_answered_with_text(http: httpx.Client) -> None:
    answer = http.post("/generate", json=PROMPT).raise_for_status().json()
    assert answer["response"].strip()
    assert answer["usage"]["generated_tokens"] > 0


def test_a_stream_arrives_in_pieces_and_ends_with_done(http: httpx.Client) -> None:
    with http.stream("POST", "/generate", json=PROMPT | {"stream": True}) as response:
        assert response.status_code == 200
        events: list[dict[str, Any]] = [json.loads(line) for line in response.iter_lines()]
    assert sum(bool(event.get("response")) for event in events) > 1
    assert events[-1]["done"] is True


def test_openais_api_lists_a_model_and_streams_its_answer(http: httpx.Client) -> None:
    models = http.get("/v1/models").raise_for_status().json()["data"]
    body = {
        "model": models[0]["id"],
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_tokens": 8,
        "stream": True,
    }
    with http.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200
        data = [line.removeprefix("data: ") for line in response.iter_lines() if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    assert any(json.loads(part)["choices"] for part in data[:-1])


def ok_requests(http: httpx.Client) -> float:
    """Return how many successful requests the pod that answers has counted."""
    lines = http.get("/metrics").raise_for_status().text.splitlines()
    samples = [line for line in lines if line.startswith("llm_requests_total{") and 'outcome="ok"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in samples)


def counts_one_more(http: httpx.Client) -> bool:
    before = ok_requests(http)
    http.post("/generate", json=PROMPT).raise_for_status()
    return ok_requests(http) == before + 1


def test_a_successful_request_is_counted(http: httpx.Client) -> None:
    # An autoscaler may replace the pod behind the port-forward in between.
    assert any(counts_one_more(http) for _ in range(5))


def test_an_unknown_model_is_refused_with_404(http: httpx.Client) -> None:
    refused = http.post("/generate", json=PROMPT | {"model": "no-such-model"})
    assert refused.status_code == 404
    assert refused.json()["error"]["type"]
