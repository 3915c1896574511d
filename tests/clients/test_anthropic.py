"""Anthropic's official client for Python."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.clients.platform import ASK_WEATHER, CITY, HELLO, MESSAGES, MODEL, PIXEL, City, proves

CLIENT = "anthropic"
GREETING: Any = {"role": "user", "content": HELLO}
GIVEN: Any = {"model": MODEL, "max_tokens": 1000}
TOOLS: Any = [{"name": "get_weather", "input_schema": CITY}]


@pytest.fixture
def client() -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(max_retries=0) as opened:
        yield opened


def ask(client: anthropic.Anthropic, streamed: bool, **given: Any) -> Any:
    """Return a message, collected from a stream or as a whole."""
    if not streamed:
        return client.messages.create(**GIVEN | given)
    with client.messages.stream(**GIVEN | given) as stream:
        return stream.get_final_message()


@proves(CLIENT, MESSAGES, "models")
def test_models_are_listed(client: anthropic.Anthropic) -> None:
    assert next(model.id for model in client.models.list()) == MODEL


@proves(CLIENT, MESSAGES, "text", "stream")
def test_a_message_and_its_stream(client: anthropic.Anthropic) -> None:
    whole = ask(client, False, messages=[GREETING])
    streamed = ask(client, True, messages=[GREETING])
    assert whole.stop_reason == streamed.stop_reason == "end_turn"
    assert whole.content[-1].text == streamed.content[-1].text != ""
    assert whole.usage == streamed.usage


@proves(CLIENT, MESSAGES, "tools", "conversation")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("choice", ["auto", "any"])
def test_a_tool_round_trip(client: anthropic.Anthropic, streamed: bool, choice: str) -> None:
    question = {"role": "user", "content": ASK_WEATHER}
    asked = ask(
        client, streamed, messages=[question], tools=TOOLS, tool_choice={"type": choice}, system="Be brief."
    )
    assert asked.stop_reason == "tool_use"
    (use,) = [block for block in asked.content if block.type == "tool_use"]
    assert isinstance(use.input["city"], str)
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "Rain."}
    turns = [question, {"role": "assistant", "content": asked.content}, {"role": "user", "content": [result]}]
    assert ask(client, streamed, messages=turns, tools=TOOLS).stop_reason == "end_turn"


@proves(CLIENT, MESSAGES, "thinking", "conversation")
@pytest.mark.parametrize("streamed", [False, True])
def test_thinking_is_a_block_that_may_be_sent_back(client: anthropic.Anthropic, streamed: bool) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    given = {"max_tokens": 2000, "thinking": thinking}
    asked = ask(client, streamed, messages=[GREETING], **given)
    assert [block.type for block in asked.content] == ["thinking", "text"]
    turns = [GREETING, {"role": "assistant", "content": asked.content}, GREETING]
    assert ask(client, streamed, messages=turns, **given).content[-1].text


@proves(CLIENT, MESSAGES, "structured output")
def test_an_answer_is_parsed_into_a_class(client: anthropic.Anthropic) -> None:
    message = client.messages.parse(**GIVEN, messages=[GREETING], output_format=City)
    assert isinstance(message.parsed_output, City)


@proves(CLIENT, MESSAGES, "images")
def test_an_image_is_accepted(client: anthropic.Anthropic) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "image", "source": source}, {"type": "text", "text": HELLO}]
    assert ask(client, False, messages=[{"role": "user", "content": content}]).content[0].text


@proves(CLIENT, MESSAGES, "text")
def test_tokens_are_counted(client: anthropic.Anthropic) -> None:
    count = client.messages.count_tokens(model=MODEL, messages=[GREETING], system="Be brief.")
    assert count.input_tokens > 0
