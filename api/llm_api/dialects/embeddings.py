"""What the dialects share to embed texts."""

from typing import Any

from llm_api.dialects.fields import check_prompt
from llm_api.errors import GatewayError, RuntimeFailedError
from llm_api.record import Phases
from llm_api.settings import Settings
from llm_api.upstream.chunk import Chunk, Finish
from llm_api.upstream.client import Job


def embed_job(
    model: str, texts: list[str], given: dict[str, Any], settings: Settings, options: dict[str, Any]
) -> Job:
    """Return the job that embeds texts; without any, it loads the model.

    Raises:
        TooLargeError: A text is over the limit of a prompt; the size of the body bounds all of them.
    """
    check_prompt(max(map(len, texts), default=0), settings)
    if settings.num_thread:
        options = options | {"num_thread": settings.num_thread}
    return Job("/api/embed", model, {"input": texts, "options": options} | given, False, ("embedding",))


class VectorsFormat:
    """The shared part of the formats of vectors, which are never streamed.

    Args:
        model: The name that the client asked for.
        count: How many texts it has sent.
    """

    media_type = "application/json"

    def __init__(self, model: str, count: int) -> None:
        self._model, self._count = model, count

    def vectors(self, chunk: Chunk) -> list[list[float]]:
        """Return one vector for each text.

        Raises:
            RuntimeFailedError: There are more or fewer.
        """
        if len(chunk.embeddings) != self._count:
            raise RuntimeFailedError(
                f"the runtime sent {len(chunk.embeddings)} vectors for {self._count} texts"
            )
        return chunk.embeddings

    def first(self) -> bytes:
        raise NotImplementedError

    def pieces(self, chunks: list[Chunk]) -> bytes:
        raise NotImplementedError

    def last(self, finish: Finish, phases: Phases) -> bytes:
        raise NotImplementedError

    def error(self, error: GatewayError) -> bytes:
        raise NotImplementedError
