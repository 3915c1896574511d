"""What a stream tells besides its tokens: comments while it is silent, and times in its headers."""

import json
from typing import Any

import openai
import pytest

from tests.api.support.errors import error_of
from tests.api.support.live import Serve
from tests.api.support.requests import BODIES

CHAT = "/v1/chat/completions"
SLOW = {"tokens": 3, "first_token_seconds": 1}
HOUR = 3600
COMMENT = ":"


def stream(route: str) -> dict[str, Any]:
    return BODIES[route] | {"stream": True}


async def test_a_silent_stream_gets_comments_until_its_first_token(serve: Serve) -> None:
    live = await serve(behavior=SLOW, stream_keepalive_seconds=0.1)
    response = await live.http.post(CHAT, json=stream(CHAT))
    lines = response.text.split("\n\n")
    comments = [line for line in lines if line.startswith(COMMENT)]
    assert len(comments) >= 2
    assert lines[: len(comments)] == comments
    assert (
        json.loads(lines[len(comments)].removeprefix("data: "))["choices"][0]["delta"]["role"] == "assistant"
    )
    assert lines[-2] == "data: [DONE]"
    assert live.outcomes("ok", CHAT) == 1


async def test_a_request_in_the_queue_gets_comments_too(serve: Serve) -> None:
    live = await serve(behavior={"first_token_seconds": HOUR}, max_running=1, stream_keepalive_seconds=0.1)
    first, second = (live.http.stream("POST", CHAT, json=stream(CHAT)) for _ in range(2))
    async with first as running, second as waiting:
        await live.admission_reaches(running=1, waiting=1)
        for response in (running, waiting):
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert (await anext(response.aiter_lines())).startswith(COMMENT)


async def test_openais_client_skips_the_comments(serve: Serve) -> None:
    live = await serve(behavior=SLOW | {"token_seconds": 0.3}, stream_keepalive_seconds=0.1)
    async with openai.AsyncOpenAI(base_url=f"{live.url}/v1", api_key="none") as client:
        chunks = [chunk async for chunk in await client.chat.completions.create(**stream(CHAT))]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 4 + ["stop"]


async def test_a_failure_after_a_comment_is_an_event_of_the_stream(serve: Serve) -> None:
    live = await serve(
        behavior={"first_token_seconds": HOUR}, first_token_timeout_seconds=0.5, stream_keepalive_seconds=0.1
    )
    response = await live.http.post(CHAT, json=stream(CHAT))
    assert response.status_code == 200
    *_, last, rest = response.text.split("\n\n")
    assert (json.loads(last.removeprefix("data: "))["error"]["code"], rest) == ("timeout", "")
    assert live.outcomes("timeout", CHAT) == 1


async def test_a_failure_before_the_first_comment_keeps_its_status(serve: Serve) -> None:
    live = await serve(
        behavior={"first_token_seconds": HOUR}, first_token_timeout_seconds=0.1, stream_keepalive_seconds=5
    )
    error_of(await live.http.post(CHAT, json=stream(CHAT)), 504, "timeout")


@pytest.mark.parametrize(("route", "seconds"), [("/generate", 0.1), (CHAT, 0)])
async def test_without_comments_a_failure_keeps_its_status_whenever_it_comes(
    serve: Serve, route: str, seconds: float
) -> None:
    live = await serve(
        behavior={"first_token_seconds": HOUR},
        first_token_timeout_seconds=0.5,
        stream_keepalive_seconds=seconds,
    )
    error_of(await live.http.post(route, json=stream(route)), 504, "timeout")


async def test_a_whole_answer_gets_no_comments(serve: Serve) -> None:
    live = await serve(behavior=SLOW, stream_keepalive_seconds=0.1)
    assert (await live.http.post(CHAT, json=BODIES[CHAT])).json()["choices"][0]["finish_reason"] == "stop"


async def test_the_headers_of_a_stream_tell_the_times_until_its_first_token(serve: Serve) -> None:
    live = await serve(behavior={"tokens": 3, "first_token_seconds": 0.1})
    response = await live.http.post(CHAT, json=stream(CHAT))
    *_, last, _, _ = response.text.split("\n\n")
    timings = json.loads(last.removeprefix("data: "))["timings"]
    queue, first = (1000 * timings[f"{name}_seconds"] for name in ("queue", "time_to_first_token"))
    assert response.headers["server-timing"] == f"queue;dur={queue:.1f}, first-token;dur={first:.1f}"
