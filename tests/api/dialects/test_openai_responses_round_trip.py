"""Every answer of responses may be sent back as input."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent

from tests.api.support.answers import LINES
from tests.api.support.fuzzing import fuzz_cases
from tests.api.support.in_process import InProcess, Open
from tests.api.support.requests import DONE
from tests.api.support.responses import respond, streamed


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    return await open_gateway()


@fuzz_cases(0.3)
@given(
    st.lists(LINES, min_size=1, max_size=3),
    st.sampled_from(["stop", "length", "load"]),
    st.sampled_from(
        [
            {},
            {"tool_choice": "required"},
            {"tool_choice": "none", "reasoning": {"summary": "auto"}},
            {"parallel_tool_calls": False, "include": ["reasoning.encrypted_content"]},
        ]
    ),
)
async def test_every_answer_is_valid_input_of_the_next_request(
    app: InProcess, lines: list[Any], reason: str, fields: dict[str, Any]
) -> None:
    """Whole, as the official client reads it, and as it collects it from a stream."""
    tools = [{"type": "function", "name": name} for name in ("f", "g")]
    end = {"message": {"content": ""}, **DONE, "done_reason": reason}
    state: Any = ResponseStreamState(text_format=omit, input_tools=[])
    for event in await streamed(app, *lines, end, tools=tools, **fields):
        typed: Any = construct_type(type_=ResponseStreamEvent, value=event)
        state.handle_event(typed)
    collected = typed.response
    plain = (await respond(app, tools=tools, **fields)).json()
    assert collected.status == plain["status"] == ("incomplete" if reason == "length" else "completed")
    whole = Response.model_validate(plain)
    assert whole.output_text == collected.output_text
    for output in (
        plain["output"],
        [item.to_dict() for item in whole.output],
        [item.to_dict() for item in collected.output],
    ):
        response = await respond(app, input=output, tools=tools)
        assert response.status_code == 200, response.text
        assert "x-ignored-fields" not in response.headers
