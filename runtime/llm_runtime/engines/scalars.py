"""Strings and numbers that conform to a JSON schema."""

import random
from typing import Any, Final

from llm_runtime.engines.patterns import PatternError, sample

Schema = dict[str, Any]
WORDS: Final = ("amber", "birch", "cobalt", "dune", "ember", "fjord", "grove", "Łódź", "東京")
FORMATS: Final = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "PT5M",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}
GREATEST_SIZE: Final = 10_000
"""Of a string or an array that is made up."""


class SchemaError(Exception):
    """The schema has no instance, or needs a keyword that is not supported here."""


def check_size(least: int) -> None:
    """Check a minimum length.

    Raises:
        SchemaError: It is too great.
    """
    if least > GREATEST_SIZE:
        raise SchemaError(f"the simulated engine makes nothing longer than {GREATEST_SIZE}")


def text(schema: Schema, chance: random.Random) -> str:
    """Return a string of words, of the schema's format, or one that matches its pattern.

    Raises:
        SchemaError: No string can be made.
    """
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    check_size(least)
    if "pattern" not in schema:
        made = FORMATS.get(schema.get("format", ""), "") or chance.choice(WORDS)
        while len(made) < least:
            made += f" {chance.choice(WORDS)}"
        return made[:most]
    try:
        made = sample(schema["pattern"], chance)
    except PatternError as error:
        raise SchemaError(f"the simulated engine cannot match the pattern: {error}") from error
    if len(made) < least or (most is not None and len(made) > most):
        raise SchemaError("the simulated engine cannot combine pattern with minLength or maxLength")
    return made


def number(schema: Schema, chance: random.Random) -> float:
    """Return a multiple of the schema's step (or of 0.5) within its bounds.

    Raises:
        SchemaError: There is none.
    """
    step = schema.get("multipleOf", 0.5)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    lows = [low for low in (schema.get("minimum"), above) if low is not None]
    highs = [high for high in (schema.get("maximum"), below) if high is not None]
    low = max(lows, default=min(highs) - 100 * step if highs else 0)
    high = min(highs, default=low + 100 * step)
    fits = [
        value
        for count in range(int(low // step), int(low // step) + 102)
        if low <= (value := count * step) <= high and value not in (above, below)
    ]
    if not fits and "multipleOf" not in schema and low < high:
        return float((low + high) / 2)
    if not fits:
        raise SchemaError(f"no number is valid for the schema {schema!r}")
    return float(chance.choice(fits))
