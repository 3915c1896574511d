"""The official Python client of Ollama, unchanged."""

import json
from collections.abc import Iterator
from typing import Any

import ollama
import pytest

from tests.contract.support import Target

OPTIONS = {"num_predict": 8, "temperature": 0}
MESSAGES = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(target: Target) -> Iterator[ollama.Client]:
    with ollama.Client(target.url, timeout=target.timeout, trust_env=False) as client:
        yield client


def test_the_client_lists_and_shows_models(client: ollama.Client, target: Target) -> None:
    assert target.model in [model.model for model in client.list().models]
    shown = client.show(target.model)
    assert shown.details is not None
    assert shown.details.family
    assert shown.modelinfo


def test_the_client_generates(client: ollama.Client, target: Target) -> None:
    response = client.generate(target.model, "Hello", options=OPTIONS)
    assert response.response
    assert response.done_reason in ("stop", "length")
    assert response.eval_count
    assert target.model in [model.model for model in client.ps().models]


def test_the_client_streams_a_generation(client: ollama.Client, target: Target) -> None:
    parts = list(client.generate(target.model, "Hello", options=OPTIONS, stream=True))
    assert "".join(part.response or "" for part in parts)
    assert [part.done for part in parts][-2:] == [False, True]


def test_the_client_chats(client: ollama.Client, target: Target) -> None:
    response = client.chat(target.model, MESSAGES, options=OPTIONS)
    assert response.message.role == "assistant"
    assert response.message.content


def test_the_client_streams_a_chat(client: ollama.Client, target: Target) -> None:
    parts = list(client.chat(target.model, MESSAGES, options=OPTIONS, stream=True))
    assert "".join(part.message.content or "" for part in parts)
    assert parts[-1].done


async def test_the_asynchronous_client_streams_a_chat(target: Target) -> None:
    async with ollama.AsyncClient(target.url, timeout=target.timeout, trust_env=False) as client:
        parts = [
            part async for part in await client.chat(target.model, MESSAGES, options=OPTIONS, stream=True)
        ]
    assert parts[-1].done


@pytest.mark.parametrize("stream", [False, True])
def test_the_client_raises_a_response_error_for_an_unknown_model(client: ollama.Client, stream: bool) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        list(client.generate("no-such-model", "Hello", stream=stream))  # type: ignore[call-overload]
    assert (caught.value.status_code, caught.value.error) == (404, "model 'no-such-model' not found")


def test_the_client_gets_an_answer_in_a_format(client: ollama.Client, target: Target) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    response = client.chat(target.model, MESSAGES, format=schema, options=OPTIONS | {"num_predict": 40})
    assert isinstance(json.loads(response.message.content or "")["ok"], bool)


def test_the_client_reads_capabilities_and_uses_them(client: ollama.Client, target: Target) -> None:
    capabilities = client.show(target.model).capabilities or []
    if "embedding" in capabilities:
        assert len(client.embed(target.model, ["a", "b"]).embeddings) == 2
    if "tools" in capabilities:
        tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
        question = [{"role": "user", "content": "Call get_weather."}]
        (call,) = client.chat(target.model, question, tools=[tool]).message.tool_calls or []
        assert call.function.name == "get_weather"
