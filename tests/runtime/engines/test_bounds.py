"""Numbers that end, in answers that conform to a JSON schema."""

import asyncio
import json
from typing import Any

import jsonschema_rs
import pytest
from llm_runtime.app import make_engine
from llm_runtime.engines.bounds import GREATEST, STEP, with_bounded_numbers
from llm_runtime.engines.engine import Chunk, Job, joined
from llm_runtime.engines.llamacpp import LlamaCppEngine
from llm_runtime.runner import Runner
from llm_runtime.schemas import Options
from llm_runtime.settings import Settings

from tests.waiting import within

NUMBER = {"minimum": -GREATEST, "maximum": GREATEST, "multipleOf": STEP}
INTEGER = {"minimum": -GREATEST, "maximum": GREATEST}


@pytest.mark.parametrize(
    ("schema", "added"),
    [
        ({"type": "number"}, NUMBER),
        ({"type": "integer"}, INTEGER),
        ({"type": ["number", "null"]}, NUMBER),
        ({"type": "number", "minimum": 0, "maximum": 1}, {"multipleOf": STEP}),
        ({"type": "integer", "exclusiveMinimum": 3}, {"minimum": 3, "maximum": GREATEST}),
        ({"type": "number", "multipleOf": 0.5}, INTEGER),
    ],
    ids=str,
)
def test_a_number_gets_the_bounds_that_it_lacks(schema: dict[str, Any], added: dict[str, Any]) -> None:
    assert with_bounded_numbers(schema) == schema | added


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"enum": [1, 2], "type": "integer"},
        {"const": 1e20, "type": "number"},
        {"type": "number", "minimum": 1e17},
        {"type": "number", "maximum": -1e17},
        {"type": "number", "minimum": 1e-10, "maximum": 2e-10},
        {"not": {"type": "number"}},
        {"type": 5},
        {"type": None},
        {"type": [["number"]]},
        {"type": {"number": 1}},
        {},
        True,
    ],
    ids=str,
)
def test_what_bounds_could_make_impossible_is_left_alone(schema: Any) -> None:
    assert with_bounded_numbers(schema) == schema


def test_numbers_are_bounded_wherever_a_schema_has_schemas() -> None:
    number, bounded = {"type": "number"}, {"type": "number"} | NUMBER
    for keyword in ("items", "additionalProperties"):
        assert with_bounded_numbers({keyword: number}) == {keyword: bounded}
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        assert with_bounded_numbers({keyword: [number, True]}) == {keyword: [bounded, True]}
    for keyword in ("properties", "patternProperties", "$defs", "definitions"):
        assert with_bounded_numbers({keyword: {"type": number}}) == {keyword: {"type": bounded}}


@pytest.fixture
def engine() -> LlamaCppEngine:
    engine = make_engine(Settings(context_length=1024, threads=1))
    assert isinstance(engine, LlamaCppEngine)
    return engine


@pytest.mark.slow
async def test_a_model_that_would_write_digits_for_ever_ends_its_number(
    engine: LlamaCppEngine, runner: Runner
) -> None:
    for kind in ("number", "integer"):
        schema = {"type": kind}
        grammar = engine._constraint(Job(Options(), prompt="Pi", format=schema), thinks=False)
        for digit in "019.":
            bias = [[token, 60 if token == digit else 50] for token in "019."]
            request = {"prompt": "Pi is", "max_tokens": 60, "temperature": 0, "logit_bias": bias}
            answer = await asyncio.to_thread(engine._server.handle_completions, request | grammar)
            choice = answer["choices"][0]
            assert choice["finish_reason"] == "stop", choice["text"]
            jsonschema_rs.validate(schema, json.loads(choice["text"]))


@pytest.mark.slow
async def test_a_schema_that_its_bounds_make_impossible_is_followed_as_it_was_given(runner: Runner) -> None:
    schema = {"type": "number", "anyOf": [{"minimum": 1e16}]}
    chunks: list[Chunk] = []

    async def emit(chunk: Chunk) -> None:
        chunks.append(chunk)

    job = Job(Options(num_predict=20, temperature=0), prompt="A big number:", format=schema)
    await within("the answer", runner.run(job, emit), saw=lambda: chunks)
    assert joined(chunks).text.strip().isdigit()
