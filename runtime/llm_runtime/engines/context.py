"""Prompts that exceed the context."""

from dataclasses import replace

from llm_runtime.engines.engine import EngineError, Job


class PromptTooLongError(EngineError):
    """The prompt does not fit into the context."""


def check_length(tokens: int, num_ctx: int) -> None:
    """Enforce the request's own num_ctx (tokens; 0: not given).

    Raises:
        PromptTooLongError: the prompt has more tokens.
    """
    if 0 < num_ctx < tokens:
        raise PromptTooLongError(
            400, f"request ({tokens} tokens) exceeds the available context size ({num_ctx} tokens)"
        )


def shortened(job: Job) -> Job | None:
    """Return the job without the oldest message of its conversation, or None if it has to stay as it is.

    System messages and the last message stay.
    """
    for index, message in enumerate(job.messages[:-1] if job.truncate else ()):
        if message.role != "system":
            return replace(job, messages=job.messages[:index] + job.messages[index + 1 :])
    return None
