"""The platform answers: plain, streamed, in OpenAI's shape, and counts what it answered."""

import json
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.e2e

PROMPT = {"prompt": "Say hello.", "options": {"num_predict": 16, "temperature": 0, "seed": 1}}
PATIENCE = 120


def models(gateway: str) -> list[str]:
    listed = httpx.get(f"{gateway}/v1/models", timeout=PATIENCE).raise_for_status().json()["data"]
    return [model["id"] for model in listed]


def counted(gateway: str, **labels: str) -> float:
    """Requests that one pod of the gateway has counted."""
    lines = httpx.get(f"{gateway}/metrics").raise_for_status().text.splitlines()
    wanted = [f'{name}="{value}"' for name, value in labels.items()]
    found = [line for line in lines if line.startswith("llm_requests_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in found if all(part in line for part in wanted))


def test_the_model_is_ready(gateway: str) -> None:
    assert httpx.get(f"{gateway}/ready", timeout=PATIENCE).status_code == 200


def test_a_prompt_is_answered_with_text(gateway: str) -> None:
    answer = httpx.post(f"{gateway}/generate", json=PROMPT, timeout=PATIENCE).raise_for_status().json()
    assert answer["response"].strip()
    assert answer["usage"]["generated_tokens"] > 0


def test_a_stream_comes_in_pieces_and_ends_with_done(gateway: str) -> None:
    with httpx.stream("POST", f"{gateway}/generate", json=PROMPT | {"stream": True}, timeout=PATIENCE) as r:
        assert r.status_code == 200
        events: list[dict[str, Any]] = [json.loads(line) for line in r.iter_lines()]
    assert sum(bool(event.get("response")) for event in events) > 1
    assert events[-1]["done"] is True


def test_openais_api_lists_a_model_and_streams_its_answer(gateway: str) -> None:
    body = {
        "model": models(gateway)[0],
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_tokens": 8,
        "stream": True,
    }
    with httpx.stream("POST", f"{gateway}/v1/chat/completions", json=body, timeout=PATIENCE) as r:
        assert r.status_code == 200
        data = [line.removeprefix("data: ") for line in r.iter_lines() if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    assert any(json.loads(part)["choices"] for part in data[:-1])


def one_more(gateway: str) -> bool:
    before = counted(gateway, outcome="ok")
    httpx.post(f"{gateway}/generate", json=PROMPT, timeout=PATIENCE).raise_for_status()
    return counted(gateway, outcome="ok") == before + 1


def test_an_answer_is_counted(gateway: str) -> None:
    # The pod that the forward leads to can change in between, when an autoscaler acts.
    assert any(one_more(gateway) for _ in range(5))


def test_an_unknown_model_is_refused_as_such(gateway: str) -> None:
    refused = httpx.post(f"{gateway}/generate", json=PROMPT | {"model": "no-such-model"}, timeout=PATIENCE)
    assert refused.status_code == 404
    assert refused.json()["error"]["type"]
