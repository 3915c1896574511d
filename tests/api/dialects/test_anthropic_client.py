"""The official anthropic client, unchanged, against a gateway on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam

from tests.api.support.in_process import MODEL
from tests.api.support.live import Live, Serve

SECONDS = 20
PATH = "/v1/messages"
HELLO: list[MessageParam] = [{"role": "user", "content": "Say hello."}]
ASK: list[MessageParam] = [{"role": "user", "content": "What is the weather in Oslo?"}]
WEATHER: ToolParam = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CAPABLE = {"slots": 8, "capabilities": ["completion", "tools", "thinking", "vision"]}
Connect = Callable[..., Awaitable[tuple[Live, anthropic.AsyncAnthropic]]]


@pytest.fixture
async def connect(serve: Serve) -> AsyncIterator[Connect]:
    """Serves gateways with these settings and opens a client of each, with this key."""
    async with AsyncExitStack() as stack:

        async def open_it(key: str = "none", **given: Any) -> tuple[Live, anthropic.AsyncAnthropic]:
            live = await serve(**given)
            client = anthropic.AsyncAnthropic(
                base_url=live.url,
                api_key=key,
                max_retries=0,
                timeout=SECONDS,
                http_client=anthropic.DefaultAsyncHttpxClient(trust_env=False),
            )
            return live, await stack.enter_async_context(client)

        yield open_it


async def test_the_client_gets_a_message(connect: Connect) -> None:
    _, client = await connect()
    message = await client.messages.create(
        model=MODEL, max_tokens=3, messages=HELLO, system="Be brief.", stop_sequences=["\n\n"]
    )
    assert [block.type for block in message.content] == ["text"]
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 3)
    assert message.usage.input_tokens > 0


async def test_the_client_streams_the_same_message(connect: Connect) -> None:
    _, client = await connect(behavior={"tokens": 6})
    whole = await client.messages.create(model=MODEL, max_tokens=9, messages=HELLO)
    async with client.messages.stream(model=MODEL, max_tokens=9, messages=HELLO) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        streamed = await stream.get_final_message()
    assert isinstance(whole.content[0], anthropic.types.TextBlock)
    assert text == whole.content[0].text
    assert (streamed.stop_reason, streamed.usage) == (whole.stop_reason, whole.usage)
    assert streamed.stop_reason == "end_turn"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("choice", ["auto", "any"])
async def test_the_client_calls_a_tool_and_sends_its_result(
    connect: Connect, streamed: bool, choice: str
) -> None:
    _, client = await connect(behavior=CAPABLE)
    given: dict[str, Any] = {"model": MODEL, "max_tokens": 200, "tools": [WEATHER]}
    first = given | {"messages": ASK, "tool_choice": {"type": choice}, "thinking": {"type": "adaptive"}}
    if streamed:
        async with client.messages.stream(**first) as stream:
            message = await stream.get_final_message()
    else:
        message = await client.messages.create(**first)
    assert message.stop_reason == "tool_use"
    assert [block.type for block in message.content] == ["thinking", "tool_use"]
    use: Any = message.content[1]
    assert (use.name, type(use.input["city"])) == ("get_weather", str)
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "Sun"}
    turns: list[Any] = [
        *ASK,
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [result]},
    ]
    answer = await client.messages.create(**given, messages=turns)
    assert (answer.stop_reason, answer.content[-1].type) == ("end_turn", "text")


async def test_the_client_gets_json_by_its_schema(connect: Connect) -> None:
    _, client = await connect()
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"age": {"type": "integer"}},
        "required": ["age"],
    }
    message = await client.messages.create(
        model=MODEL,
        max_tokens=200,
        messages=HELLO,
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    assert isinstance(message.content[0], anthropic.types.TextBlock)
    assert '"age":' in message.content[0].text


async def test_the_client_counts_the_tokens_that_a_message_then_takes(connect: Connect) -> None:
    live, client = await connect()
    system = [{"type": "text", "text": "Be brief."}]
    given: Any = {"model": MODEL, "messages": ASK, "system": system, "tools": [WEATHER]}
    count = await client.messages.count_tokens(**given)
    message = await client.messages.create(**given, max_tokens=200)
    assert count.input_tokens == message.usage.input_tokens > 0
    await live.outcomes_reach(1, "ok", f"{PATH}/count_tokens")
    await live.outcomes_reach(1, "ok", PATH)


async def test_a_key_in_either_header_lets_the_client_in(connect: Connect) -> None:
    live, wrong = await connect(key="wrong", api_keys="right")
    with pytest.raises(anthropic.AuthenticationError) as caught:
        await wrong.messages.create(model=MODEL, max_tokens=1, messages=HELLO)
    assert caught.value.type == "authentication_error"
    for given in ({"api_key": "right"}, {"api_key": None, "auth_token": "right"}):
        http = anthropic.DefaultAsyncHttpxClient(trust_env=False)
        async with anthropic.AsyncAnthropic(base_url=live.url, http_client=http, **given) as client:
            assert await client.messages.create(model=MODEL, max_tokens=1, messages=HELLO)


async def test_errors_are_those_of_the_client(connect: Connect) -> None:
    live, client = await connect()
    with pytest.raises(anthropic.NotFoundError):
        await client.messages.create(model="none:1", max_tokens=1, messages=HELLO)
    with pytest.raises(anthropic.BadRequestError):
        await client.messages.create(model=MODEL, max_tokens=1, messages=[])
    await live.simulate(fault={"kind": "error"})
    with pytest.raises(anthropic.InternalServerError) as caught:
        await client.messages.create(model=MODEL, max_tokens=1, messages=HELLO)
    assert (caught.value.status_code, caught.value.type) == (502, "api_error")
    assert caught.value.request_id


async def test_a_full_queue_is_an_overload_with_retry_after(connect: Connect) -> None:
    live, client = await connect(max_running=1, max_waiting=0)
    await live.simulate(fault={"kind": "hang"})
    first = asyncio.create_task(client.messages.create(model=MODEL, max_tokens=9, messages=HELLO))
    await live.admission_reaches(running=1, waiting=0)
    with pytest.raises(anthropic.APIStatusError) as caught:
        await client.messages.create(model=MODEL, max_tokens=9, messages=HELLO)
    assert (caught.value.status_code, caught.value.type) == (503, "overloaded_error")
    assert int(caught.value.response.headers["retry-after"]) >= 1
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_an_error_during_a_stream_is_an_api_error(connect: Connect) -> None:
    live, client = await connect(behavior={"token_seconds": 0.02})
    await live.simulate(fault={"kind": "error", "after_tokens": 2})
    texts = []

    async def consume() -> None:
        async with client.messages.stream(model=MODEL, max_tokens=9, messages=HELLO) as stream:
            async for text in stream.text_stream:
                texts.append(text)

    with pytest.raises(anthropic.APIStatusError) as caught:
        await consume()
    assert any(texts)
    assert caught.value.type == "api_error"


async def test_closing_a_stream_ends_the_generation_at_the_runtime(connect: Connect) -> None:
    live, client = await connect(behavior={"token_seconds": 0.01, "tokens": 100_000})
    async with client.messages.stream(model=MODEL, max_tokens=4096, messages=HELLO) as stream:
        async for _ in stream.text_stream:
            break
    await live.simulator_reaches(running=0, waiting=0, cancelled=1)
    await live.admission_reaches(running=0, waiting=0)
    await live.outcomes_reach(1, "cancelled", PATH)
