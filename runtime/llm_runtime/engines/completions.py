"""What llama.cpp's server is sent for a job, and what it sends back.

Its API: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
"""

import json
from collections.abc import Sequence
from typing import Any

from llm_runtime.engines.context import PromptTooLongError
from llm_runtime.engines.engine import Chunk, EngineError, Finish, Job, Logprob
from llm_runtime.schemas import CalledFunction, Message, ToolCall

Event = dict[str, Any]
ANY_OBJECT = {"type": "object"}
# Extends JSON schema (https://github.com/guidance-ai/llguidance): one line, so that no tokens go into layout.
LAYOUT = {"x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}


def schema_of(job: Job) -> dict[str, Any] | None:
    """Return the JSON schema that the answer has to conform to, if there is one."""
    if not job.format:
        return None
    return LAYOUT | (job.format if isinstance(job.format, dict) else ANY_OBJECT)


def chat_request(job: Job, *, thinks: bool) -> Event:
    """Return the request for a conversation; `thinks`: whether the model can think."""
    request = _sampling(job) | {"messages": [_message(message) for message in job.messages]}
    if job.tools:
        request["tools"] = [tool.model_dump() | {"type": "function"} for tool in job.tools]
    if job.logprobs is not None:
        request |= {"logprobs": True, "top_logprobs": max(1, job.logprobs)}
    if thinks:
        kwargs: dict[str, Any] = {"enable_thinking": job.think is not False}
        if isinstance(job.think, str):
            kwargs["reasoning_effort"] = job.think
        request["chat_template_kwargs"] = kwargs
    return request


def completion_request(job: Job, fill_tokens: Sequence[int]) -> Event:
    """Return the request for a raw prompt, or for the text between it and the suffix."""
    prompt: Any = job.prompt
    if job.suffix:
        before_prefix, before_suffix, before_middle = fill_tokens
        prompt = [before_prefix, job.prompt, before_suffix, job.suffix, before_middle]
    request = _sampling(job) | {"prompt": prompt}
    if job.logprobs is not None:
        request["n_probs"] = max(1, job.logprobs)
    return request


def _sampling(job: Job) -> Event:
    """Return the job's options under llama.cpp's names."""
    given = job.options.model_dump(exclude={"num_predict", "num_ctx"})
    limit = job.options.num_predict
    # Ollama treats 0 as "not given".
    return given | {"max_tokens": limit if limit > 0 else -1}


def _message(message: Message) -> Event:
    """Return a message in OpenAI's format, with the fields that it has."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": json.dumps(call.function.arguments)},
        }
        for call in message.tool_calls or ()
    ]
    others = {
        "reasoning_content": message.thinking,
        "tool_calls": calls,
        "tool_call_id": message.tool_call_id,
        "name": message.tool_name,
    }
    fields = {name: value for name, value in others.items() if value}
    return {"role": message.role, "content": message.content, **fields}


def prompt_tokens(event: Event) -> int:
    """Return the number of the prompt's tokens, which is known from the first events; 0 in others."""
    return int(event.get("prompt_progress", {}).get("total", 0))


class EventReader:
    """Turns the events of one answer into chunks. Tool calls come in parts, and leave whole at the end."""

    def __init__(self, job: Job) -> None:
        self._alternatives = job.logprobs or 0
        self._calls: dict[int, dict[str, str]] = {}

    def read(self, event: Event) -> tuple[Chunk | None, Finish | None]:
        """Return the chunk of an event, if it has a token, and its Finish if it is the last.

        Raises:
            EngineError: the event is an error, or a tool call is not valid JSON.
        """
        if error := event.get("error"):
            kind = PromptTooLongError if error.get("type") == "exceed_context_size_error" else EngineError
            raise kind(int(error.get("code", 500)), str(error.get("message", error)))
        choice = event["choices"][0]
        delta = choice.get("delta", {})
        parts = delta.get("tool_calls", ())
        for part in parts:
            self._add(part)
        entries = (choice.get("logprobs") or {}).get("content", ())
        chunk = Chunk(
            choice.get("text") or delta.get("content") or "",
            delta.get("reasoning_content") or "",
            logprobs=tuple(_logprob(entry, self._alternatives) for entry in entries),
        )
        finish = _finish(choice["finish_reason"], event["timings"]) if choice["finish_reason"] else None
        if finish and finish.reason == "stop":
            chunk.tool_calls = tuple(_call(index, call) for index, call in sorted(self._calls.items()))
        return (chunk if chunk or parts else None), finish

    def _add(self, part: Event) -> None:
        call = self._calls.setdefault(part["index"], {"id": "", "name": "", "arguments": ""})
        call["id"] += part.get("id") or ""
        call["name"] += part["function"].get("name") or ""
        call["arguments"] += part["function"].get("arguments") or ""


def _call(index: int, call: dict[str, str]) -> ToolCall:
    try:
        arguments = json.loads(call["arguments"] or "{}")
    except ValueError as error:
        raise EngineError(500, f"the arguments of {call['name']} are not JSON: {error}") from error
    function = CalledFunction(index=index, name=call["name"], arguments=arguments)
    return ToolCall(id=call["id"], function=function)


def _finish(reason: str, timings: Event) -> Finish:
    return Finish(
        reason="length" if reason == "length" else "stop",
        prompt_tokens=timings["cache_n"] + timings["prompt_n"],
        prompt_ns=int(timings["prompt_ms"] * 1e6),
        generated_tokens=timings["predicted_n"],
        generated_ns=int(timings["predicted_ms"] * 1e6),
    )


def _logprob(entry: Event, alternatives: int) -> Logprob:
    top = entry.get("top_logprobs", ())[:alternatives]
    return Logprob(entry["token"], entry["logprob"], tuple(_logprob(other, 0) for other in top))
