"""Tools, thinking, schemas and gaps with the packaged model, and a chat template that has them.

The model is too small to call a tool unasked: it repeats what the conversation has shown it.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from llm_runtime.app import make_engine
from llm_runtime.engines.engine import Chunk, EngineError, Finish, Job, joined
from llm_runtime.engines.llamacpp import LlamaCppEngine
from llm_runtime.runner import Runner
from llm_runtime.schemas import Message, Options, Tool
from llm_runtime.settings import Settings

from tests.waiting import within

pytestmark = pytest.mark.slow
TEMPLATE = Path(__file__).parent / "chatml.jinja"
CASES = int(os.environ.get("FORMAT_CASES", "6"))
"""Answers whose format is checked; each takes a second."""

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = Tool.model_validate(
    {"type": "function", "function": {"name": "get_weather", "description": "", "parameters": CITY}}
)
SCHEMAS: list[dict[str, Any]] = [
    CITY,
    {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "minItems": 1, "maxItems": 3},
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^[A-Z][a-z]{1,8}$"},
            "age": {"type": "integer", "minimum": 18, "maximum": 99},
            "born": {"type": "string", "format": "date"},
        },
        "required": ["name", "age", "born"],
        "additionalProperties": False,
    },
    {
        "anyOf": [
            {"const": "none"},
            {
                "type": "object",
                "properties": {"ok": {"type": "boolean"}},
                "required": ["ok"],
                "additionalProperties": False,
            },
        ]
    },
    # A tool call that a client forces: what the gateway makes of `tool_choice: required`.
    {
        "type": "object",
        "properties": {"name": {"const": "get_weather"}, "arguments": CITY},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    },
]


@pytest.fixture(scope="module")
def engine() -> LlamaCppEngine:
    engine = make_engine(Settings(context_length=1024, threads=1, chat_template_path=TEMPLATE))
    assert isinstance(engine, LlamaCppEngine)
    return engine


async def ask(runner: Runner, tokens: int = 40, **parts: Any) -> tuple[Chunk, Finish]:
    chunks: list[Chunk] = []

    async def emit(chunk: Chunk) -> None:
        chunks.append(chunk)

    options = {"temperature": 0, "num_predict": tokens} | parts.pop("options", {})
    job = Job(Options.model_validate(options), **parts)
    result = await within("the answer", runner.run(job, emit), saw=lambda: chunks)
    return joined(chunks), result.outcome


def talk(*turns: str | Message) -> tuple[Message, ...]:
    """Return a conversation in which user and assistant take turns."""
    roles = ("user", "assistant")
    return tuple(
        turn if isinstance(turn, Message) else Message(role=roles[index % 2], content=turn)
        for index, turn in enumerate(turns)
    )


def call(city: str) -> Message:
    function = {"name": "get_weather", "arguments": {"city": city}}
    return Message.model_validate({"role": "assistant", "tool_calls": [{"id": city, "function": function}]})


CALLS = talk("Weather in Rome?", call("Rome"), "Weather in Oslo?", call("Oslo"), "Weather in Paris?")
SUMS = [f"It is {2 * number}." for number in (2, 3, 5)]
THOUGHTS = talk(
    *[
        turn
        for number, answer in zip((2, 3, 5), SUMS, strict=True)
        for turn in (
            f"{number}+{number}?",
            Message(role="assistant", content=answer, thinking=f"{number} and {number} is {2 * number}"),
        )
    ],
    "4+4?",
)


def test_the_template_of_the_settings_gives_the_capabilities(engine: LlamaCppEngine) -> None:
    assert engine.info.capabilities == ("completion", "tools", "thinking")
    assert engine.info.template == TEMPLATE.read_text()


async def test_a_tool_call_is_parsed_from_the_answer(runner: Runner) -> None:
    answer, finish = await ask(runner, messages=CALLS, tools=(WEATHER,))
    (made,) = answer.tool_calls
    assert (made.function.name, made.function.arguments) == ("get_weather", {"city": "Paris"})
    assert made.id
    assert (answer.text, finish.reason) == ("", "stop")


async def test_thinking_is_split_from_the_answer(runner: Runner) -> None:
    answer, _ = await ask(runner, messages=THOUGHTS)
    assert "4" in answer.thinking
    assert answer.text == "It is 8."


async def test_a_schema_is_followed_after_the_thinking(runner: Runner) -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    answer, _ = await ask(runner, messages=THOUGHTS, format=schema)
    assert "4" in answer.thinking
    jsonschema_rs.validate(schema, json.loads(answer.text))


@pytest.mark.timeout(60 + 10 * CASES)
async def test_every_answer_that_is_not_cut_off_conforms_to_its_schema(runner: Runner) -> None:
    for case in range(CASES):
        schema = SCHEMAS[case % len(SCHEMAS)]
        messages = talk("Make something up. The weather in Paris is fine.")
        options = {"seed": case, "temperature": 1.0}
        answer, finish = await ask(
            runner, 100, messages=messages, format=schema, think=False, options=options
        )
        assert finish.reason == "stop", answer.text
        jsonschema_rs.validate(schema, json.loads(answer.text))


async def test_the_limit_cuts_json_off_and_says_so(runner: Runner) -> None:
    answer, finish = await ask(runner, 3, messages=talk("Hello"), format=SCHEMAS[2], think=False)
    assert answer.text.startswith('{"name":')
    assert (finish.reason, finish.generated_tokens) == ("length", 3)


@pytest.mark.parametrize(
    "schema", [{"not": {}}, {"type": "nonsense"}, {"type": "string", "pattern": "(?=a)b"}], ids=str
)
@pytest.mark.parametrize("think", [True, False])
async def test_a_schema_that_cannot_be_followed_is_refused(
    runner: Runner, schema: dict[str, Any], think: bool
) -> None:
    with pytest.raises(EngineError, match="invalid format") as caught:
        await ask(runner, messages=talk("Hello"), format=schema, think=think)
    assert caught.value.status == 400


async def test_what_llama_cpp_cannot_combine_is_refused(runner: Runner) -> None:
    with pytest.raises(EngineError, match="logprobs is not supported with tools") as caught:
        await ask(runner, messages=talk("Hello"), tools=(WEATHER,), logprobs=0)
    assert caught.value.status == 400


async def test_llama_cpp_takes_a_prompt_of_tokens_and_text(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.engine, "_fill_tokens", (3, 4, 5))
    _, plain = await ask(runner, 1, prompt="def f(return 1")
    _, gap = await ask(runner, 1, prompt="def f(", suffix="return 1")
    assert gap.prompt_tokens == plain.prompt_tokens + 3


async def test_a_client_that_leaves_during_a_tool_call_frees_the_model(runner: Runner) -> None:
    generated = asyncio.Event()

    async def emit(chunk: Chunk) -> None:
        generated.set()

    job = Job(Options(temperature=0), messages=CALLS, tools=(WEATHER,))
    task = asyncio.create_task(runner.run(job, emit))
    await within("the first part of the call", generated.wait())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within("the cancelled job", task)
    assert [entry.phase for entry in runner.record] == ["decode"]
