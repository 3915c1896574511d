"""What llama.cpp's server is sent for a job, and what it sends back.

Its API: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
"""

from typing import Any

from llm_runtime.engines.engine import EngineError, Finish, Job
from llm_runtime.schemas import Message

Chunk = dict[str, Any]


class PromptTooLongError(EngineError):
    """The prompt does not fit into the context."""


def without_oldest(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the conversation without its oldest message.

    System messages and the last message stay; the result is empty if there are no others.
    """
    for index, message in enumerate(messages[:-1]):
        if message.role != "system":
            return messages[:index] + messages[index + 1 :]
    return ()


def sampling(job: Job) -> dict[str, Any]:
    """Return the job's options under llama.cpp's names."""
    given = job.options.model_dump(exclude={"num_predict", "num_ctx"})
    limit = job.options.num_predict
    # Ollama treats 0 as "not given".
    return given | {"max_tokens": limit if limit > 0 else -1}


def check_prompt(chunk: Chunk, num_ctx: int) -> None:
    """Enforce the request's own num_ctx (tokens; 0: not given).

    The slots' context is allocated at the load, so a larger num_ctx has no effect.

    Raises:
        PromptTooLongError: the prompt is longer.
    """
    total = chunk.get("prompt_progress", {}).get("total", 0)
    if 0 < num_ctx < total:
        raise PromptTooLongError(
            400, f"request ({total} tokens) exceeds the available context size ({num_ctx} tokens)"
        )


def read_chunk(chunk: Chunk) -> tuple[str, Finish | None]:
    """Return the text of a chunk, and its Finish if it is the last.

    Raises:
        EngineError: the chunk is an error.
    """
    if error := chunk.get("error"):
        kind = PromptTooLongError if error.get("type") == "exceed_context_size_error" else EngineError
        raise kind(int(error.get("code", 500)), str(error.get("message", error)))
    choice = chunk["choices"][0]
    text = choice["text"] if "text" in choice else choice["delta"].get("content")
    if choice["finish_reason"] is None:
        return text or "", None
    timings = chunk["timings"]
    return text or "", Finish(
        reason=choice["finish_reason"],
        prompt_tokens=timings["cache_n"] + timings["prompt_n"],
        prompt_ns=int(timings["prompt_ms"] * 1e6),
        generated_tokens=timings["predicted_n"],
        generated_ns=int(timings["predicted_ms"] * 1e6),
    )
