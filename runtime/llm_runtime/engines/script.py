"""What the simulated model says: the same request always gets the same answer.

- Tools: a user's message calls each tool whose name it mentions, that is, all words of the name or one of at
  least four letters ("What is the weather?" calls get_weather). Arguments are made up from the parameters'
  schema. Any other message, also a tool's result, is answered in words.
- `format`: JSON that conforms to the schema; for "json", an object with a text.
- Otherwise words of PASSAGE; the prompt and the seed determine where they begin.
- Thinking comes first, if the model can think and the request does not turn it off.
"""

import json
import re
import zlib
from dataclasses import dataclass
from math import log
from typing import Any

from llm_runtime.engines.behavior import Behavior
from llm_runtime.engines.engine import Chunk, EngineError, Job, Logprob
from llm_runtime.engines.instances import Instances
from llm_runtime.engines.scalars import SchemaError
from llm_runtime.engines.stops import StopFilter
from llm_runtime.schemas import CalledFunction, Tool, ToolCall

# The text of every answer, split into tokens; partly non-ASCII, so that nothing comes to rely on ASCII.
PASSAGE = tuple(
    re.findall(
        r" ?[^ ]+",
        " This answer comes from a simulated model: it has no weights, only slots, delays and faults."
        " Déjà vu? The same prompt gives the same words, in Zürich, Łódź, 東京 🙂 or elsewhere.\n",
    )
)
WORD = re.compile(r"[a-z]+|[0-9]+")
CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
JSON_TOKEN = re.compile(r"\w+|\W")
ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}}


@dataclass(frozen=True, slots=True)
class Script:
    """The tokens of an answer. Those after the first `thinking` spell `calls`, if there are any."""

    tokens: list[str]
    thinking: int = 0
    calls: tuple[ToolCall, ...] = ()

    def chunk(self, number: int, stops: StopFilter) -> Chunk | None:
        """Return what to send after this number of tokens; None while text may become a stop string."""
        token = self.tokens[number - 1]
        if number <= self.thinking:
            return Chunk(thinking=token)
        if self.calls:
            return Chunk()
        text = stops.feed(token)
        return Chunk(text) if text else None


def prompt_of(job: Job) -> str:
    """Return all text that the model is given."""
    return job.prompt + job.suffix or "\n".join(message.content for message in job.messages)


def write(job: Job, behavior: Behavior) -> Script:
    """Return the answer to a job.

    Raises:
        EngineError: `format` or a tool's parameters are a schema that no answer can be made up for.
    """
    prompt = prompt_of(job)
    thinks = job.messages and job.think is not False and "thinking" in behavior.capabilities
    thinking = behavior.thinking_tokens if thinks else 0
    key = f"{job.options.seed}:{prompt}"
    if calls := tuple(_call(tool, index, key) for index, tool in enumerate(_mentioned(job))):
        answer = JSON_TOKEN.findall("".join(call.model_dump_json() for call in calls))
    elif job.format:
        schema = job.format if isinstance(job.format, dict) else ANY_OBJECT
        answer = JSON_TOKEN.findall(json.dumps(_instance(schema, key), ensure_ascii=False))
    else:
        answer = _words(behavior.tokens, prompt, job.options.seed)
    return Script(_words(thinking, key, 0) + answer, thinking, calls)


def logprob(token: str, count: int) -> Logprob:
    """Return a token's log probability, with `count` alternatives: each half as probable as the last."""
    start = zlib.crc32(token.encode()) % len(PASSAGE)
    others = [word for word in PASSAGE[start:] + PASSAGE[:start] if word != token]
    alternatives = [token, *others][:count]
    top = tuple(Logprob(word, log(0.5) * (place + 1)) for place, word in enumerate(alternatives))
    return Logprob(token, log(0.5), top)


def _words(count: int, prompt: str, seed: int) -> list[str]:
    start = zlib.crc32(prompt.encode(errors="replace"), seed & 0xFFFFFFFF)
    return [PASSAGE[(start + place) % len(PASSAGE)] for place in range(1, count + 1)]


def _mentioned(job: Job) -> list[Tool]:
    """Return the tools that the last message, if it is a user's, asks for."""
    if not job.tools or not job.messages or job.messages[-1].role != "user":
        return []
    said = set(WORD.findall(job.messages[-1].content.lower()))

    def is_mentioned(tool: Tool) -> bool:
        name = set(WORD.findall(CAMEL_CASE.sub(" ", tool.function.name).lower()))
        return bool(name) and (name <= said or any(len(word) >= 4 for word in name & said))

    return [tool for tool in job.tools if is_mentioned(tool)]


def _call(tool: Tool, index: int, key: str) -> ToolCall:
    name = tool.function.name
    schema = {"type": "object"} | tool.function.parameters
    identifier = f"call_{zlib.crc32(f'{index}:{name}:{key}'.encode(errors='replace')):08x}"
    arguments = _instance(schema, f"{name}:{key}")
    return ToolCall(id=identifier, function=CalledFunction(index=index, name=name, arguments=arguments))


def _instance(schema: dict[str, Any], key: str) -> Any:
    try:
        return Instances(schema, key).generate()
    except SchemaError as error:
        raise EngineError(400, f"invalid schema: {error}") from error
