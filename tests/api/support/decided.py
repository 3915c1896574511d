"""Which fields of a documented object have no decision."""

from collections.abc import Iterable

from llm_api.dialects.decisions import Documented


def undecided(kind: type[Documented], documented: Iterable[str]) -> set[str]:
    """Return the documented fields that `kind` neither declares nor lists."""
    return set(documented) - {*kind.model_fields, *kind.NEUTRAL, *kind.REFUSED, *kind.IGNORED}
