"""What the simulated model says."""

import json
from typing import Any

import pytest
from llm_runtime.engines.behavior import Behavior
from llm_runtime.engines.engine import EngineError, Job
from llm_runtime.engines.script import PASSAGE, logprob, write
from llm_runtime.schemas import Message, Options, Tool

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
THINKER = Behavior(capabilities=("completion", "thinking"), thinking_tokens=5, tokens=8)


def tool(name: str) -> Tool:
    return Tool.model_validate({"type": "function", "function": {"name": name, "parameters": SCHEMA}})


def ask(text: str, *names: str, role: str = "user", **parts: Any) -> Job:
    tools = tuple(tool(name) for name in names)
    return Job(Options(), messages=(Message(role=role, content=text),), tools=tools, **parts)


def called(job: Job) -> list[str]:
    return [call.function.name for call in write(job, Behavior()).calls]


@pytest.mark.parametrize(
    ("text", "names", "calls"),
    [
        ("What is the weather in Paris?", ["get_weather", "get_time"], ["get_weather"]),
        ("Get the time and the weather.", ["get_weather", "get_time"], ["get_weather", "get_time"]),
        ("ADD 2 and 3", ["add"], ["add"]),
        ("Look up my orders", ["searchOrders"], ["searchOrders"]),
        ("Get me a coffee", ["get_weather"], []),
        ("Hello", ["get_weather"], []),
        ("What is the weather?", [], []),
    ],
)
def test_a_message_calls_the_tools_that_it_mentions(text: str, names: list[str], calls: list[str]) -> None:
    assert called(ask(text, *names)) == calls


@pytest.mark.parametrize("role", ["tool", "assistant", "system"])
def test_only_a_users_message_calls_a_tool(role: str) -> None:
    assert called(ask("The weather is fine.", "get_weather", role=role)) == []


def test_a_call_has_arguments_for_its_parameters_and_an_id_of_its_own() -> None:
    script = write(ask("weather and time", "get_weather", "get_time"), Behavior())
    assert [call.function.index for call in script.calls] == [0, 1]
    assert all(isinstance(call.function.arguments["city"], str) for call in script.calls)
    assert len({call.id for call in script.calls}) == 2
    assert script.calls == write(ask("weather and time", "get_weather", "get_time"), Behavior()).calls


def test_a_schema_or_json_as_format_gives_json() -> None:
    answer = json.loads("".join(write(ask("Hello", format=SCHEMA), Behavior(tokens=1)).tokens))
    assert list(answer) == ["city"]
    assert isinstance(json.loads("".join(write(ask("Hello", format="json"), Behavior()).tokens)), dict)


def test_a_schema_that_is_not_supported_is_refused() -> None:
    with pytest.raises(EngineError, match=r"invalid schema: .*'not'") as caught:
        write(ask("Hello", format={"not": {}}), Behavior())
    assert caught.value.status == 400


@pytest.mark.parametrize(("think", "thinking"), [(None, 5), (True, 5), ("high", 5), (False, 0)])
def test_a_model_that_can_think_does_unless_told_otherwise(think: bool | str | None, thinking: int) -> None:
    script = write(ask("Hello", think=think), THINKER)
    assert (script.thinking, len(script.tokens)) == (thinking, thinking + 8)


def test_a_raw_prompt_and_a_model_that_cannot_think_have_no_thinking() -> None:
    assert write(Job(Options(), prompt="Hello"), THINKER).thinking == 0
    assert write(ask("Hello"), Behavior()).thinking == 0


def test_the_suffix_and_the_prompt_determine_the_words() -> None:
    jobs = [Job(Options(), prompt="def f(", suffix=suffix) for suffix in ("", "a", "b")]
    assert len({"".join(write(job, Behavior()).tokens) for job in jobs}) == 3


@pytest.mark.parametrize("count", [0, 1, 5, 20])
def test_alternatives_are_different_tokens_in_order_of_probability(count: int) -> None:
    entry = logprob(PASSAGE[3], count)
    assert len({other.token for other in entry.top}) == len(entry.top) == count
    probabilities = [other.logprob for other in entry.top]
    assert probabilities == sorted(probabilities, reverse=True)
    assert not entry.top or entry.top[0].token == entry.token
