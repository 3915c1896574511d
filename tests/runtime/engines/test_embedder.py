"""Embeddings from llama.cpp, with the packaged model and pooling by setting."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest
from llm_runtime.app import make_engine
from llm_runtime.engines.engine import Embeddings, EmbedJob, EngineError, Job
from llm_runtime.runner import Runner
from llm_runtime.schemas import Options
from llm_runtime.settings import Settings

from tests.waiting import until, within

pytestmark = pytest.mark.slow
CONTEXT = 256
LONG = "many words " * CONTEXT


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(context_length=CONTEXT, threads=1, pooling="mean")


@pytest.fixture
async def runner(settings: Settings) -> AsyncIterator[Runner]:
    runner = Runner(make_engine(settings))
    await runner.load()
    yield runner
    await runner.unload()


async def embed(runner: Runner, *texts: str, truncate: bool = True, num_ctx: int = 0) -> Embeddings:
    result = await within("the vectors", runner.embed(EmbedJob(texts, truncate, num_ctx)))
    return result.outcome


def similarity(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_similar_texts_have_similar_vectors(runner: Runner) -> None:
    assert runner.engine.info.capabilities == ("completion", "embedding")
    embeddings = await embed(runner, "The cat sleeps.", "A cat is asleep.", "Inflation rose in March.")
    cat, other_cat, inflation = embeddings.vectors
    assert [math.hypot(*vector) for vector in embeddings.vectors] == [pytest.approx(1, abs=1e-3)] * 3
    assert similarity(cat, other_cat) > similarity(cat, inflation)
    assert embeddings.prompt_tokens >= 12


@pytest.mark.parametrize(("num_ctx", "limit"), [(0, CONTEXT), (40, 40), (10 * CONTEXT, CONTEXT)])
async def test_a_long_text_is_cut_to_the_context(runner: Runner, num_ctx: int, limit: int) -> None:
    embeddings = await embed(runner, LONG, num_ctx=num_ctx)
    assert 0.9 * limit <= embeddings.prompt_tokens <= limit
    with pytest.raises(EngineError, match="the input length exceeds the context length") as caught:
        await embed(runner, LONG, num_ctx=num_ctx, truncate=False)
    assert caught.value.status == 400


async def test_an_empty_text_is_refused(runner: Runner) -> None:
    with pytest.raises(EngineError, match="cannot be empty") as caught:
        await embed(runner, "a", "")
    assert caught.value.status == 400


async def test_generations_and_embeddings_share_the_slots(runner: Runner) -> None:
    generated = asyncio.Event()

    async def emit(chunk: object) -> None:
        generated.set()

    generation = asyncio.create_task(runner.run(Job(Options(num_predict=100), prompt="Once"), emit))
    await within("the first token", generated.wait())
    embedding = asyncio.create_task(embed(runner, "Hello"))
    await until("the embedding to wait", lambda: runner.slots.waiting == 1)
    generation.cancel()
    await within("the embedding", embedding)


async def test_a_batch_whose_client_leaves_ends_after_the_current_text(runner: Runner) -> None:
    task = asyncio.create_task(embed(runner, *["Hello"] * 1000))
    await until("the job to hold a slot", lambda: runner.slots.taken == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within("the cancelled job", task)
    assert (await embed(runner, "Hello")).vectors
