"""OpenAI's official client for Python."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.clients.platform import (
    ASK_WEATHER,
    CHAT,
    CITY,
    COMPLETIONS,
    EMBEDDINGS,
    HELLO,
    MODEL,
    PIXEL,
    proves,
)

CLIENT = "openai"
QUESTION: Any = {"role": "user", "content": ASK_WEATHER}
GREETING: Any = {"role": "user", "content": HELLO}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY, "strict": True}}]
RESULT = {"role": "tool", "content": "Rain."}


class Answer(BaseModel):
    """An answer with a nested part."""

    class Step(BaseModel):
        explanation: str
        done: bool

    steps: list[Step]
    result: int


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    with openai.OpenAI(max_retries=0) as opened:
        yield opened


@proves(CLIENT, CHAT, "models")
def test_models_are_listed_the_default_first(client: openai.OpenAI) -> None:
    assert client.models.list().data[0].id == MODEL
    assert client.models.retrieve(MODEL).id == MODEL


@proves(CLIENT, CHAT, "text")
def test_a_chat(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model=MODEL, messages=[GREETING], max_tokens=8, seed=1)
    assert (completion.choices[0].finish_reason, completion.model) == ("length", MODEL)
    assert completion.usage
    assert completion.usage.completion_tokens == 8


@proves(CLIENT, CHAT, "stream")
def test_a_stream_says_the_same(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=MODEL, messages=[GREETING])
    with client.chat.completions.stream(
        model=MODEL, messages=[GREETING], stream_options={"include_usage": True}
    ) as stream:
        streamed = stream.get_final_completion()
    assert streamed.choices[0].message.content == whole.choices[0].message.content != ""
    assert streamed.choices[0].finish_reason == whole.choices[0].finish_reason == "stop"
    assert streamed.usage == whole.usage


@proves(CLIENT, CHAT, "tools", "conversation")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("choice", ["auto", "required"])
def test_a_tool_round_trip(client: openai.OpenAI, streamed: bool, choice: Any) -> None:
    given: Any = {"model": MODEL, "messages": [QUESTION], "tools": TOOLS, "tool_choice": choice}
    if streamed:
        with client.chat.completions.stream(**given) as stream:
            message: Any = stream.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(**given).choices[0].message
    (call,) = message.tool_calls
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    conversation = [QUESTION, message, RESULT | {"tool_call_id": call.id}]
    answer = client.chat.completions.create(**given | {"messages": conversation, "tool_choice": "auto"})
    assert answer.choices[0].message.content


@proves(CLIENT, CHAT, "conversation")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_is_appended_and_the_model_asked_again(client: openai.OpenAI, streamed: bool) -> None:
    if streamed:
        with client.chat.completions.stream(model=MODEL, messages=[GREETING]) as stream:
            message: Any = stream.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(model=MODEL, messages=[GREETING]).choices[0].message
    again = client.chat.completions.create(model=MODEL, messages=[GREETING, message, QUESTION])
    assert again.choices[0].message.content


@proves(CLIENT, CHAT, "structured output")
def test_an_answer_is_parsed_into_a_class(client: openai.OpenAI) -> None:
    completion = client.chat.completions.parse(model=MODEL, messages=[GREETING], response_format=Answer)
    assert isinstance(completion.choices[0].message.parsed, Answer)


@proves(CLIENT, CHAT, "structured output")
def test_a_streamed_answer_is_parsed_into_a_class(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=MODEL, messages=[GREETING], response_format=Answer) as stream:
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Answer)


@proves(CLIENT, CHAT, "thinking")
def test_thinking_is_apart_from_the_content(client: openai.OpenAI) -> None:
    def reasoning(**given: Any) -> str | None:
        completion = client.chat.completions.create(model=MODEL, messages=[GREETING], **given)
        assert completion.choices[0].message.content
        return getattr(completion.choices[0].message, "reasoning", None)

    assert reasoning(reasoning_effort="low")
    assert not reasoning(reasoning_effort="none")


@proves(CLIENT, CHAT, "images")
def test_an_image_is_accepted(client: openai.OpenAI) -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    message: Any = {"role": "user", "content": [{"type": "text", "text": HELLO}, image]}
    assert client.chat.completions.create(model=MODEL, messages=[message]).choices[0].message.content


@proves(CLIENT, COMPLETIONS, "text", "stream")
def test_a_completion_and_its_stream(client: openai.OpenAI) -> None:
    whole = client.completions.create(model=MODEL, prompt="def add(a, b):", suffix="\n", max_tokens=9)
    stream = client.completions.create(
        model=MODEL, prompt="def add(a, b):", suffix="\n", max_tokens=9, stream=True
    )
    assert "".join(chunk.choices[0].text for chunk in stream) == whole.choices[0].text != ""


@proves(CLIENT, EMBEDDINGS, "embeddings")
def test_embeddings_are_the_same_in_either_encoding(client: openai.OpenAI) -> None:
    packed = client.embeddings.create(model=MODEL, input=["one", "two"])  # base64, unless told otherwise
    plain = client.embeddings.create(model=MODEL, input=["one", "two"], encoding_format="float")
    assert len(packed.data) == 2
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
