"""The simulated engine on a fake clock."""

import pytest
from llm_runtime.engines.behavior import Behavior, Fault
from llm_runtime.engines.engine import Chunk, DropError, EngineError, Finish, Job
from llm_runtime.engines.simulated import SimulatedEngine
from llm_runtime.schemas import Options


class Clock:
    """Time passes only in sleep, which lasts `late` seconds longer than asked."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 100.0
        self.late = late

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds + self.late


def engine(clock: Clock | None = None, **behavior: float) -> SimulatedEngine:
    clock = clock or Clock()
    return SimulatedEngine("m", Behavior.model_validate(behavior), clock=clock.time, sleep=clock.sleep)


async def ask(engine: SimulatedEngine, prompt: str = "Hello there", **options: object) -> tuple[str, Finish]:
    pieces: list[str] = []

    async def emit(chunk: Chunk) -> None:
        pieces.append(chunk.text)

    finish = await engine.generate(Job(Options.model_validate(options), prompt=prompt), emit)
    return "".join(pieces), finish


async def test_durations_are_those_that_were_set() -> None:
    _, finish = await ask(engine(first_token_seconds=0.5, token_seconds=0.01), num_predict=11)
    assert (finish.prompt_ns, finish.generated_ns) == (500_000_000, 100_000_000)
    assert (finish.prompt_tokens, finish.generated_tokens, finish.reason) == (2, 11, "length")


async def test_delays_of_timers_do_not_add_up() -> None:
    clock = Clock(late=0.004)
    _, finish = await ask(engine(clock, first_token_seconds=0.01, token_seconds=0.01), num_predict=100)
    assert clock.now == pytest.approx(100 + 1.0 + 0.004)
    assert finish.generated_tokens == 100


async def test_an_answer_stops_by_itself_after_the_length_that_is_set() -> None:
    for limit in (-1, 0, 500):
        _, finish = await ask(engine(tokens=40), num_predict=limit)
        assert (finish.generated_tokens, finish.reason) == (40, "stop")


async def test_a_prompt_longer_than_the_requests_context_is_refused() -> None:
    with pytest.raises(EngineError, match=r"request \(3 tokens\) exceeds the .* size \(2 tokens\)") as caught:
        await ask(engine(), prompt="one two three", num_ctx=2)
    assert caught.value.status == 400


async def test_the_same_prompt_and_seed_give_the_same_text() -> None:
    first, again, other = [await ask(engine(), seed=seed) for seed in (1, 1, 2)]
    assert first == again
    assert first[0] != other[0]


def test_jitter_is_repeatable_and_stays_within_its_bounds() -> None:
    behavior = Behavior(first_token_seconds=1.0, token_seconds=0.1, jitter=0.2, seed=3)
    delays = behavior.delays(50, "a")
    assert delays == behavior.delays(50, "a")
    assert delays != behavior.delays(50, "b")
    assert delays != behavior.model_copy(update={"seed": 4}).delays(50, "a")
    assert 0.8 <= delays[0] <= 1.2
    assert all(0.08 <= delay <= 0.12 for delay in delays[1:])


async def test_a_stop_string_ends_the_answer_and_its_time() -> None:
    clock = Clock()
    full, _ = await ask(engine(token_seconds=1.0))
    stop = full[30:36]
    text, finish = await ask(engine(clock, token_seconds=1.0), stop=[stop])
    assert text == full[: full.index(stop)]
    assert finish.reason == "stop"
    assert clock.now - 100 == finish.generated_tokens - 1 < 20


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("not_found", 404, "model 'm:latest' not found"),
        ("cancelled", 499, "request canceled"),
        ("busy", 503, "server busy, please try again.  maximum pending requests exceeded"),
    ],
)
def test_a_fault_refuses_as_many_requests_as_it_is_set_to(kind: str, status: int, message: str) -> None:
    simulated = engine()
    simulated.fault = Fault.model_validate({"kind": kind, "times": 2})
    for _ in range(2):
        with pytest.raises(EngineError, match=message) as caught:
            simulated.check()
        assert caught.value.status == status
    simulated.check()


@pytest.mark.parametrize(("kind", "error"), [("error", EngineError), ("drop", DropError)])
@pytest.mark.parametrize("after", [0, 3, 8])
async def test_a_fault_acts_after_its_number_of_tokens(kind: str, error: type[Exception], after: int) -> None:
    simulated = engine(tokens=8)
    simulated.fault = Fault.model_validate({"kind": kind, "after_tokens": after})
    pieces: list[str] = []

    async def emit(chunk: Chunk) -> None:
        pieces.append(chunk.text)

    with pytest.raises(error):
        await simulated.generate(Job(Options(), prompt="Hello"), emit)
    assert len(pieces) == after
    assert simulated.fault is None
    assert (await ask(simulated))[1].reason == "stop"


async def test_a_fault_without_a_number_of_times_stays_until_it_is_cleared() -> None:
    simulated = engine()
    simulated.fault = Fault(kind="busy", times=None)
    for _ in range(5):
        with pytest.raises(EngineError):
            simulated.check()
    assert simulated.fault is not None
