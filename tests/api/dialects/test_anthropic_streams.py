"""Streams of /v1/messages, and that a client can send back whatever it got."""

import itertools
import json
from typing import Any

from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st
from llm_api.record import Phases, Usage
from llm_api.upstream.chunk import Chunk, Finish, ToolCall, joined

from tests.api.support.anthropic import TIME, WEATHER, accumulated, events, parsed, send
from tests.api.support.fuzzing import fuzz_cases
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.requests import CHAT_LINES, DONE, HELLO, ndjson

CALL = {"id": "a", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}


async def stream_of(app: InProcess, *messages: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """Return the events when the runtime streams these messages."""
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion", "tools", "thinking"]})
    lines = [{"message": {"content": ""} | message, "done": False} for message in messages]
    app.runtime.post("/api/chat").respond(text=ndjson(*lines, {"message": {"content": ""}, **DONE}))
    response = await send(app, stream=True, **fields)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return events(response)


def outline(stream: list[dict[str, Any]]) -> list[str]:
    """Return what each event of a stream between its first two and its last two does."""
    words = []
    for event in stream[2:-2]:
        kind, index = event["type"].removeprefix("content_block_"), event["index"]
        what = {"start": event.get("content_block"), "delta": event.get("delta")}.get(kind)
        words.append(f"{kind} {index}" + (f" {what['type']}" if what else ""))
    return words


async def test_a_stream_is_the_documented_sequence_of_events(open_gateway: Open) -> None:
    stream = await stream_of(await open_gateway(), {"content": "Hel"}, {"content": "lo."})
    start, *rest = stream
    message = start.pop("message")
    assert start == {"type": "message_start"}
    assert message.pop("id").startswith("msg_")
    assert (message["model"], message["content"], message["stop_reason"]) == (MODEL, [], None)
    block = {"type": "text", "text": "", "citations": None}
    usage = rest[-2].pop("usage")
    assert (usage["input_tokens"], usage["output_tokens"]) == (7, 2)
    assert rest == [
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}},
        {"type": "message_stop"},
    ]


async def test_each_kind_of_output_is_a_block_of_its_own(open_gateway: Open) -> None:
    stream = await stream_of(
        await open_gateway(),
        {"thinking": "H"},
        {"thinking": "m", "content": "Look:"},
        {"tool_calls": [CALL, CALL]},
        {"content": "Done."},
        tools=[WEATHER],
    )
    assert outline(stream) == [
        "start 0 thinking",
        "delta 0 thinking_delta",
        "delta 0 thinking_delta",
        "delta 0 signature_delta",
        "stop 0",
        "start 1 text",
        "delta 1 text_delta",
        "stop 1",
        "start 2 tool_use",
        "delta 2 input_json_delta",
        "stop 2",
        "start 3 tool_use",
        "delta 3 input_json_delta",
        "stop 3",
        "start 4 text",
        "delta 4 text_delta",
        "stop 4",
    ]
    assert stream[-2]["delta"]["stop_reason"] == "tool_use"


async def test_a_demanded_call_is_streamed_as_it_is_written(open_gateway: Open) -> None:
    stream = await stream_of(
        await open_gateway(),
        {"content": '{"ci'},
        {"content": 'ty": "Oslo"}'},
        tools=[WEATHER],
        tool_choice={"type": "any"},
    )
    pieces = [event["delta"]["partial_json"] for event in stream if event["type"] == "content_block_delta"]
    assert pieces == ['{"ci', 'ty": "Oslo"}']


async def test_omitted_thinking_is_streamed_as_an_empty_block(open_gateway: Open) -> None:
    thinking = {"type": "adaptive", "display": "omitted"}
    stream = await stream_of(await open_gateway(), {"thinking": "H"}, {"content": "Yes"}, thinking=thinking)
    assert outline(stream)[:3] == ["start 0 thinking", "delta 0 signature_delta", "stop 0"]


async def test_an_error_during_a_stream_is_its_last_event(open_gateway: Open) -> None:
    app = await open_gateway()
    lines = ndjson(CHAT_LINES[0], {"error": "out of memory"}).rstrip("\n")
    app.runtime.post("/api/chat").respond(text=lines)
    response = await send(app, stream=True)
    assert events(response)[-1] == {
        "type": "error",
        "error": {"type": "api_error", "message": "the runtime failed: out of memory"},
        "request_id": response.headers["x-request-id"],
    }


TEXTS = st.text(max_size=4)
ARGUMENTS = st.dictionaries(TEXTS, st.none() | st.integers() | TEXTS, max_size=2)
CALLS = st.builds(ToolCall, st.text(min_size=1, max_size=4), st.text(min_size=1, max_size=4), ARGUMENTS)
CHOSEN = st.lists(
    st.builds(Chunk, text=TEXTS, thinking=TEXTS, tool_calls=st.lists(CALLS, max_size=2)), max_size=6
)


@st.composite
def demanded(draw: st.DrawFn) -> list[Chunk]:
    """Draw a call that a model wrote because it had to, perhaps not to its end."""
    text = json.dumps(draw(ARGUMENTS))
    if draw(st.booleans()):
        text = f'{{"name": "get_time", "arguments": {text}}}'
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), min_size=1, max_size=4)))
    pieces = [text[start:end] for start, end in itertools.pairwise([0, *cuts])]
    return [Chunk(thinking=draw(TEXTS)), *(Chunk(piece) for piece in pieces)]


AUTO = st.tuples(st.just({"type": "auto"}), CHOSEN)
DEMANDED = st.tuples(st.sampled_from([{"type": "any"}, {"type": "tool", "name": "get_time"}]), demanded())


@fuzz_cases(1)
@given(AUTO | DEMANDED, st.sampled_from(["stop", "length"]))
def test_whatever_is_answered_can_be_sent_back(answered: tuple[Any, list[Chunk]], reason: str) -> None:
    choice, chunks = answered
    fields = {"model": MODEL, "max_tokens": 9, "tools": [WEATHER, TIME], "tool_choice": choice}
    request = parsed(fields | {"messages": HELLO})
    finish = Finish(reason, Usage(7, 2), 0.0, 0.0)
    whole = request.answer_format("id", MODEL).whole(joined(chunks), finish, Phases())
    streamed = accumulated(request.answer_format("id", MODEL), chunks, finish)
    read = Message.model_validate(whole)
    for answer in (whole, read.to_dict(exclude_unset=False), streamed.to_dict()):
        turn = {"role": "assistant", "content": answer["content"]}
        assert parsed(fields | {"messages": [*HELLO, turn, *HELLO]})
    assert (streamed.stop_reason, streamed.usage) == (read.stop_reason, read.usage)
    for kind in ("tool_use", "text", "thinking"):
        assert contents(streamed, kind) == contents(read, kind)


def contents(message: Message, kind: str) -> Any:
    """Return what the blocks of one kind contain; a stream may have several of thinking and of text."""
    blocks: list[Any] = [block for block in message.content if block.type == kind]
    if kind == "tool_use":
        return [(block.name, block.input) for block in blocks]
    return "".join(getattr(block, kind) for block in blocks)
