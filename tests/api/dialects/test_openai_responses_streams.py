"""The events of a response, and what the official client makes of them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.support.in_process import Open
from tests.api.support.live import Serve
from tests.api.support.requests import BODIES, CHAT_LINES, ndjson
from tests.api.support.responses import WEATHER, events, respond, streamed

PATH = "/v1/responses"
START = ["response.created", "response.in_progress"]
MESSAGE = [
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
]
CALL = [
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
]
THOUGHT = {"message": {"content": "", "thinking": "Hm."}}
CALLED = {
    "message": {"content": "", "tool_calls": [{"function": {"name": "weather", "arguments": {"a": 1}}}]}
}


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in found]


async def test_a_text_is_an_item_with_one_part(open_gateway: Open) -> None:
    found = await streamed(await open_gateway(), *CHAT_LINES)
    assert kinds(found) == [*START, *MESSAGE, "response.completed"]
    assert found[0]["response"]["status"] == "in_progress"
    assert found[0]["response"]["output"] == []
    assert [event["delta"] for event in found if "delta" in event] == ["Hel", "lo."]
    assert (found[2]["item"]["content"], found[3]["part"]["text"]) == ([], "")
    end = found[-1]["response"]
    assert (end["status"], end["output"]) == ("completed", [found[-2]["item"]])
    assert end["output"][0]["content"][0]["text"] == found[-4]["text"] == "Hello."
    assert end["usage"]["total_tokens"] == 9
    assert end["timings"]["total_seconds"] > 0


@pytest.mark.parametrize("fields", [{}, {"reasoning": {"summary": "auto"}}])
async def test_thinking_is_an_item_before_the_text(open_gateway: Open, fields: dict[str, Any]) -> None:
    include = ["reasoning.encrypted_content"]
    found = await streamed(await open_gateway(), THOUGHT, *CHAT_LINES, include=include, **fields)
    assert kinds(found)[2:8] == [
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
    ]
    assert kinds(found)[8:-1] == MESSAGE
    item = found[7]["item"]
    assert [one["text"] for one in item["summary"]] == ["Hm."]
    assert (item["type"], item["encrypted_content"]) == ("reasoning", "not encrypted: Hm.")
    assert found[4]["summary_index"] == 0
    assert found[-1]["response"]["usage"]["output_tokens_details"]["reasoning_tokens"] == 1


async def test_each_call_is_an_item(open_gateway: Open) -> None:
    found = await streamed(await open_gateway(), CALLED, CALLED, CHAT_LINES[-1], tools=[WEATHER])
    assert kinds(found) == [*START, *CALL, *CALL, "response.completed"]
    first, second = found[-1]["response"]["output"]
    assert (first["name"], first["arguments"], first["status"]) == ("weather", '{"a": 1}', "completed")
    assert [event["output_index"] for event in found[2:-1]] == [0] * 4 + [1] * 4
    assert first["id"] != second["id"]
    assert first["call_id"] != second["call_id"]


async def test_an_answer_that_is_cut_off_is_incomplete(open_gateway: Open) -> None:
    end = CHAT_LINES[-1] | {"done_reason": "length"}
    found = await streamed(await open_gateway(), *CHAT_LINES[:-1], end)
    assert found[-1]["type"] == "response.incomplete"
    response = found[-1]["response"]
    assert (response["status"], response["output"][0]["status"]) == ("incomplete", "incomplete")
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_an_empty_answer_is_an_empty_message(open_gateway: Open) -> None:
    found = await streamed(await open_gateway(), CHAT_LINES[-1])
    assert found[-1]["response"]["output"][0]["content"][0]["text"] == ""


async def test_a_failure_ends_the_stream_with_its_error_and_what_there_was(open_gateway: Open) -> None:
    app = await open_gateway()

    async def lines() -> AsyncIterator[bytes]:
        yield ndjson(CHAT_LINES[0]).encode()
        yield ndjson({"error": "out of memory"}).encode()

    app.runtime.post("/api/chat").mock(return_value=httpx.Response(200, content=lines()))
    found = events(await respond(app, stream=True))
    assert kinds(found)[-2:] == ["error", "response.failed"]
    assert (found[-2]["code"], found[-2]["message"]) == ("out_of_memory", "the runtime failed: out of memory")
    failed = found[-1]["response"]
    assert (failed["status"], failed["error"]["code"]) == ("failed", "server_error")
    assert failed["output"][0]["content"][0]["text"] == "Hel"


async def test_a_failure_after_a_comment_still_starts_with_a_response(serve: Serve) -> None:
    live = await serve(
        behavior={"first_token_seconds": 3600}, first_token_timeout_seconds=0.5, stream_keepalive_seconds=0.1
    )
    response = await live.http.post(PATH, json=BODIES[PATH] | {"stream": True})
    *_, created, _, error, failed, rest = response.text.split("\n\n")
    assert [created.split("\n")[0], error.split("\n")[0]] == ["event: response.created", "event: error"]
    assert '"code":"timeout"' in error
    assert (failed.split("\n")[0], rest) == ("event: response.failed", "")
