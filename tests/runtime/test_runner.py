"""The runner: loading, queueing, counting, and clients that leave."""

import asyncio

import pytest
from llm_runtime.engines.behavior import Behavior, Fault
from llm_runtime.engines.engine import Chunk, EngineError, Finish, Job
from llm_runtime.engines.simulated import SimulatedEngine
from llm_runtime.runner import Cancelled, Result, Runner
from llm_runtime.schemas import Options

from tests.waiting import within

JOB = Job(Options(num_predict=4), prompt="Hello")
FOR_EVER = 3600.0


def make(**behavior: float) -> Runner:
    return Runner(SimulatedEngine("m", Behavior.model_validate(behavior)))


async def discard(chunk: Chunk) -> None:
    pass


def start(runner: Runner, job: Job = JOB) -> asyncio.Task[Result[Finish]]:
    return asyncio.create_task(runner.run(job, discard))


async def settle() -> None:
    """Let every task run until it waits for a timer or another task."""
    for _ in range(20):
        await asyncio.sleep(0)


async def leave(task: asyncio.Task[Result[Finish]]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within("the cancelled job", task)


def idle(runner: Runner) -> bool:
    return (runner.slots.taken, runner.slots.waiting) == (0, 0)


async def test_a_finished_job_is_counted() -> None:
    runner = make()
    result = await runner.run(JOB, discard)
    assert result.outcome.generated_tokens == runner.generated_tokens == 4
    assert (runner.completed, runner.cancelled, runner.failed, runner.prompt_tokens) == (1, 0, 0, 1)
    assert 0 <= result.load_ns <= result.total_ns


@pytest.mark.parametrize(
    ("behavior", "phase", "tokens"),
    [
        ({"load_seconds": FOR_EVER}, "loading", 0),
        ({"first_token_seconds": FOR_EVER}, "prefill", 0),
        ({"token_seconds": FOR_EVER}, "decode", 1),
    ],
)
async def test_a_request_whose_client_leaves_is_recorded_with_its_phase_and_tokens(
    behavior: dict[str, float], phase: str, tokens: int
) -> None:
    runner = make(**behavior)
    task = start(runner)
    await settle()
    await leave(task)
    (entry,) = runner.record
    assert (entry.phase, entry.generated_tokens) == (phase, tokens)
    assert idle(runner)
    assert (runner.cancelled, runner.completed, runner.generated_tokens) == (1, 0, tokens)


async def test_a_request_whose_client_leaves_the_queue_is_recorded_and_never_runs() -> None:
    runner = make(token_seconds=FOR_EVER)
    first, second = start(runner), start(runner)
    await settle()
    assert (runner.slots.taken, runner.slots.waiting) == (1, 1)
    await leave(second)
    assert [entry.phase for entry in runner.record] == ["waiting"]
    await leave(first)
    assert idle(runner)


async def test_the_record_is_bounded_and_the_count_is_not() -> None:
    runner = make()
    for _ in range(5000):
        runner.record.append(Cancelled("waiting", 0, 0.0))
    assert len(runner.record) == 2000


async def test_one_load_serves_all_requests_and_outlives_the_first() -> None:
    runner = make(slots=3)
    loads = 0
    loaded = asyncio.Event()

    async def load() -> None:
        nonlocal loads
        loads += 1
        await loaded.wait()

    runner.engine.load = load  # type: ignore[method-assign]
    first, second, third = start(runner), start(runner), start(runner)
    await settle()
    await leave(first)
    loaded.set()
    await within("the other two jobs", asyncio.gather(second, third))
    assert (loads, runner.completed, runner.loaded) == (1, 2, True)


async def test_a_failed_load_fails_its_requests_and_is_retried_by_the_next() -> None:
    runner = make()
    load = runner.engine.load

    async def broken() -> None:
        raise EngineError(500, "no such file")

    runner.engine.load = broken  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="no such file"):
        await runner.run(JOB, discard)
    runner.engine.load = load  # type: ignore[method-assign]
    assert (await runner.run(JOB, discard)).outcome.generated_tokens == 4
    assert (runner.failed, runner.completed) == (1, 1)
    assert idle(runner)


async def test_a_failure_frees_the_slot() -> None:
    runner = make()
    assert isinstance(runner.engine, SimulatedEngine)
    runner.engine.fault = Fault(kind="error", after_tokens=2)
    with pytest.raises(EngineError):
        await runner.run(JOB, discard)
    assert idle(runner)
    assert (runner.failed, runner.generated_tokens) == (1, 2)


async def test_a_model_in_use_is_unloaded_when_its_last_job_has_ended() -> None:
    runner = make(token_seconds=FOR_EVER)
    task = start(runner)
    await settle()
    await runner.unload()
    assert runner.loaded
    await leave(task)
    assert not runner.loaded


async def test_a_warm_up_makes_the_runner_ready_and_is_not_counted() -> None:
    runner = make()
    assert runner.not_ready
    await runner.warm_up()
    assert (runner.not_ready, runner.completed, runner.loaded) == ("", 0, True)
