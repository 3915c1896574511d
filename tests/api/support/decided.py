"""Which fields of a documented object have no decision."""

from collections.abc import Iterable

from llm_api.dialects.decisions import Documented


def undecided(kind: type[Documented], documented: Iterable[str]) -> set[str]:
    """Return the documented fields that `kind` neither declares nor lists."""
    declared = {field.alias or name for name, field in kind.model_fields.items()}
    return set(documented) - {*declared, *kind.NEUTRAL, *kind.REFUSED, *kind.IGNORED}
