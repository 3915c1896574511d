"""Messages of chat completions reach the runtime as Ollama's, and every answer may be sent back as one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.api.support.answers import LINES
from tests.api.support.fuzzing import fuzz_cases
from tests.api.support.in_process import InProcess, Open
from tests.api.support.requests import DONE, HELLO, chat, ndjson

IMAGE = "data:image/png;base64,eHh4"
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
SENT_CALL = {"id": "call_1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Paris"}}}


async def received(app: InProcess, *messages: Any) -> list[dict[str, Any]]:
    """Return a conversation as it reaches the runtime."""
    route = app.runtime.post("/api/chat").respond(json={"message": {"content": "Hi"}, **DONE})
    response = await chat(app, messages=messages)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = json.loads(route.calls.last.request.content)["messages"]
    return found


def assistant(**fields: Any) -> dict[str, Any]:
    return {"role": "assistant", **fields}


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See "},
                    {"type": "image_url", "image_url": {"url": IMAGE}},
                ],
            },
            {"role": "user", "content": "See ", "images": ["eHh4"]},
        ),
        (assistant(content=None, tool_calls=[CALL]), assistant(content="", tool_calls=[SENT_CALL])),
        (assistant(content="Hi", refusal=None, audio=None, function_call=None), assistant(content="Hi")),
        (assistant(content="Hi", annotations=[], tool_calls=None), assistant(content="Hi")),
        (assistant(content=None, refusal="No."), assistant(content="No.")),
        (assistant(content=[{"type": "refusal", "refusal": "No."}]), assistant(content="No.")),
        (assistant(content="Hi", reasoning="Hm."), assistant(content="Hi", thinking="Hm.")),
        (assistant(), assistant(content="")),
    ],
)
async def test_a_message_is_translated(
    open_gateway: Open, message: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert await received(await open_gateway(), message) == [sent]


async def test_the_result_of_a_call_names_its_tool(open_gateway: Open) -> None:
    result = {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "Sun"}]}
    _, sent = await received(await open_gateway(), assistant(tool_calls=[CALL]), result)
    assert sent == {"role": "tool", "content": "Sun", "tool_call_id": "call_1", "tool_name": "weather"}
    (sent,) = await received(await open_gateway(), result | {"name": "w"})
    assert sent["tool_name"] == "w"
    (sent,) = await received(await open_gateway(), result)
    assert "tool_name" not in sent


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ("", {}),
        ("null", {}),
        ("{}", {}),
        ('{"a": 1}', {"a": 1}),
        ("[1]", {"arguments": [1]}),
        ('{"a": "cut o', {"arguments": '{"a": "cut o'}),
        ("[" * 100_000, {"arguments": "[" * 100_000}),
    ],
)
async def test_any_arguments_reach_the_runtime_as_an_object(
    open_gateway: Open, arguments: str, sent: dict[str, Any]
) -> None:
    app = await open_gateway(max_prompt_chars=10**6)
    call = CALL | {"function": {"name": "weather", "arguments": arguments}}
    (message,) = await received(app, assistant(tool_calls=[call]))
    assert message["tool_calls"][0]["function"]["arguments"] == sent


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    return await open_gateway()


@fuzz_cases(0.3)
@given(
    st.lists(LINES, min_size=1, max_size=3),
    st.sampled_from(["stop", "length", "load"]),
    st.sampled_from(
        [{}, {"tool_choice": "required"}, {"tool_choice": "none"}, {"parallel_tool_calls": False}]
    ),
)
async def test_every_answer_is_a_valid_message_of_the_next_request(
    app: InProcess, lines: list[Any], reason: str, fields: dict[str, Any]
) -> None:
    """Plain, as the official client reads it, and as it collects it from a stream."""
    tools = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
    route = app.runtime.post("/api/chat")
    end = {"message": {"content": ""}, **DONE, "done_reason": reason}
    route.respond(text=ndjson(*lines, end))
    plain = (await chat(app, tools=tools, **fields)).json()
    *events, done, _ = (await chat(app, tools=tools, **fields, stream=True)).text.split("\n\n")
    assert done == "data: [DONE]"
    state: Any = ChatCompletionStreamState()
    for event in events:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(event.removeprefix("data: "), strict=True))
    read = ChatCompletion.model_validate(plain, strict=True).choices[0].message
    collected = state.current_completion_snapshot.choices[0].message
    assert (collected.content or "", collected.tool_calls and len(collected.tool_calls)) == (
        read.content or "",
        read.tool_calls and len(read.tool_calls),
    )
    for message in (
        plain["choices"][0]["message"],
        read.model_dump(),
        read.model_dump(exclude_none=True),
        collected.model_dump(),
    ):
        response = await chat(app, messages=[*HELLO, json.loads(json.dumps(message)), *HELLO])
        assert response.status_code == 200, response.text
