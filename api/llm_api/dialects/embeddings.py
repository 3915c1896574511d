"""What the dialects share to embed texts."""

from typing import Any

from llm_api.dialects.fields import check_prompt
from llm_api.errors import GatewayError
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


class WholeFormat:
    """The half of an AnswerFormat that answers which are never streamed need not have."""

    media_type = "application/json"

    def first(self) -> bytes:
        raise NotImplementedError

    def pieces(self, chunks: list[Chunk]) -> bytes:
        raise NotImplementedError

    def last(self, finish: Finish, phases: Phases) -> bytes:
        raise NotImplementedError

    def error(self, error: GatewayError) -> bytes:
        raise NotImplementedError
