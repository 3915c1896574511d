"""What becomes of each field of an API.

Every field that an API documents has one decision, in the class of its object: a declared field is honoured;
NEUTRAL lists the values that change nothing, and are accepted for that; REFUSED says what to do instead. Null
always means "not given". A field that is not documented, at any depth, is ignored and reported; so is one
in IGNORED, which says why.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from llm_api.dialects.fields import Strict
from llm_api.errors import InvalidRequestError


class _Anything:
    """Contains every value."""

    def __contains__(self, value: object) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(())


# For NEUTRAL: a field that has no effect here whatever its value, such as a mark for billing.
ANY_VALUE = _Anything()


class Documented(Strict):
    """An object of an API that the gateway did not invent.

    Declare every honoured field as optional with the default None unless the API requires it.
    """

    model_config = ConfigDict(extra="allow")

    invalid_value: ClassVar[type[InvalidRequestError]] = InvalidRequestError
    NEUTRAL: ClassVar[Mapping[str, tuple[Any, ...] | _Anything]] = {}
    REFUSED: ClassVar[Mapping[str, str]] = {}
    IGNORED: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="after")
    def _decide(self, info: ValidationInfo) -> Self:
        """Refuse what is refused; note in a list given as context that there are undocumented fields."""
        for name, value in (self.__pydantic_extra__ or {}).items():
            if value is None:
                continue
            accepted = self.NEUTRAL.get(name)
            if accepted is None and name not in self.REFUSED:
                if isinstance(info.context, list):
                    info.context.append(name)
            elif value not in (accepted or ()):
                raise PydanticCustomError(
                    "unsupported",
                    "{problem}",
                    {"field": name, "problem": problem(accepted, self.REFUSED.get(name, ""))},
                )
        return self


class Unsupported(Documented):
    """A documented object that is refused; in the OpenAPI document, nothing is valid for it."""

    model_config = ConfigDict(json_schema_extra={"not": {}})
    TAG: ClassVar[str] = "type"  # the field that says which object it is
    INSTEAD: ClassVar[str] = ""

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        tag = getattr(self, self.TAG)
        problem = f"{tag!r} is not supported; {self.INSTEAD}"
        raise PydanticCustomError(
            "unsupported", "{problem}", {"field": self.TAG, "branch": tag, "problem": problem}
        )


def problem(accepted: tuple[Any, ...] | _Anything | None, instead: str) -> str:
    """Return why a value is refused, and what to do instead."""
    values = " or ".join(map(json.dumps, accepted or ()))
    return "; ".join(filter(None, [f"only {values} is supported" if values else "not supported", instead]))


def ignored_fields(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted path of each undocumented field that has a value, without the indexes of lists."""
    if isinstance(value, Documented):
        for name, extra in (value.__pydantic_extra__ or {}).items():
            if extra is not None and name not in value.NEUTRAL and name not in value.REFUSED:
                yield path + name
    if isinstance(value, BaseModel):
        for name, inner in value.__dict__.items():
            alias = type(value).model_fields[name].alias or name
            yield from ignored_fields(inner, f"{path}{alias}.")
    elif isinstance(value, list):
        for item in value:
            yield from ignored_fields(item, path)
