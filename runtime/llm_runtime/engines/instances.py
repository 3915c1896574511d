"""Instances of a JSON schema (2020-12), made up but valid: what the simulated model answers to `format`."""

import random
from typing import Any, Final

from llm_runtime.engines import scalars
from llm_runtime.engines.scalars import Schema, SchemaError, check_size

UNSUPPORTED: Final = (
    "contains", "dependentRequired", "dependentSchemas", "else", "if", "not", "patternProperties",
    "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
MALFORMED: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
TYPES: Final = ("object", "array", "string", "integer", "number", "boolean", "null")
# Below this depth only what the schema requires is generated, so that recursive schemas end.
ROOMY_DEPTH: Final = 3
GREATEST_DEPTH: Final = 32


class Instances:
    """Generates instances of one schema; the same seed repeats them."""

    def __init__(self, schema: Schema, seed: str) -> None:
        self._root = schema
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def generate(self) -> Any:
        """Return the next instance.

        Raises:
            SchemaError: There is none that this generator can make.
        """
        try:
            return self._value(self._root, 0)
        except (
            AttributeError,
            IndexError,
            RecursionError,
            TypeError,
            ValueError,
            ZeroDivisionError,
        ) as error:
            raise SchemaError(f"the schema is malformed: {error}") from error

    def _value(self, schema: Schema | bool, depth: int) -> Any:
        if depth > GREATEST_DEPTH:
            raise SchemaError("the schema has no instance of finite depth")
        schema = self._flat(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._alternative(schema, keyword, depth)
        kind = _type(schema)
        if kind not in TYPES:
            raise SchemaError(f"unknown type {kind!r}")
        return getattr(self, f"_{kind}")(schema, depth)

    def _flat(self, schema: Schema | bool) -> Schema:
        """Resolve references, and merge allOf into one schema."""
        if schema is True:
            return {}
        if not isinstance(schema, dict):
            raise SchemaError(f"no value is valid for the schema {schema!r}")
        if keyword := next((keyword for keyword in UNSUPPORTED if keyword in schema), None):
            raise SchemaError(f"the simulated engine does not support the keyword {keyword!r}")
        parts = [dict(schema)]
        if reference := parts[0].pop("$ref", None):
            parts.append(self._flat(self._resolve(reference)))
        parts += [self._flat(part) for part in parts[0].pop("allOf", ())]
        merged: Schema = {}
        for part in parts:
            nested = {
                "properties": merged.get("properties", {}) | part.get("properties", {}),
                "required": [*merged.get("required", ()), *part.get("required", ())],
            }
            merged |= part | {name: value for name, value in nested.items() if value}
        return merged

    def _resolve(self, reference: str) -> Any:
        target: Any = self._root
        try:
            for part in reference.removeprefix("#").split("/")[1:]:
                target = target[part.replace("~1", "/").replace("~0", "~")]
        except (KeyError, TypeError):
            target = None
        if not reference.startswith("#") or target is None:
            raise SchemaError(f"cannot resolve the reference {reference!r}")
        return target

    def _alternative(self, schema: Schema, keyword: str, depth: int) -> Any:
        rest = {name: value for name, value in schema.items() if name != keyword}
        options = list(schema[keyword])
        if depth < ROOMY_DEPTH:
            self._random.shuffle(options)
        else:  # those without nested schemas first
            options.sort(key=lambda option: str(option).count("{") + str(option).count("$ref"))
        problem = SchemaError(f"{keyword} is empty")
        for option in options:
            try:
                return self._value({"allOf": [rest, option]}, depth + 1)
            except SchemaError as error:
                problem = error
        raise problem

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties: dict[str, Any] = schema.get("properties", {})
        required = schema.get("required", [])
        names = [name for name in properties if depth < ROOMY_DEPTH or name in required]
        made = {name: self._value(properties[name], depth + 1) for name in names}
        others = schema.get("additionalProperties", True)
        least = schema.get("minProperties", 0)
        check_size(least)
        more = [name for name in required if name not in made]
        more += [f"property{number}" for number in range(least - len(made) - len(more))]
        return made | {name: self._value(others, depth + 1) for name in more}

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        least, most = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
        check_size(least)
        count = min(most, max(least, len(first), 2 if depth < ROOMY_DEPTH else 0))
        if schema.get("items") is False:
            count = min(count, len(first))
        items = [*first, *[schema.get("items", True)] * max(0, int(count) - len(first))][: int(count)]
        made: list[Any] = []
        for item in items:
            value = self._value(item, depth + 1)
            for _ in range(100 if schema.get("uniqueItems") else 0):
                if value not in made:
                    break
                value = self._value(item, depth + 1)
            if schema.get("uniqueItems") and value in made:
                break
            made.append(value)
        if len(made) < least:
            raise SchemaError(f"cannot make {least} different items")
        return made

    def _string(self, schema: Schema, depth: int) -> str:
        return scalars.text(schema, self._random)

    def _integer(self, schema: Schema, depth: int) -> int:
        return int(scalars.number({"multipleOf": 1} | schema, self._random))

    def _number(self, schema: Schema, depth: int) -> float:
        return scalars.number(schema, self._random)

    def _boolean(self, schema: Schema, depth: int) -> bool:
        return self._random.random() < 0.5

    def _null(self, schema: Schema, depth: int) -> None:
        return None


def _type(schema: Schema) -> str:
    """Return the type to generate; where the schema allows several, the first that is not null."""
    named = schema.get("type")
    if isinstance(named, list):
        return str(next((name for name in named if name != "null"), "null"))
    if named is not None:
        return str(named)
    hints = {"object": ("properties", "required", "additionalProperties"), "array": ("items", "prefixItems")}
    hints["number"] = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    return next((name for name, keys in hints.items() if any(key in schema for key in keys)), "string")
