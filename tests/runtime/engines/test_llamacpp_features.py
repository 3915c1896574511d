"""Tools, thinking and gaps with the packaged model, and a chat template that has them."""

import asyncio

import pytest
from llm_runtime.engines.engine import Chunk, EngineError, Job
from llm_runtime.engines.llamacpp import LlamaCppEngine
from llm_runtime.runner import Runner
from llm_runtime.schemas import Message, Options, Tool

from tests.runtime.engines.packaged import CITY, TEMPLATE, THOUGHTS, ask, make, talk
from tests.waiting import within

pytestmark = pytest.mark.slow
WEATHER = Tool.model_validate(
    {"type": "function", "function": {"name": "get_weather", "description": "", "parameters": CITY}}
)


@pytest.fixture(scope="module")
def engine() -> LlamaCppEngine:
    return make()


def call(city: str) -> Message:
    function = {"name": "get_weather", "arguments": {"city": city}}
    return Message.model_validate({"role": "assistant", "tool_calls": [{"id": city, "function": function}]})


CALLS = talk("Weather in Rome?", call("Rome"), "Weather in Oslo?", call("Oslo"), "Weather in Paris?")


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
