"""Ollama's official client for Python."""

import base64
from collections.abc import Iterator
from typing import Any

import ollama
import pytest

from tests.clients.platform import (
    ASK_WEATHER,
    HELLO,
    MODEL,
    OLLAMA_CHAT,
    OLLAMA_EMBED,
    OLLAMA_GENERATE,
    PIXEL,
    City,
    proves,
)

CLIENT = "ollama"
GREETING: Any = {"role": "user", "content": HELLO}
QUESTION: Any = {"role": "user", "content": ASK_WEATHER}


@pytest.fixture
def client() -> Iterator[ollama.Client]:
    with ollama.Client() as opened:  # sends OLLAMA_API_KEY
        yield opened


def get_weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: Where.
    """
    return f"Rain in {city}."


@proves(CLIENT, OLLAMA_CHAT, "models")
def test_models_are_listed_and_shown(client: ollama.Client) -> None:
    assert client.list().models[0].model == MODEL
    assert {"completion", "tools"} <= set(client.show(MODEL).capabilities or [])


@proves(CLIENT, OLLAMA_CHAT, "text", "stream", "thinking")
def test_a_chat_and_its_stream(client: ollama.Client) -> None:
    whole = client.chat(MODEL, [GREETING], think=True)
    pieces = list(client.chat(MODEL, [GREETING], think=True, stream=True))
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content != ""
    assert "".join(piece.message.thinking or "" for piece in pieces) == whole.message.thinking != ""
    assert pieces[-1].eval_count == whole.eval_count
    assert not client.chat(MODEL, [GREETING], think=False).message.thinking


@proves(CLIENT, OLLAMA_GENERATE, "text", "stream", "thinking")
def test_a_generation_and_its_stream(client: ollama.Client) -> None:
    whole = client.generate(MODEL, HELLO)
    assert whole.response
    assert whole.thinking
    assert "".join(piece.response or "" for piece in client.generate(MODEL, HELLO, stream=True)) == (
        whole.response
    )


@proves(CLIENT, OLLAMA_CHAT, "tools", "conversation")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_round_trip(client: ollama.Client, streamed: bool) -> None:
    if streamed:
        pieces = client.chat(MODEL, [QUESTION], tools=[get_weather], stream=True)
        messages = [piece.message for piece in pieces]
    else:
        messages = [client.chat(MODEL, [QUESTION], tools=[get_weather]).message]
    (call,) = [call for message in messages for call in message.tool_calls or []]
    result = {
        "role": "tool",
        "tool_name": call.function.name,
        "content": get_weather(**call.function.arguments),
    }
    again = client.chat(MODEL, [QUESTION, *messages, result], tools=[get_weather])
    assert again.message.content


@proves(CLIENT, OLLAMA_CHAT, "structured output")
@proves(CLIENT, OLLAMA_GENERATE, "structured output")
def test_an_answer_follows_a_schema(client: ollama.Client) -> None:
    schema = City.model_json_schema()
    assert City.model_validate_json(client.chat(MODEL, [GREETING], format=schema).message.content or "")
    assert City.model_validate_json(client.generate(MODEL, HELLO, format=schema).response or "")


@proves(CLIENT, OLLAMA_CHAT, "images")
@proves(CLIENT, OLLAMA_GENERATE, "images")
def test_an_image_is_accepted(client: ollama.Client) -> None:
    message = GREETING | {"images": [base64.b64decode(PIXEL)]}
    assert client.chat(MODEL, [message]).message.content
    assert client.generate(MODEL, HELLO, images=message["images"]).response


@proves(CLIENT, OLLAMA_EMBED, "embeddings")
def test_texts_are_embedded(client: ollama.Client) -> None:
    assert len(client.embed(MODEL, ["one", "two"]).embeddings) == 2
