"""JSON Schema for Ollama, which understands less of it in tools than llama.cpp does in grammars."""

import json
from typing import Any

MAX_DEPTH = 64
MAX_VALUES = 2_000  # definitions that refer to others multiply
DEFINITIONS = ("$defs", "definitions")  # the second is the older name


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its definitions in place of the references to them.

    Ollama drops `$ref` from the parameters of tools, so the model would not see them. All stay if one is
    inside its own definition, or if the schema would become too large.
    """
    definitions = {
        f"#/{key}/{name}": definition
        for key in DEFINITIONS
        if isinstance(schema.get(key), dict)
        for name, definition in schema[key].items()
    }
    if not definitions:
        return schema
    values, stay = 0, False

    def resolve(value: Any, inside: tuple[str, ...], depth: int) -> Any:
        nonlocal values, stay
        values += 1
        if stay or values > MAX_VALUES:
            stay = True
            return value
        if isinstance(value, list):
            return [resolve(item, inside, depth + 1) for item in value]
        if not isinstance(value, dict) or depth > MAX_DEPTH:
            return value
        reference = value.get("$ref")
        if isinstance(reference, str) and reference in definitions:
            if reference in inside or len(inside) > 8:
                stay = True
                return value
            others = {key: item for key, item in value.items() if key != "$ref"}
            definition = resolve(definitions[reference], (*inside, reference), depth + 1)
            return (definition | others) if isinstance(definition, dict) else definition
        return {key: resolve(item, inside, depth + 1) for key, item in value.items()}

    body = {key: value for key, value in schema.items() if key not in DEFINITIONS}
    found: dict[str, Any] = resolve(body, (), 0)
    return schema if stay else found


def detached(schema: dict[str, Any], prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a schema and its definitions, under prefixed names, for use inside another schema's `$defs`."""
    text = json.dumps(schema)
    for key in DEFINITIONS:
        text = text.replace(f'"#/{key}/', f'"#/$defs/{prefix}')
    rest = json.loads(text)
    definitions = [rest.pop(key) for key in DEFINITIONS if isinstance(rest.get(key), dict)]
    return rest, {prefix + name: found for group in definitions for name, found in group.items()}
