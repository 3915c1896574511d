"""Where the images of Anthropic's API come from, and the objects of it that are refused."""

import base64
import binascii
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from llm_api.dialects.decisions import Documented

BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$"


def _check_base64(text: str) -> str:
    """Return base64 without line breaks."""
    text = text.replace("\r", "").replace("\n", "")
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise PydanticCustomError("base64", "must be base64, and not empty")
    return text


class Unsupported(Documented):
    """A documented object that is refused; in the OpenAPI document, nothing is valid for it."""

    model_config = ConfigDict(json_schema_extra={"not": {}})
    INSTEAD: ClassVar[str] = ""

    type: str

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        problem = f"{self.type!r} is not supported; {self.INSTEAD}"
        raise PydanticCustomError("unsupported", "{problem}", {"field": "type", "problem": problem})


class Base64Source(Documented):
    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: Annotated[str, AfterValidator(_check_base64), Field(json_schema_extra={"pattern": BASE64})]


class RemoteSource(Unsupported):
    INSTEAD: ClassVar = "the gateway fetches nothing for a client: send the image as base64"

    type: Literal["url", "file"]


AnySource = Annotated[Base64Source | RemoteSource, Field(discriminator="type")]
