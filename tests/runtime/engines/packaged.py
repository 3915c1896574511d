"""The packaged model with a chat template that has tools and thinking, and conversations to go on with.

The model is too small to call a tool unasked: it repeats what the conversation has shown it.
"""

from pathlib import Path
from typing import Any

from llm_runtime.app import make_engine
from llm_runtime.engines.engine import Chunk, Finish, Job, joined
from llm_runtime.engines.llamacpp import LlamaCppEngine
from llm_runtime.runner import Runner
from llm_runtime.schemas import Message, Options
from llm_runtime.settings import Settings

from tests.waiting import within

TEMPLATE = Path(__file__).parent / "chatml.jinja"
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}},
    "required": ["city"],
    "additionalProperties": False,
}


def make() -> LlamaCppEngine:
    engine = make_engine(Settings(context_length=1024, threads=1, chat_template_path=TEMPLATE))
    assert isinstance(engine, LlamaCppEngine)
    return engine


async def ask(runner: Runner, tokens: int = 40, **parts: Any) -> tuple[Chunk, Finish]:
    chunks: list[Chunk] = []

    async def emit(chunk: Chunk) -> None:
        chunks.append(chunk)

    options = {"temperature": 0, "num_predict": tokens} | parts.pop("options", {})
    job = Job(Options.model_validate(options), **parts)
    result = await within("the answer", runner.run(job, emit), saw=lambda: chunks)
    return joined(chunks), result.outcome


def talk(*turns: str | Message) -> tuple[Message, ...]:
    """Return a conversation in which user and assistant take turns."""
    roles = ("user", "assistant")
    return tuple(
        turn if isinstance(turn, Message) else Message(role=roles[index % 2], content=turn)
        for index, turn in enumerate(turns)
    )


SUMS = [f"It is {2 * number}." for number in (2, 3, 5)]
THOUGHTS = talk(
    *[
        turn
        for number, answer in zip((2, 3, 5), SUMS, strict=True)
        for turn in (
            f"{number}+{number}?",
            Message(role="assistant", content=answer, thinking=f"{number} and {number} is {2 * number}"),
        )
    ],
    "4+4?",
)
