"""What llama.cpp's server is sent for a job, and what it sends back.

Its API: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
"""

from typing import Any

from llm_runtime.engines.engine import Chunk, EngineError, Finish, Job, Logprob
from llm_runtime.schemas import Message

Event = dict[str, Any]


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


def check_prompt(event: Event, num_ctx: int) -> None:
    """Enforce the request's own num_ctx (tokens; 0: not given).

    The slots' context is allocated at the load, so a larger num_ctx has no effect.

    Raises:
        PromptTooLongError: the prompt is longer.
    """
    total = event.get("prompt_progress", {}).get("total", 0)
    if 0 < num_ctx < total:
        raise PromptTooLongError(
            400, f"request ({total} tokens) exceeds the available context size ({num_ctx} tokens)"
        )


def read_event(event: Event, *, top: bool = False) -> tuple[Chunk, Finish | None]:
    """Return the chunk of an event, and its Finish if it is the last; `top`: with alternative tokens.

    Raises:
        EngineError: the event is an error.
    """
    if error := event.get("error"):
        kind = PromptTooLongError if error.get("type") == "exceed_context_size_error" else EngineError
        raise kind(int(error.get("code", 500)), str(error.get("message", error)))
    choice = event["choices"][0]
    delta = choice.get("delta", {})
    chunk = Chunk(
        choice.get("text") or delta.get("content") or "",
        delta.get("reasoning_content") or "",
        logprobs=tuple(
            _logprob(entry, top=top) for entry in (choice.get("logprobs") or {}).get("content", ())
        ),
    )
    if choice["finish_reason"] is None:
        return chunk, None
    timings = event["timings"]
    return chunk, Finish(
        reason="length" if choice["finish_reason"] == "length" else "stop",
        prompt_tokens=timings["cache_n"] + timings["prompt_n"],
        prompt_ns=int(timings["prompt_ms"] * 1e6),
        generated_tokens=timings["predicted_n"],
        generated_ns=int(timings["predicted_ms"] * 1e6),
    )


def _logprob(entry: dict[str, Any], *, top: bool) -> Logprob:
    others = entry.get("top_logprobs", ()) if top else ()
    return Logprob(entry["token"], entry["logprob"], tuple(_logprob(other, top=False) for other in others))
