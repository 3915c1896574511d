"""OpenAI's official client for Python, on responses."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.clients.platform import ASK_WEATHER, CITY, HELLO, MODEL, PIXEL, RESPONSES, City, proves

CLIENT = "openai"
GREETING: Any = {"role": "user", "content": HELLO}
QUESTION: Any = {"role": "user", "content": ASK_WEATHER}
TOOLS: Any = [{"type": "function", "name": "get_weather", "parameters": CITY, "strict": True}]


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    with openai.OpenAI(max_retries=0) as opened:
        yield opened


def ask(client: openai.OpenAI, streamed: bool, **given: Any) -> Any:
    """Return a response, collected from a stream or as a whole."""
    if not streamed:
        return client.responses.create(model=MODEL, **given)
    with client.responses.stream(model=MODEL, **given) as stream:
        return stream.get_final_response()


@proves(CLIENT, RESPONSES, "text", "stream")
def test_a_response_and_its_stream(client: openai.OpenAI) -> None:
    whole = ask(client, False, input=HELLO, instructions="Be brief.")
    streamed = ask(client, True, input=HELLO, instructions="Be brief.")
    assert whole.output_text == streamed.output_text != ""
    assert whole.status == streamed.status == "completed"
    events = client.responses.create(model=MODEL, input=HELLO, stream=True)
    assert [event.type for event in events][-1] == "response.completed"


@proves(CLIENT, RESPONSES, "tools", "conversation")
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("choice", ["auto", "required"])
def test_a_tool_round_trip(client: openai.OpenAI, streamed: bool, choice: str) -> None:
    asked = ask(client, streamed, input=[QUESTION], tools=TOOLS, tool_choice=choice)
    (call,) = [item for item in asked.output if item.type == "function_call"]
    assert isinstance(json.loads(call.arguments)["city"], str)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain."}
    conversation = [QUESTION, *asked.output, result]
    told = ask(client, streamed, input=conversation, tools=TOOLS)
    assert told.output_text
    assert ask(client, streamed, input=[*conversation, *told.output, GREETING]).output_text


@proves(CLIENT, RESPONSES, "structured output")
def test_an_answer_is_parsed_into_a_class(client: openai.OpenAI) -> None:
    whole = client.responses.parse(model=MODEL, input=HELLO, text_format=City)
    assert isinstance(whole.output_parsed, City)
    assert isinstance(ask(client, True, input=HELLO, text_format=City).output_parsed, City)


@proves(CLIENT, RESPONSES, "thinking")
@pytest.mark.parametrize("streamed", [False, True])
def test_thinking_is_an_item_of_its_own(client: openai.OpenAI, streamed: bool) -> None:
    thoughtful = ask(client, streamed, input=HELLO, reasoning={"effort": "low"})
    assert [item.type for item in thoughtful.output] == ["reasoning", "message"]
    assert thoughtful.output[0].summary[0].text
    brief = ask(client, streamed, input=HELLO, reasoning={"effort": "none"})
    assert [item.type for item in brief.output] == ["message"]


@proves(CLIENT, RESPONSES, "images")
def test_an_image_is_accepted(client: openai.OpenAI) -> None:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}
    content = [{"type": "input_text", "text": HELLO}, image]
    assert ask(client, False, input=[{"role": "user", "content": content}]).output_text
