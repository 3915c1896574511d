"""OpenAI's completions, which editors use: https://platform.openai.com/docs/api-reference/completions."""

import copy
import time
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from llm_api.dialects.fields import INTEGER, check_prompt
from llm_api.dialects.openai import DONE, SSE, Choices, event, usage
from llm_api.dialects.openai_embeddings import NO_TOKEN_IDS, Text
from llm_api.errors import GatewayError, InvalidRequestError
from llm_api.record import Phases
from llm_api.settings import Settings
from llm_api.upstream.chunk import Chunk, Finish
from llm_api.upstream.client import Job


class CompletionRequest(Choices):
    """Texts to continue, as they are: without the model's chat template."""

    NEUTRAL: ClassVar = Choices.NEUTRAL | {"best_of": (1,)}
    REFUSED: ClassVar = Choices.REFUSED | {"best_of": "send `n`, and choose among the answers"}

    prompt: Annotated[
        Text | Annotated[list[Text], Field(min_length=1, max_length=2048, fail_fast=True)], NO_TOKEN_IDS
    ] = Field(description="Of several, each gets `n` answers.")
    suffix: str | None = Field(None, description="Text that follows the answer: fill in the middle.")
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=20), INTEGER] | None = None

    @property
    def prompts(self) -> list[str]:
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt

    def job(self, model: str, settings: Settings) -> Job:
        check_prompt(max(map(len, self.prompts)) + len(self.suffix or ""), settings)
        if self.echo and self.logprobs is not None:
            raise InvalidRequestError(
                "echo: not supported with logprobs, which the runtime has of generated tokens only",
                param="echo",
            )
        payload = self.sampling(settings, "max_tokens")
        choices = len(self.prompts) * (self.n or 1)
        if choices > settings.max_choices:
            raise InvalidRequestError(
                f"prompt: {choices} answers are more than {settings.max_choices}; send several requests",
                param="prompt",
            )
        payload |= {"prompt": self.prompts[0], "think": False}
        # The runtime puts a suffix in its place by the model's template.
        payload |= {"suffix": self.suffix} if self.suffix else {"raw": True}
        if self.logprobs is not None:
            payload |= {"logprobs": True, "top_logprobs": self.logprobs}
        needs = ("insert",) if self.suffix else ()
        prompts = tuple(self.prompts)
        return Job("/api/generate", model, payload, bool(self.stream), needs, choices, prompts)

    def answer_format(self, request_id: str, model: str) -> "CompletionFormat":
        echoes = [prompt if self.echo else "" for prompt in self.prompts for _ in range(self.n or 1)]
        return CompletionFormat(request_id, model, echoes, include_usage=self.includes_usage)


class CompletionFormat:
    """A completion of one or several choices, whole or as server-sent events; both have the same shape.

    Args:
        request_id: Makes the completion's id.
        model: The name that the client asked for.
        echoes: What is repeated before each answer.
        include_usage: Whether a stream ends with the usage.
    """

    media_type = SSE

    def __init__(self, request_id: str, model: str, echoes: list[str], *, include_usage: bool) -> None:
        self._echoes, self._include_usage = echoes, include_usage
        self._index = 0
        self._offset = 0  # of the next token in the answer
        self._common = {
            "id": f"cmpl-{request_id}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
        }

    def choice(self, index: int) -> Self:
        """Return the format of one of several choices."""
        one = copy.copy(self)
        one._index = index
        return one

    def first(self) -> bytes:
        echoes = enumerate(self._echoes)
        return b"".join(self.choice(index)._event(Chunk(echo)) for index, echo in echoes if echo)

    def pieces(self, chunks: list[Chunk]) -> bytes:
        return b"".join(self._event(chunk) for chunk in chunks)

    def last(self, finish: Finish, phases: Phases) -> bytes:
        return self.end(finish, phases) + self.close(finish)

    def end(self, finish: Finish, phases: Phases) -> bytes:
        """Return what ends one choice."""
        return self._event(Chunk(), _reason(finish), timings=phases.as_timings())

    def close(self, finish: Finish) -> bytes:
        """Return what follows after the last choice."""
        if not self._include_usage:
            return DONE
        return event(self._common | {"choices": [], "usage": usage(finish)}) + DONE

    def error(self, error: GatewayError) -> bytes:
        return event(error.body())  # OpenAI's clients raise it

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        choice = self._choice(chunk, _reason(finish))
        choice["text"] = self._echoes[self._index] + choice["text"]
        return self.merged([{"choices": [choice]}], finish, phases)

    def merged(self, wholes: list[dict[str, Any]], finish: Finish, phases: Phases) -> dict[str, Any]:
        """Return one completion with the choices of several."""
        choices = [choice for whole in wholes for choice in whole["choices"]]
        return self._common | {"choices": choices, "usage": usage(finish), "timings": phases.as_timings()}

    def _event(self, chunk: Chunk, reason: str | None = None, **more: Any) -> bytes:
        no_usage = {"usage": None} if self._include_usage else {}
        return event(self._common | {"choices": [self._choice(chunk, reason)]} | no_usage | more)

    def _choice(self, chunk: Chunk, reason: str | None) -> dict[str, Any]:
        logprobs = self._logprobs(chunk.logprobs) if chunk.logprobs else None
        return {"text": chunk.text, "index": self._index, "logprobs": logprobs, "finish_reason": reason}

    def _logprobs(self, entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Return four lists with one item for each token."""
        offsets = []
        for entry in entries:
            offsets.append(self._offset)
            self._offset += len(entry["token"])
        return {
            "tokens": [entry["token"] for entry in entries],
            "token_logprobs": [entry["logprob"] for entry in entries],
            "top_logprobs": [
                {other["token"]: other["logprob"] for other in entry.get("top_logprobs", ())}
                for entry in entries
            ],
            "text_offset": offsets,
        }


def _reason(finish: Finish) -> Literal["stop", "length"]:
    return "length" if finish.reason == "length" else "stop"
