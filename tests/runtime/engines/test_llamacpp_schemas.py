"""Answers that conform to a JSON schema, by the packaged model."""

import json
import os
from typing import Any

import jsonschema_rs
import pytest
from llm_runtime.engines.engine import EngineError
from llm_runtime.engines.llamacpp import LlamaCppEngine
from llm_runtime.runner import Runner

from tests.runtime.engines.packaged import CITY, THOUGHTS, ask, make, talk

pytestmark = pytest.mark.slow
CASES = int(os.environ.get("FORMAT_CASES", "6"))
"""Answers whose format is checked; each takes a second."""

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
    return make()


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
    "schema",
    [{"not": {}}, {"type": "nonsense"}, {"type": 5}, {"type": "string", "pattern": "(?=a)b"}],
    ids=str,
)
@pytest.mark.parametrize("think", [True, False])
async def test_a_schema_that_cannot_be_followed_is_refused(
    runner: Runner, schema: dict[str, Any], think: bool
) -> None:
    with pytest.raises(EngineError, match="invalid format") as caught:
        await ask(runner, messages=talk("Hello"), format=schema, think=think)
    assert caught.value.status == 400
