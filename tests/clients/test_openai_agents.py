"""OpenAI's Agents SDK, on chat completions, and on responses with its default model (an alias)."""

from collections.abc import AsyncIterator
from typing import Any

import agents
import openai
import pytest
from agents import Agent, ModelSettings, Runner, function_tool
from openai.types.responses import ResponseTextDeltaEvent
from openai.types.shared import Reasoning

from tests.clients.platform import (
    ASK_WEATHER,
    CHAT,
    HELLO,
    MODEL,
    PIXEL,
    RESPONSES,
    City,
    get_weather,
    proves,
)

CLIENT = "openai-agents"


@pytest.fixture
async def api(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Choose the API, a client that is closed with the test, and no traces, which would go to OpenAI."""
    agents.set_tracing_disabled(True)
    agents.set_default_openai_api("responses" if request.param == RESPONSES else "chat_completions")
    async with openai.AsyncOpenAI(max_retries=0) as client:
        agents.set_default_openai_client(client, use_for_tracing=False)
        yield request.param


def each_api(*features: str) -> pytest.MarkDecorator:
    """Run a test with each API, which proves these features."""
    apis = [pytest.param(api, marks=proves(CLIENT, api, *features)) for api in (CHAT, RESPONSES)]
    return pytest.mark.parametrize("api", apis, indirect=True)


def agent(api: str, **given: Any) -> Agent[None]:
    if api != RESPONSES:
        given["model"] = MODEL
    return Agent(name="Assistant", instructions="Be brief.", **given)


@each_api("text", "conversation")
async def test_an_answer_is_part_of_the_next_request(api: str) -> None:
    first = await Runner.run(agent(api), HELLO)
    assert first.final_output
    second = [*first.to_input_list(), {"role": "user", "content": ASK_WEATHER}]
    assert (await Runner.run(agent(api), second)).final_output  # type: ignore[arg-type]


@each_api("stream")
async def test_a_stream_says_the_same(api: str) -> None:
    result = Runner.run_streamed(agent(api), HELLO)
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
    ]
    assert "".join(deltas) == result.final_output == (await Runner.run(agent(api), HELLO)).final_output


@each_api("tools", "conversation")
@pytest.mark.parametrize("choice", [None, "required"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_agent_calls_a_tool_and_answers(api: str, streamed: bool, choice: str | None) -> None:
    caller = agent(api, tools=[function_tool(get_weather)], model_settings=ModelSettings(tool_choice=choice))
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
    assert (await Runner.run(agent(api), result.to_input_list())).final_output


@each_api("thinking")
async def test_thinking_is_streamed_apart_from_the_answer(api: str) -> None:
    settings = ModelSettings(reasoning=Reasoning(effort="low"))
    result = Runner.run_streamed(agent(api, model_settings=settings), HELLO)
    kinds = {event.data.type async for event in result.stream_events() if event.type == "raw_response_event"}
    thinking = "reasoning_summary_text" if api == RESPONSES else "reasoning_text"
    assert {f"response.{thinking}.delta", "response.output_text.delta"} <= kinds


@each_api("images")
async def test_an_image_is_accepted(api: str) -> None:
    text = {"type": "input_text", "text": HELLO}
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}
    given: Any = [{"role": "user", "content": [text, image]}]
    assert (await Runner.run(agent(api), given)).final_output


@each_api("structured output")
async def test_an_agent_returns_an_object(api: str) -> None:
    assert isinstance((await Runner.run(agent(api, output_type=City), HELLO)).final_output, City)
