"""The input of responses reaches the runtime as Ollama's messages."""

from typing import Any

import pytest

from tests.api.support.in_process import Open
from tests.api.support.responses import IMAGE, received

CALL = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city": "Paris"}'}
SENT_CALL = {"id": "call_1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Paris"}}}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "Sun"}
SENT_OUTPUT = {"role": "tool", "content": "Sun", "tool_call_id": "call_1", "tool_name": "weather"}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [],
    "content": [{"type": "reasoning_text", "text": "Hm."}],
}


def assistant(**fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": "", **fields}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("Hi", [{"role": "user", "content": "Hi"}]),
        ([{"role": "user", "content": "Hi"}], [{"role": "user", "content": "Hi"}]),
        ([{"type": "message", "role": "developer", "content": "Hi"}], [{"role": "system", "content": "Hi"}]),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "See "},
                        {"type": "input_image", "image_url": IMAGE, "detail": "auto"},
                    ],
                }
            ],
            [{"role": "user", "content": "See ", "images": ["eHh4"]}],
        ),
        (
            [{"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}],
            [assistant(content="No.")],
        ),
        (
            [
                {"role": "assistant", "phase": "commentary", "content": "A"},
                {"role": "assistant", "content": "B"},
            ],
            [assistant(content="A"), assistant(content="B")],
        ),
        ([THOUGHT], [assistant(thinking="Hm.")]),
        (
            [{"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Short."}]}],
            [assistant(thinking="Short.")],
        ),
        (
            [{"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "not encrypted: Hm."}],
            [assistant(thinking="Hm.")],
        ),
        (
            [{"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "gAAAAABo"}, CALL],
            [assistant(thinking="", tool_calls=[SENT_CALL])],
        ),
        (
            [THOUGHT, {"role": "assistant", "content": "Look:"}, CALL, OUTPUT],
            [assistant(thinking="Hm.", content="Look:", tool_calls=[SENT_CALL]), SENT_OUTPUT],
        ),
        (
            [CALL, {"role": "assistant", "content": "Wait."}, OUTPUT],
            [assistant(content="Wait.", tool_calls=[SENT_CALL]), SENT_OUTPUT],
        ),
        (
            [CALL, THOUGHT, CALL],
            [assistant(tool_calls=[SENT_CALL]), assistant(thinking="Hm.", tool_calls=[SENT_CALL])],
        ),
        (
            [{**OUTPUT, "name": "clock", "output": [{"type": "input_image", "image_url": IMAGE}]}],
            [SENT_OUTPUT | {"content": "", "tool_name": "clock", "images": ["eHh4"]}],
        ),
    ],
)
async def test_input_reaches_the_model_as_messages(open_gateway: Open, given: Any, sent: list[Any]) -> None:
    assert (await received(await open_gateway(), input=given))["messages"] == sent


async def test_several_calls_of_a_turn_are_one_message(open_gateway: Open) -> None:
    other = CALL | {"call_id": "call_2"}
    sent = (await received(await open_gateway(), input=[CALL, other]))["messages"]
    assert [call["id"] for call in sent[0]["tool_calls"]] == ["call_1", "call_2"]
    assert [call["function"]["index"] for call in sent[0]["tool_calls"]] == [0, 1]
