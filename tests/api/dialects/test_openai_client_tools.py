"""OpenAI's official client calls tools and gets answers in a schema, through the simulated runtime."""

import json
from collections.abc import AsyncIterator
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from tests.api.support.in_process import MODEL
from tests.api.support.live import Serve

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
            "required": ["city", "unit"],
        },
    },
}
CLOCK: Any = {"type": "function", "function": {"name": "clock"}}
QUESTION: Any = {"role": "user", "content": "What is the weather in Paris?"}
CAPABILITIES = ["completion", "tools", "thinking"]


class Place(BaseModel):
    """A recursive schema with references."""

    name: str
    kind: Literal["city", "country"]
    inside: list["Place"]


@pytest.fixture
async def client(serve: Serve) -> AsyncIterator[openai.AsyncOpenAI]:
    live = await serve(behavior={"capabilities": CAPABILITIES, "thinking_tokens": 3})
    http = openai.DefaultAsyncHttpxClient(trust_env=False)
    async with openai.AsyncOpenAI(
        base_url=f"{live.url}/v1", api_key="none", max_retries=0, timeout=60, http_client=http
    ) as opened:
        yield opened


async def test_a_tool_is_called_and_its_result_answered(client: openai.AsyncOpenAI) -> None:
    first = await client.chat.completions.create(model=MODEL, messages=[QUESTION], tools=[WEATHER])
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    call = message.tool_calls[0]
    assert call.type == "function"
    assert set(json.loads(call.function.arguments)) >= {"city", "unit"}
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "Sunny"}
    conversation: Any = [QUESTION, message, result]
    second = await client.chat.completions.create(model=MODEL, messages=conversation, tools=[WEATHER])
    assert second.choices[0].message.content
    assert second.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    "choice", ["auto", "required", {"type": "function", "function": {"name": "get_weather"}}]
)
async def test_the_clients_stream_helper_collects_calls(client: openai.AsyncOpenAI, choice: Any) -> None:
    async with client.chat.completions.stream(
        model=MODEL, messages=[QUESTION], tools=[WEATHER, CLOCK], tool_choice=choice
    ) as stream:
        completion = await stream.get_final_completion()
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    (call,) = calls
    assert completion.choices[0].finish_reason == "tool_calls"
    assert json.loads(call.function.arguments) is not None
    assert call.function.name in ("get_weather", "clock")


async def test_thinking_arrives_as_reasoning_before_the_content(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model=MODEL, messages=[QUESTION], max_tokens=6, stream=True)
    deltas = [chunk.choices[0].delta.model_dump(exclude_none=True) async for chunk in stream]
    kinds = ["reasoning" if "reasoning" in delta else "content" for delta in deltas[1:-1]]
    assert kinds == ["reasoning"] * 3 + ["content"] * 3
    whole = await client.chat.completions.create(
        model=MODEL, messages=[QUESTION], max_tokens=6, reasoning_effort="none"
    )
    assert not hasattr(whole.choices[0].message, "reasoning")


async def test_an_answer_follows_a_recursive_schema(client: openai.AsyncOpenAI) -> None:
    completion = await client.chat.completions.parse(
        model=MODEL, messages=[QUESTION], response_format=Place, max_tokens=500
    )
    assert isinstance(completion.choices[0].message.parsed, Place)


async def test_several_choices_arrive_in_order(client: openai.AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model=MODEL, messages=[QUESTION], n=3, seed=1, max_tokens=8
    )
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in completion.choices}) == 3
    assert completion.usage
    assert completion.usage.completion_tokens == 24
