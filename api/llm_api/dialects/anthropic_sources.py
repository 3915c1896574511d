"""Where the images of Anthropic's API come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from llm_api.dialects.decisions import Documented, Unsupported
from llm_api.dialects.translate.images import BASE64, checked_base64


class Base64Source(Documented):
    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: Annotated[str, AfterValidator(checked_base64), Field(json_schema_extra={"pattern": f"^{BASE64}"})]


class RemoteSource(Unsupported):
    INSTEAD: ClassVar = "the gateway fetches nothing for a client: send the image as base64"

    type: Literal["url", "file"]


AnySource = Annotated[Base64Source | RemoteSource, Field(discriminator="type")]
