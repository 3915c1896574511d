"""The official openai client, unchanged, against a gateway on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam

from tests.api.support.in_process import MODEL
from tests.api.support.live import Live, Serve

SECONDS = 20
HELLO: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": "Say hello."}]
Connect = Callable[..., Awaitable[tuple[Live, openai.AsyncOpenAI]]]


@pytest.fixture
async def connect(serve: Serve) -> AsyncIterator[Connect]:
    """Serves gateways with these settings and opens a client of each, with this key."""
    async with AsyncExitStack() as stack:

        async def open_it(key: str = "none", **given: Any) -> tuple[Live, openai.AsyncOpenAI]:
            live = await serve(**given)
            client = openai.AsyncOpenAI(
                base_url=f"{live.url}/v1",
                api_key=key,
                max_retries=0,
                timeout=SECONDS,
                http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
            )
            return live, await stack.enter_async_context(client)

        yield open_it


async def test_the_client_lists_and_retrieves_models(connect: Connect) -> None:
    _, client = await connect()
    assert [model.id async for model in client.models.list()] == [MODEL]
    assert (await client.models.retrieve(MODEL)).owned_by == "llm-runtime"


async def test_the_client_chats(connect: Connect) -> None:
    _, client = await connect()
    response = await client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=3, seed=1, temperature=0.5, top_p=0.9, stop=["\n\n"]
    )
    assert response.choices[0].message.content
    assert response.choices[0].finish_reason == "length"
    assert response.usage is not None
    assert response.usage.completion_tokens == 3


async def test_the_client_streams_with_usage_at_the_end(connect: Connect) -> None:
    _, client = await connect()
    whole = await client.chat.completions.create(model=MODEL, messages=HELLO, max_completion_tokens=5)
    stream = await client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        max_completion_tokens=5,
        stream=True,
        stream_options={"include_usage": True},
    )
    *chunks, last = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "length"
    assert last.usage is not None
    assert last.usage == whole.usage


async def test_the_clients_stream_helper_accumulates_the_answer(connect: Connect) -> None:
    _, client = await connect(behavior={"tokens": 4})
    async with client.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
        response = await stream.get_final_completion()
    assert response.choices[0].message.content
    assert response.choices[0].finish_reason == "stop"


async def test_an_unknown_model_is_a_not_found_error(connect: Connect) -> None:
    _, client = await connect()
    with pytest.raises(openai.NotFoundError) as caught:
        await client.chat.completions.create(model="none:1", messages=HELLO)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("none:1")


async def test_an_invalid_value_is_a_bad_request_error(connect: Connect) -> None:
    _, client = await connect()
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model=MODEL, messages=HELLO, temperature=9)
    assert (caught.value.code, caught.value.param) == ("invalid_value", "temperature")


async def test_a_wrong_key_is_an_authentication_error_and_the_right_one_works(connect: Connect) -> None:
    _, wrong = await connect(key="wrong", api_keys="other, right")
    with pytest.raises(openai.AuthenticationError) as caught:
        await wrong.models.list()
    assert caught.value.code == "invalid_api_key"
    async with wrong.with_options(api_key="right") as client:
        assert [model.id async for model in client.models.list()] == [MODEL]


async def test_a_key_over_its_limit_is_a_rate_limit_error(connect: Connect) -> None:
    _, client = await connect(key="right", api_keys="right", key_requests_per_minute=1)
    await client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)
    assert caught.value.code == "rate_limit_exceeded"


async def test_a_full_queue_is_an_internal_server_error_with_retry_after(connect: Connect) -> None:
    live, client = await connect(max_running=1, max_waiting=0)
    await live.simulate(fault={"kind": "hang"})
    first = asyncio.create_task(client.chat.completions.create(model=MODEL, messages=HELLO))
    await live.admission_reaches(running=1, waiting=0)
    with pytest.raises(openai.InternalServerError) as caught:
        await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (503, "queue_full")
    assert int(caught.value.response.headers["retry-after"]) >= 1
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_a_runtime_that_fails_is_an_internal_server_error(connect: Connect) -> None:
    live, client = await connect()
    await live.simulate(fault={"kind": "error"})
    with pytest.raises(openai.InternalServerError) as caught:
        await client.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (502, "model_crashed")


async def test_the_client_retries_after_an_error_if_it_may(connect: Connect) -> None:
    live, client = await connect()
    await live.simulate(fault={"kind": "error"})
    response = await client.with_options(max_retries=1).chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=2
    )
    assert response.usage is not None
    assert response.usage.completion_tokens == 2


async def test_an_error_during_a_stream_is_an_api_error(connect: Connect) -> None:
    live, client = await connect(behavior={"token_seconds": 0.02})
    await live.simulate(fault={"kind": "error", "after_tokens": 2})
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    texts = []

    async def consume() -> None:
        async for chunk in stream:
            texts.append(chunk.choices[0].delta.content)

    with pytest.raises(openai.APIError) as caught:
        await consume()
    assert any(texts)
    assert caught.value.code == "model_crashed"


async def test_closing_a_stream_ends_the_generation_at_the_runtime(connect: Connect) -> None:
    live, client = await connect(behavior={"token_seconds": 0.01, "tokens": 100_000})
    stream = await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, max_tokens=4096)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    await live.simulator_reaches(running=0, waiting=0, cancelled=1)
    await live.admission_reaches(running=0, waiting=0)
    await live.outcomes_reach(1, "cancelled", "/v1/chat/completions")


async def test_the_blocking_client_chats_too(connect: Connect) -> None:
    live, _ = await connect()

    def chat() -> str | None:
        http = openai.DefaultHttpxClient(trust_env=False)
        with openai.OpenAI(
            base_url=f"{live.url}/v1", api_key="none", max_retries=0, timeout=SECONDS, http_client=http
        ) as client:
            response = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=3)
        return response.choices[0].message.content

    assert await asyncio.to_thread(chat)
