"""The official Python client of Ollama, unchanged."""

from collections.abc import Iterator

import ollama
import pytest

from tests.contract.conftest import Target

OPTIONS = {"num_predict": 8, "temperature": 0}
MESSAGES = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(target: Target) -> Iterator[ollama.Client]:
    with ollama.Client(target.url) as client:
        yield client


def test_it_lists_and_shows_models(client: ollama.Client, target: Target) -> None:
    assert target.model in [model.model for model in client.list().models]
    shown = client.show(target.model)
    assert shown.details is not None
    assert shown.details.family
    assert shown.modelinfo


def test_it_generates(client: ollama.Client, target: Target) -> None:
    answer = client.generate(target.model, "Hello", options=OPTIONS)
    assert answer.response
    assert answer.done_reason in ("stop", "length")
    assert answer.eval_count
    assert target.model in [model.model for model in client.ps().models]


def test_it_streams_a_generation(client: ollama.Client, target: Target) -> None:
    parts = list(client.generate(target.model, "Hello", options=OPTIONS, stream=True))
    assert "".join(part.response or "" for part in parts)
    assert [part.done for part in parts][-2:] == [False, True]


def test_it_chats(client: ollama.Client, target: Target) -> None:
    answer = client.chat(target.model, MESSAGES, options=OPTIONS)
    assert answer.message.role == "assistant"
    assert answer.message.content


def test_it_streams_a_chat(client: ollama.Client, target: Target) -> None:
    parts = list(client.chat(target.model, MESSAGES, options=OPTIONS, stream=True))
    assert "".join(part.message.content or "" for part in parts)
    assert parts[-1].done


async def test_it_works_asynchronously(target: Target) -> None:
    async with ollama.AsyncClient(target.url) as client:
        parts = [
            part async for part in await client.chat(target.model, MESSAGES, options=OPTIONS, stream=True)
        ]
    assert parts[-1].done


@pytest.mark.parametrize("stream", [False, True])
def test_it_tells_an_unknown_model(client: ollama.Client, stream: bool) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        list(client.generate("no-such-model", "Hello", stream=stream))  # type: ignore[call-overload]
    assert (caught.value.status_code, caught.value.error) == (404, "model 'no-such-model' not found")
