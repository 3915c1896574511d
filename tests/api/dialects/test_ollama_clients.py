"""Ollama's official clients, unchanged, against a gateway on loopback in front of the simulated runtime."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

import ollama
import pytest

from tests.api.support.in_process import MODEL
from tests.api.support.live import Live, Serve
from tests.waiting import within

SECONDS = 20
ABILITIES = ["completion", "tools", "insert", "thinking", "embedding"]
THINKS = {"slots": 64, "tokens": 6, "capabilities": ABILITIES}
CLI = shutil.which("ollama")
Connect = Callable[..., Awaitable[tuple[Live, ollama.AsyncClient]]]


@pytest.fixture
async def connect(serve: Serve) -> AsyncIterator[Connect]:
    """Serves gateways with these settings and opens a client of each, with this key."""
    async with AsyncExitStack() as stack:

        async def open_it(key: str = "", **given: Any) -> tuple[Live, ollama.AsyncClient]:
            live = await serve(**given)
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            client = ollama.AsyncClient(host=live.url, timeout=SECONDS, trust_env=False, headers=headers)
            return live, await stack.enter_async_context(client)

        yield open_it


def get_weather(city: str) -> str:
    """Tell the weather.

    Args:
        city: Where.
    """
    return f"rain in {city}"


async def test_the_client_chats_and_streams_the_same_text(connect: Connect) -> None:
    _, client = await connect(behavior=THINKS)
    messages = [{"role": "user", "content": "Say hello."}]
    whole = await client.chat(MODEL, messages, options={"num_ctx": 512, "temperature": 0}, keep_alive="5m")
    pieces = [piece async for piece in await client.chat(MODEL, messages, stream=True)]
    assert whole.message.content
    assert whole.message.thinking
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
    assert "".join(piece.message.thinking or "" for piece in pieces) == whole.message.thinking
    assert (pieces[-1].done, pieces[-1].done_reason) == (True, whole.done_reason) == (True, "stop")
    assert pieces[-1].eval_count == whole.eval_count
    assert pieces[-1].total_duration


async def test_a_tool_called_by_the_client_answers_in_the_same_conversation(connect: Connect) -> None:
    _, client = await connect(behavior=THINKS)
    messages: list[Any] = [{"role": "user", "content": "What is the weather?"}]
    asked = await client.chat(MODEL, messages, tools=[get_weather])
    assert asked.message.tool_calls
    (call,) = asked.message.tool_calls
    assert call.function.name == "get_weather"
    reply = {"role": "tool", "content": get_weather(**call.function.arguments), "tool_name": "get_weather"}
    told = await client.chat(MODEL, [*messages, asked.message, reply], tools=[get_weather])
    assert told.message.content


async def test_a_streamed_answer_can_be_appended_to_the_conversation(connect: Connect) -> None:
    _, client = await connect(behavior=THINKS)
    messages: list[Any] = [{"role": "user", "content": "What is the weather?"}]
    pieces = [piece async for piece in await client.chat(MODEL, messages, tools=[get_weather], stream=True)]
    assert any(piece.message.tool_calls for piece in pieces)
    again = await client.chat(MODEL, [*messages, *(piece.message for piece in pieces)])
    assert again.message.content


async def test_the_client_generates_with_all_it_can_ask_for(connect: Connect) -> None:
    _, client = await connect(behavior=THINKS)
    whole = await client.generate(MODEL, "Hello", logprobs=True, top_logprobs=2, think=False)
    assert whole.logprobs is not None
    assert "".join(entry.token for entry in whole.logprobs) == whole.response
    pieces = [
        piece.response async for piece in await client.generate(MODEL, "Hello", stream=True, think=False)
    ]
    assert "".join(filter(None, pieces)) == whole.response
    assert (await client.generate(MODEL, "def a(", suffix="):")).response
    assert (await client.generate(MODEL, "Hello", raw=True, options={"num_predict": 2})).eval_count == 2
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert '"n"' in ((await client.generate(MODEL, "Hello", format=schema)).response or "")
    assert (await client.generate(MODEL)).done_reason == "load"


async def test_the_client_embeds(connect: Connect) -> None:
    live, client = await connect()
    both = await client.embed(MODEL, ["one", "two"], dimensions=8)
    assert [len(vector) for vector in both.embeddings] == [8, 8]
    one = await client.embeddings(MODEL, "one")
    assert list(one.embedding) == list((await client.embed(MODEL, "one")).embeddings[0])
    assert live.outcomes("ok", "/api/embed") == 2


async def test_the_client_lists_and_shows_models(connect: Connect) -> None:
    _, client = await connect(behavior=THINKS, model_aliases=f"gpt-4o={MODEL}")
    assert [model.model for model in (await client.list()).models] == [MODEL, "gpt-4o"]
    assert "thinking" in ((await client.show("gpt-4o")).capabilities or [])
    assert [model.model for model in (await client.ps()).models] == [MODEL]


async def test_the_client_raises_errors_with_their_message(connect: Connect) -> None:
    live, client = await connect(key="right", api_keys="right")
    with pytest.raises(ollama.ResponseError, match="not found") as caught:
        await client.chat("none:1", [])
    assert caught.value.status_code == 404
    with pytest.raises(ollama.ResponseError, match="LLM_ALLOW_MODEL_CHANGES") as caught:
        await client.pull("other")
    assert caught.value.status_code == 403
    await live.simulate(fault={"kind": "error", "after_tokens": 2})
    with pytest.raises(ollama.ResponseError, match="the runtime failed"):
        [piece async for piece in await client.generate(MODEL, "Hello", stream=True)]
    del client._client.headers["Authorization"]
    with pytest.raises(ollama.ResponseError, match="no API key"):
        await client.list()


async def test_leaving_a_stream_ends_the_generation_at_the_runtime(connect: Connect) -> None:
    live, client = await connect(behavior={"token_seconds": 0.01, "tokens": 100_000})
    async with aclosing(await client.generate(MODEL, "Hello", stream=True)) as stream:  # type: ignore[type-var]
        await anext(stream)
    await live.simulator_reaches(running=0, waiting=0, cancelled=1)
    await live.outcomes_reach(1, "cancelled", "/api/generate")


@pytest.mark.skipif(CLI is None, reason="the ollama program is not installed")
@pytest.mark.parametrize(
    ("command", "status", "expected"),
    [
        (["--version"], 0, "ollama version is"),
        (["list"], 0, MODEL),
        (["show", MODEL], 0, "thinking"),
        (["ps"], 0, MODEL),
        (["run", "--verbose", MODEL, "Hello"], 0, "eval count:           22 token(s)"),
        (["run", "none:1", "Hello"], 1, "LLM_ALLOW_MODEL_CHANGES"),
        (["stop", MODEL], 0, ""),
        (["rm", MODEL], 1, "LLM_ALLOW_MODEL_CHANGES"),
        (["cp", MODEL, "other"], 1, "LLM_ALLOW_MODEL_CHANGES"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_the_program_works(serve: Serve, command: list[str], status: int, expected: str) -> None:
    live = await serve(behavior=THINKS)
    process = await asyncio.create_subprocess_exec(
        str(CLI),
        *command,
        env=os.environ | {"OLLAMA_HOST": live.url},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await within(f"ollama {' '.join(command)}", process.communicate())
    assert expected in output.decode()
    assert process.returncode == status, output.decode()
