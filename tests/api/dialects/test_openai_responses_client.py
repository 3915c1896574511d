"""OpenAI's official client gets responses through the simulated runtime."""

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
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
        "required": ["city", "unit"],
    },
}
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


@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "name": "get_weather"}])
async def test_a_function_is_called_and_its_result_answered(client: openai.AsyncOpenAI, choice: Any) -> None:
    first = await client.responses.create(model=MODEL, input=[QUESTION], tools=[WEATHER], tool_choice=choice)
    call = first.output[-1]
    assert call.type == "function_call"
    assert set(json.loads(call.arguments)) >= {"city", "unit"}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"}
    conversation: Any = [QUESTION, *first.output, result]
    second = await client.responses.create(model=MODEL, input=conversation, tools=[WEATHER])
    assert (second.status, second.output[-1].type) == ("completed", "message")
    assert second.output_text


async def test_the_clients_stream_helper_collects_a_response(client: openai.AsyncOpenAI) -> None:
    async with client.responses.stream(model=MODEL, input="Hi", reasoning={"effort": "low"}) as stream:
        texts = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        response = await stream.get_final_response()
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output_text == "".join(texts)
    assert response.usage
    assert response.usage.output_tokens_details.reasoning_tokens == 3


async def test_the_clients_stream_helper_collects_calls(client: openai.AsyncOpenAI) -> None:
    async with client.responses.stream(
        model=MODEL, input=[QUESTION], tools=[WEATHER], tool_choice="required"
    ) as stream:
        done = [event async for event in stream if event.type == "response.function_call_arguments.done"]
        response = await stream.get_final_response()
    call = response.output[-1]
    assert call.type == "function_call"
    assert [event.arguments for event in done] == [call.arguments]
    assert set(json.loads(call.arguments)) >= {"city", "unit"}


async def test_an_answer_follows_a_recursive_schema(client: openai.AsyncOpenAI) -> None:
    response = await client.responses.parse(model=MODEL, input=[QUESTION], text_format=Place)
    assert isinstance(response.output_parsed, Place)


async def test_a_refusal_names_the_field(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.responses.create(model=MODEL, input="Hi", previous_response_id="resp_1")
    assert (caught.value.param, caught.value.code) == ("previous_response_id", "unsupported_parameter")
