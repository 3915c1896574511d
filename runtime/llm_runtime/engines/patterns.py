"""Texts that match a regular expression."""

import random
import re
import string
from re import _constants as op  # type: ignore[attr-defined, unused-ignore]
from re import _parser as parser  # type: ignore[attr-defined, unused-ignore]
from typing import Any

CATEGORIES = {
    op.CATEGORY_DIGIT: string.digits,
    op.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
    op.CATEGORY_SPACE: " ",
}
PRINTABLE = string.ascii_letters + string.digits + "_-. "
# How many optional repetitions are made at most, and how many required ones are supported.
REPEATS = 3
MOST_REPEATS = 1000


class PatternError(Exception):
    """The pattern is invalid, or uses a feature that is not supported here."""


def sample(pattern: str, chance: random.Random) -> str:
    """Return a text that the pattern matches.

    Raises:
        PatternError: The pattern is invalid or uses look-around, back references or the like.
    """
    try:
        return _sample(parser.parse(pattern), chance)
    except re.error as error:
        raise PatternError(f"{pattern!r}: {error}") from error


def _sample(parsed: Any, chance: random.Random) -> str:
    return "".join(_one(code, value, chance) for code, value in parsed)


def _one(code: Any, value: Any, chance: random.Random) -> str:
    if code is op.LITERAL:
        return chr(value)
    if code is op.ANY:
        return chance.choice(string.ascii_lowercase)
    if code is op.NOT_LITERAL:
        return chance.choice(PRINTABLE.replace(chr(value), ""))
    if code is op.IN:
        return chance.choice(_members(value))
    if code is op.BRANCH:
        return _sample(chance.choice(value[1]), chance)
    if code is op.SUBPATTERN:
        return _sample(value[-1], chance)
    if code in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, repeated = value
        if least > MOST_REPEATS:
            raise PatternError(f"more than {MOST_REPEATS} repetitions")
        count = chance.randint(least, min(most, least + REPEATS))
        return "".join(_sample(repeated, chance) for _ in range(count))
    if code is op.AT and value in (op.AT_BEGINNING, op.AT_END):
        return ""
    raise PatternError(f"{str(code).lower()} is not supported")


def _members(items: Any) -> str:
    """Return the characters of a class such as [a-z_] that may be chosen."""
    negated = items[0][0] is op.NEGATE
    members = "".join(_member(code, value) for code, value in items[negated:])
    chosen = "".join(character for character in PRINTABLE if character not in members) if negated else members
    if not chosen:
        raise PatternError("a class of characters is empty")
    return chosen


def _member(code: Any, value: Any) -> str:
    if code is op.LITERAL:
        return chr(value)
    if code is op.RANGE:
        return "".join(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
    if code is op.CATEGORY and value in CATEGORIES:
        return CATEGORIES[value]
    raise PatternError(f"{str(value).lower()} is not supported")
