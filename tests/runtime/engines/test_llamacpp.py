"""The llama.cpp engine with the packaged model."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from llm_runtime.app import create_app, make_engine
from llm_runtime.engines.engine import Chunk, EngineError, Finish, Job
from llm_runtime.engines.gguf import Gguf, GgufError
from llm_runtime.engines.llamacpp import LlamaCppEngine
from llm_runtime.engines.packaged import packaged_model
from llm_runtime.runner import Result, Runner
from llm_runtime.schemas import Message, Options
from llm_runtime.settings import Settings

from tests.processes import ROOT
from tests.waiting import until, within

LONG = "Count on and on: " + "one two three four " * 400


@pytest.fixture(scope="module")
def engine() -> LlamaCppEngine:
    engine = make_engine(Settings(context_length=2048, threads=1))
    assert isinstance(engine, LlamaCppEngine)
    return engine


async def ask(runner: Runner, job: Job) -> tuple[list[str], Result[Finish]]:
    pieces: list[str] = []

    async def emit(chunk: Chunk) -> None:
        pieces.append(chunk.text)

    return pieces, await within("the answer", runner.run(job, emit), saw=lambda: pieces)


def raw(prompt: str, **options: Any) -> Job:
    return Job(Options.model_validate({"temperature": 0, "num_predict": 8} | options), prompt=prompt)


async def test_messages_are_formatted_by_the_models_own_template(runner: Runner) -> None:
    messages = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="Why is it raining?"),
    )
    pieces, result = await ask(runner, Job(Options(temperature=0, num_predict=12), messages=messages))
    template = (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy is it raining?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    expected, same = await ask(runner, raw(template, num_predict=12))
    assert pieces == expected
    assert result.outcome.prompt_tokens == same.outcome.prompt_tokens
    assert result.outcome.prompt_ns + result.outcome.generated_ns <= result.total_ns


async def test_characters_split_across_tokens_arrive_complete(runner: Runner) -> None:
    pieces, _ = await ask(runner, raw("🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃🙂🙃", num_predict=24))
    assert set("🙂🙃") & set("".join(pieces))
    assert not any("�" in piece for piece in pieces[:-1])


async def test_a_stop_string_is_never_sent(runner: Runner) -> None:
    pieces, result = await ask(runner, raw("1, 2, 3, 4, 5,", num_predict=40, stop=["8, 9"]))
    assert "".join(pieces).strip() == "6, 7,"
    assert result.outcome.reason == "stop"


@pytest.mark.parametrize(("prompt", "phase"), [("Once upon a time", "decode"), (LONG, "prefill")])
async def test_a_cancelled_job_frees_the_model_for_the_next(runner: Runner, prompt: str, phase: str) -> None:
    first_token = asyncio.Event()

    async def emit(chunk: Chunk) -> None:
        first_token.set()

    task = asyncio.create_task(runner.run(raw(prompt, num_predict=1500), emit))
    if phase == "decode":
        await within("the first token", first_token.wait())
    else:
        await until("the job to hold a slot", lambda: runner.slots.taken == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within("the cancelled job", task)
    _, result = await ask(runner, raw("Hello"))
    assert result.outcome.generated_tokens == 8
    assert [entry.phase for entry in runner.record] == [phase]


async def test_a_prompt_longer_than_the_context_is_refused(runner: Runner) -> None:
    with pytest.raises(EngineError, match="exceeds the available context size") as caught:
        await ask(runner, raw(LONG * 2))
    assert caught.value.status == 400
    with pytest.raises(EngineError, match=r"exceeds .* \(8 tokens\)"):
        await ask(runner, raw("More words than would go into this context.", num_ctx=8))


async def test_an_unloaded_model_is_loaded_again(runner: Runner) -> None:
    await runner.unload()
    _, result = await ask(runner, raw("Hello"))
    assert result.load_ns > 0


START_AND_FREE = """
from llm_runtime.app import make_engine
from llm_runtime.engines.server import start_server
from llm_runtime.settings import Settings

parameters = make_engine(Settings(context_length=512, threads=1)).parameters()
for _ in range(3):
    start_server(parameters)
"""


def test_a_server_freed_right_after_its_start_does_not_block_the_process() -> None:
    """In a process of its own: it would hang with the GIL held, where no timeout of pytest's can act."""
    subprocess.run([sys.executable, "-c", START_AND_FREE], cwd=ROOT / "runtime", check=True, timeout=60)


def test_the_models_details_are_read_from_its_file(engine: LlamaCppEngine) -> None:
    details = engine.info.details
    assert (details["family"], details["parameter_size"], details["quantization_level"]) == (
        "llama",
        "134.52M",
        "Q4_1",
    )
    assert engine.info.context_length == 2048
    assert "im_start" in engine.info.template


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"GIF89a", "is not a GGUF file"), (b"", "is not a GGUF"), (b"GGUF\x03\x00", "truncated or damaged")],
)
def test_a_file_that_is_not_a_model_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    with pytest.raises(GgufError, match=f"{file.name} {message}|{message}"):
        Gguf(file)


async def test_a_truncated_model_cannot_be_loaded(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(packaged_model().read_bytes()[:5_000_000])
    runner = Runner(make_engine(Settings(model_path=file)))
    with pytest.raises(EngineError, match="cannot load"):
        await runner.warm_up()


async def test_a_missing_model_file_fails_the_start() -> None:
    app = create_app(Settings(model_path=Path("/no/such/model.gguf")))
    with pytest.raises(FileNotFoundError, match=r"/no/such/model\.gguf"):
        async with app.router.lifespan_context(app):
            pass
