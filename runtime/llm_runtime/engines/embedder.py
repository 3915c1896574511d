"""Embeddings from a llama.cpp server of their own: one server does not both generate and embed."""

import re
from typing import Any

import xllamacpp  # type: ignore[import-untyped]

from llm_runtime.engines.engine import EmbedJob, EngineError
from llm_runtime.engines.server import start_server

TOO_LARGE = re.compile(r"input \((\d+) tokens\) is too large")


class Embedder:
    """The server, and the texts cut to what it can take. Its methods block.

    Args:
        parameters: the server's xllamacpp.CommonParams.
        context: the longest text, in tokens.
        pooling: mean, cls or last; None: as the model's file says.
    """

    def __init__(self, parameters: Any, context: int, pooling: str | None) -> None:
        self._context = context
        parameters.embedding = True
        if pooling:
            kinds = xllamacpp.llama_pooling_type
            parameters.pooling_type = getattr(kinds, f"LLAMA_POOLING_TYPE_{pooling.upper()}")
        parameters.n_batch = parameters.n_ubatch = context  # a text is computed in one batch
        self._server = start_server(parameters)

    def embed(self, text: str, job: EmbedJob) -> tuple[list[float], int]:
        """Return the vector of a text and the number of its tokens.

        Raises:
            EngineError: the text is too long and the job forbids to cut it, or it is empty.
        """
        limit = min(job.num_ctx or self._context, self._context)
        vector, tokens = self._try(text)
        while tokens > limit:
            if not job.truncate:
                raise EngineError(400, "the input length exceeds the context length")
            text = text[: min(len(text) - 1, len(text) * limit // tokens)]
            vector, tokens = self._try(text)
        return vector, tokens

    def _try(self, text: str) -> tuple[list[float], int]:
        """Return the vector, which is empty if the text exceeds the context, and the number of tokens."""
        answer = self._server.handle_embeddings({"input": text})
        if error := answer.get("error"):
            if too_large := TOO_LARGE.search(error["message"]):
                return [], int(too_large[1])
            raise EngineError(int(error["code"]), error["message"])
        return answer["data"][0]["embedding"], answer["usage"]["prompt_tokens"]
