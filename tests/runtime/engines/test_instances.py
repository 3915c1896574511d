"""Made-up instances of JSON schemas, checked by a validator that is not ours."""

import random
import re
from typing import Any

import jsonschema_rs
import pytest
from llm_runtime.engines.instances import Instances
from llm_runtime.engines.patterns import PatternError, sample
from llm_runtime.engines.scalars import SchemaError

CHANCE = random.Random(1)  # noqa: S311 - no secret
TREE: dict[str, Any] = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                "parent": {"$ref": "#/$defs/Node"},
            },
            "required": ["value", "next", "children"],
            "additionalProperties": False,
        }
    },
}
SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "object"},
    {"type": "object", "minProperties": 2},
    {"type": "object", "required": ["one"], "minProperties": 3},
    {"type": "object", "required": ["other"], "additionalProperties": {"type": "integer"}},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}], "items": False},
    {"type": "array", "items": {"type": "boolean"}, "maxItems": 1},
    {"type": "string", "minLength": 30, "maxLength": 31},
    {"type": "string", "pattern": r"^\d{3}-[A-Z]{2,4}(foo|bar)?[^a-z]\w+\s.$"},
    *[{"type": "string", "format": name} for name in ("date-time", "date", "email", "uuid", "uri", "ipv4")],
    {"type": ["null", "string"]},
    {"type": "null"},
    {"const": {"a": [1]}},
    {"type": "integer", "minimum": 3, "maximum": 5},
    {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    {"type": "integer", "maximum": -7},
    {"type": "integer", "multipleOf": 7, "minimum": 20},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.1},
    {"minimum": 2.5},
    {"oneOf": [{"type": "integer"}, {"type": "string"}], "description": "either"},
    {"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {
        "allOf": [
            {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
        ]
    },
    TREE,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_every_instance_is_valid(schema: dict[str, Any]) -> None:
    for seed in range(30):
        jsonschema_rs.validate(schema, Instances(schema, str(seed)).generate())


def test_the_same_seed_gives_the_same_instance_and_another_seed_may_not() -> None:
    made = [Instances(TREE, seed).generate() for seed in ("1", "1", "2")]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"not": {"type": "string"}}, "keyword 'not'"),
        ({"properties": {"a": False}}, "no value is valid"),
        ({"$ref": "#/$defs/missing"}, "cannot resolve the reference"),
        ({"$ref": "https://example.com/schema"}, "cannot resolve the reference"),
        ({"type": "nonsense"}, "unknown type 'nonsense'"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "no number"),
        ({"type": "array", "items": {"const": 1}, "uniqueItems": True, "minItems": 2}, "2 different items"),
        ({"type": "string", "pattern": "(a)\\1"}, "cannot match the pattern"),
        ({"properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "finite depth"),
        ({"$ref": "#"}, "malformed"),
        ({"enum": []}, "malformed"),
        ({"properties": 5}, "malformed"),
        ({"type": "resolve"}, "unknown type 'resolve'"),
        ({"type": "array", "minItems": 10**9}, "nothing longer than"),
        ({"type": "string", "minLength": 10**9}, "nothing longer than"),
        ({"type": "object", "minProperties": 10**9}, "nothing longer than"),
        ({"type": "string", "pattern": "a{100000}"}, "1000 repetitions"),
    ],
    ids=str,
)
def test_a_schema_that_no_instance_can_be_made_for_is_an_error(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        Instances(schema, "").generate()


@pytest.mark.parametrize("pattern", ["", "a|b|c", "[^-x]{4}", r"(\d+\.)?\d{2}", "x*?y+", "[à-ü]", "^$"])
def test_a_sample_matches_its_pattern(pattern: str) -> None:
    for _ in range(20):
        assert re.fullmatch(pattern, sample(pattern, CHANCE))


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", r"\ba", "[^\\W\\w]"])
def test_a_pattern_that_cannot_be_sampled_is_an_error(pattern: str) -> None:
    with pytest.raises(PatternError):
        sample(pattern, CHANCE)
