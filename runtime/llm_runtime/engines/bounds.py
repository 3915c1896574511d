"""Bounds for the numbers of a JSON schema: without them, a small model writes digits until its limit."""

from typing import Any, Final

Schema = dict[str, Any]
GREATEST: Final = 10**15
"""All integers up to it are exact as floats; llama.cpp's own grammars end after 16 digits."""
STEP: Final = 1e-9
"""The distance of two numbers, which bounds the digits after the point."""
ONE: Final = ("additionalProperties", "items", "contains", "if", "then", "else")
SEVERAL: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
NAMED: Final = ("properties", "patternProperties", "$defs", "definitions")


def with_bounded_numbers(schema: Any) -> Any:
    """Return the schema with bounds wherever a number may be as long as it likes."""
    if not isinstance(schema, dict):
        return schema
    bounded = dict(schema)
    for keyword in ONE:
        if keyword in schema:
            bounded[keyword] = with_bounded_numbers(schema[keyword])
    for keyword in SEVERAL:
        if isinstance(schema.get(keyword), list):
            bounded[keyword] = [with_bounded_numbers(one) for one in schema[keyword]]
    for keyword in NAMED:
        if isinstance(schema.get(keyword), dict):
            bounded[keyword] = {name: with_bounded_numbers(one) for name, one in schema[keyword].items()}
    return bounded | _bounds(schema)


def _bounds(schema: Schema) -> Schema:
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if not ("number" in kinds or "integer" in kinds) or "enum" in schema or "const" in schema:
        return {}
    lower = max(_numbers(schema, "minimum", "exclusiveMinimum"), default=-GREATEST)
    upper = min(_numbers(schema, "maximum", "exclusiveMaximum"), default=GREATEST)
    if lower < -GREATEST or upper > GREATEST or upper - lower < 2 * STEP:  # no number may be left, or known
        return {}
    bounds: Schema = {"minimum": lower, "maximum": upper}
    if "number" in kinds:
        bounds["multipleOf"] = STEP
    return {keyword: value for keyword, value in bounds.items() if keyword not in schema}


def _numbers(schema: Schema, *keywords: str) -> list[float]:
    values = (schema.get(keyword) for keyword in keywords)
    return [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
