"""OpenAI's Agents SDK, on chat completions."""

from collections.abc import AsyncIterator
from typing import Any

import agents
import openai
import pytest
from agents import Agent, ModelSettings, Runner, function_tool
from openai.types.responses import ResponseTextDeltaEvent
from pydantic import BaseModel

from tests.clients.platform import ASK_WEATHER, CHAT, HELLO, MODEL, PIXEL, proves

CLIENT = "openai-agents"


class City(BaseModel):
    """A city and how many live there."""

    name: str
    inhabitants: int


@function_tool
def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"Rain in {city}."


@pytest.fixture(autouse=True)
async def _chat_completions() -> AsyncIterator[None]:
    """Choose the API, a client that is closed with the test, and no traces, which would go to OpenAI."""
    agents.set_tracing_disabled(True)
    agents.set_default_openai_api("chat_completions")
    async with openai.AsyncOpenAI(max_retries=0) as client:
        agents.set_default_openai_client(client, use_for_tracing=False)
        yield


def agent(**given: Any) -> Agent[None]:
    return Agent(name="Assistant", instructions="Be brief.", model=MODEL, **given)


@proves(CLIENT, CHAT, "text", "conversation")
async def test_an_answer_is_part_of_the_next_request() -> None:
    first = await Runner.run(agent(), HELLO)
    assert first.final_output
    second = [*first.to_input_list(), {"role": "user", "content": ASK_WEATHER}]
    assert (await Runner.run(agent(), second)).final_output  # type: ignore[arg-type]


@proves(CLIENT, CHAT, "stream")
async def test_a_stream_says_the_same() -> None:
    result = Runner.run_streamed(agent(), HELLO)
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
    ]
    assert "".join(deltas) == result.final_output == (await Runner.run(agent(), HELLO)).final_output


@proves(CLIENT, CHAT, "tools", "conversation")
@pytest.mark.parametrize("choice", [None, "required"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_agent_calls_a_tool_and_answers(streamed: bool, choice: str | None) -> None:
    caller = agent(tools=[get_weather], model_settings=ModelSettings(tool_choice=choice))
    if streamed:
        result: Any = Runner.run_streamed(caller, ASK_WEATHER)
        async for _ in result.stream_events():
            pass
    else:
        result = await Runner.run(caller, ASK_WEATHER)
    assert [item.type for item in result.new_items if item.type.startswith("tool")] == [
        "tool_call_item",
        "tool_call_output_item",
    ]
    assert result.final_output
    assert (await Runner.run(agent(), result.to_input_list())).final_output


@proves(CLIENT, CHAT, "thinking")
async def test_thinking_is_streamed_apart_from_the_answer() -> None:
    result = Runner.run_streamed(agent(), HELLO)
    kinds = {event.data.type async for event in result.stream_events() if event.type == "raw_response_event"}
    assert {"response.reasoning_text.delta", "response.output_text.delta"} <= kinds


@proves(CLIENT, CHAT, "images")
async def test_an_image_is_accepted() -> None:
    text = {"type": "input_text", "text": HELLO}
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}
    given: Any = [{"role": "user", "content": [text, image]}]
    assert (await Runner.run(agent(), given)).final_output


@proves(CLIENT, CHAT, "structured output")
async def test_an_agent_returns_an_object() -> None:
    assert isinstance((await Runner.run(agent(output_type=City), HELLO)).final_output, City)
