"""OpenAI's embeddings: https://platform.openai.com/docs/api-reference/embeddings."""

import base64
import sys
from array import array
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from llm_api.dialects.decisions import ANY_VALUE, Documented
from llm_api.dialects.embeddings import VectorsFormat, embed_job
from llm_api.dialects.fields import INTEGER
from llm_api.errors import InvalidRequestError
from llm_api.record import Phases
from llm_api.settings import Settings
from llm_api.upstream.chunk import Chunk, Finish
from llm_api.upstream.client import Job


def refuse_token_ids(value: Any) -> Any:
    """Raise PydanticCustomError for tokens in place of text, which another model's tokenizer has made."""
    if isinstance(value, list) and value and all(isinstance(item, int | list) for item in value):
        raise PydanticCustomError("token_ids", "token ids are not supported; send the text itself")
    return value


NO_TOKEN_IDS = BeforeValidator(refuse_token_ids)
Text = Annotated[str, Field(min_length=1)]
Dimensions = Annotated[int, Field(ge=1, le=65_536), INTEGER]


class EmbeddingsRequest(Documented):
    """Texts to embed. A text that is longer than the model's context is an error, as it is at OpenAI."""

    NEUTRAL: ClassVar = {"user": ANY_VALUE}

    model: str = Field(min_length=1, max_length=256)
    input: Annotated[
        Text | Annotated[list[Text], Field(min_length=1, max_length=2048, fail_fast=True)], NO_TOKEN_IDS
    ]
    dimensions: Dimensions | None = None
    encoding_format: Literal["float", "base64"] | None = None

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input

    def job(self, model: str, settings: Settings) -> Job:
        given: dict[str, Any] = {"truncate": False}
        if self.dimensions is not None:
            given["dimensions"] = self.dimensions
        return embed_job(model, self.texts, given, settings, {})

    def answer_format(self, request_id: str, model: str) -> "EmbeddingsFormat":
        return EmbeddingsFormat(
            model, len(self.texts), self.dimensions, as_base64=self.encoding_format == "base64"
        )


class EmbeddingsFormat(VectorsFormat):
    """A list of vectors."""

    def __init__(self, model: str, count: int, dimensions: int | None, *, as_base64: bool) -> None:
        super().__init__(model, count)
        self._dimensions, self._as_base64 = dimensions, as_base64

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        """Return the vectors in the order of the texts.

        Raises:
            RuntimeFailedError: There is not one for each text.
            InvalidRequestError: The model's vectors have fewer dimensions than the request wants.
        """
        vectors = self.vectors(chunk)
        for vector in vectors:
            if len(vector) < (self._dimensions or 0):
                raise InvalidRequestError(
                    f"dimensions: the model's vectors have only {len(vector)}", param="dimensions"
                )
        tokens = finish.usage.prompt_tokens
        return {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": self._encoded(vector)}
                for index, vector in enumerate(vectors)
            ],
            "model": self._model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "timings": phases.as_timings(),
        }

    def _encoded(self, vector: list[float]) -> list[float] | str:
        """Return the vector, for base64 as little-endian 32-bit floats, which OpenAI's clients decode."""
        if not self._as_base64:
            return vector
        floats = array("f", vector)
        if sys.byteorder == "big":
            floats.byteswap()
        return base64.b64encode(floats.tobytes()).decode()
