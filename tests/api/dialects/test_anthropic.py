"""POST /v1/messages: what the runtime is sent for a request, and whole answers."""

from typing import Any

import pytest

from tests.api.support.anthropic import IMAGE, PNG, WEATHER, answer_to, send, sent_to_the_runtime, text, user
from tests.api.support.in_process import MODEL, Open
from tests.api.support.requests import DONE


async def test_an_answer_is_a_message(open_gateway: Open) -> None:
    answer = await answer_to(await open_gateway(), {"content": "Hello."})
    assert answer.pop("id").startswith("msg_")
    assert answer == {
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": "Hello.", "citations": None}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {
            "input_tokens": 7,
            "output_tokens": 2,
            "output_tokens_details": None,
            "cache_creation": None,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "inference_geo": None,
            "server_tool_use": None,
            "service_tier": "standard",
        },
    }


async def test_an_answer_has_thinking_then_text_then_calls(open_gateway: Open) -> None:
    calls = [{"id": "call 1", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}]
    message = {"thinking": "Hm.", "content": "Let me see.", "tool_calls": calls}
    answer = await answer_to(await open_gateway(), message, tools=[WEATHER])
    assert answer["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "unsigned"},
        {"type": "text", "text": "Let me see.", "citations": None},
        {
            "type": "tool_use",
            "id": "call_1",
            "name": "get_weather",
            "input": {"city": "Oslo"},
            "caller": {"type": "direct"},
        },
    ]
    assert answer["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("done_reason", "stop_reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("load", "end_turn"), ("unload", "end_turn")],
)
async def test_each_reason_of_the_runtime_is_one_of_anthropics(
    open_gateway: Open, done_reason: str, stop_reason: str
) -> None:
    app = await open_gateway()
    answer = await answer_to(app, {"content": "Hello."}, DONE | {"done_reason": done_reason})
    assert answer["stop_reason"] == stop_reason


async def test_the_answer_has_the_name_that_was_asked_for(open_gateway: Open) -> None:
    app = await open_gateway(model_aliases=f"claude-*={MODEL}")
    assert (await answer_to(app, {"content": "x"}, model="claude-sonnet-4-5"))["model"] == "claude-sonnet-4-5"


async def test_options_reach_the_runtime(open_gateway: Open) -> None:
    body = await sent_to_the_runtime(
        await open_gateway(), temperature=0.5, top_p=0.25, top_k=7, stop_sequences=["END"], max_tokens=5
    )
    assert body["options"] == {
        "temperature": 0.5,
        "top_p": 0.25,
        "top_k": 7,
        "stop": ["END"],
        "num_predict": 5,
    }
    assert (body["model"], body["stream"], body["think"]) == (MODEL, False, False)


async def test_more_tokens_than_allowed_are_as_many_as_allowed(open_gateway: Open) -> None:
    body = await sent_to_the_runtime(await open_gateway(max_output_tokens=20), max_tokens=64_000)
    assert body["options"]["num_predict"] == 20


@pytest.mark.parametrize("system", ["Be brief.", [text("Be "), text("brief.") | {"cache_control": {}}]])
async def test_a_system_prompt_is_the_first_message(open_gateway: Open, system: Any) -> None:
    body = await sent_to_the_runtime(await open_gateway(), system=system)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


async def test_content_blocks_become_text_and_images(open_gateway: Open) -> None:
    body = await sent_to_the_runtime(
        await open_gateway(), messages=[user(text("What "), IMAGE, text("is it?"))]
    )
    assert body["messages"] == [{"role": "user", "content": "What is it?", "images": [PNG]}]


@pytest.mark.parametrize(
    ("fields", "think"),
    [
        ({}, False),
        ({"thinking": {"type": "disabled"}}, False),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": {"effort": "low"}}, "low"),
        ({"thinking": {"type": "enabled"}, "output_config": {"effort": "max"}}, "high"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "between_tools"}}, None),
    ],
)
async def test_thinking_is_ollamas_think(open_gateway: Open, fields: dict[str, Any], think: Any) -> None:
    assert (await sent_to_the_runtime(await open_gateway(), **fields)).get("think") == think


async def test_omitted_thinking_is_an_empty_block(open_gateway: Open) -> None:
    thinking = {"type": "adaptive", "display": "omitted"}
    answer = await answer_to(await open_gateway(), {"thinking": "Hm.", "content": "Yes"}, thinking=thinking)
    assert answer["content"][0] == {"type": "thinking", "thinking": "", "signature": "unsigned"}


async def test_an_output_format_constrains_the_answer(open_gateway: Open) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    config = {"format": {"type": "json_schema", "schema": schema}}
    assert (await sent_to_the_runtime(await open_gateway(), output_config=config))["format"] == schema


async def test_the_tokens_of_a_prompt_are_counted_by_the_runtime(open_gateway: Open) -> None:
    app = await open_gateway()
    path = "/v1/messages/count_tokens"
    body = await sent_to_the_runtime(app, path, max_tokens=None, tools=[WEATHER], system="Be brief.")
    assert body["options"] == {"num_predict": 1}
    assert (body["truncate"], body["stream"], len(body["tools"])) == (False, False, 1)
    response = await send(app, path, max_tokens=None)
    assert response.json() == {"input_tokens": 7}
