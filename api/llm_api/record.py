"""What the gateway knows about one request, for its log line, metrics and trace. All times are in seconds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from llm_api.errors import GatewayError, Outcome

if TYPE_CHECKING:
    from llm_api.tracing import Trace

clock = time.perf_counter


@dataclass(slots=True)
class Usage:
    """Tokens of a request, as the runtime counted them."""

    prompt_tokens: int = 0
    generated_tokens: int = 0


class Durations(NamedTuple):
    """Seconds; the four phases add up to the total.

    Attributes:
        queue: From arrival to dispatch, or to the end of a request that was never dispatched.
        load: Loading the model, as reported by the runtime; part of the time to the first token.
        prefill: From dispatch to the first token, without the load.
        decode: From the first token to the last byte.
        total: From arrival to the last byte.
    """

    queue: float
    load: float
    prefill: float
    decode: float
    total: float

    @property
    def inference(self) -> float:
        """From dispatch to the last byte."""
        return self.load + self.prefill + self.decode


@dataclass(slots=True)
class Phases:
    """Timestamps of one generation, read from `clock`.

    The first token of a stream is observed; that of a whole answer follows from the runtime's own figures.
    """

    arrived: float = field(default_factory=clock)
    dispatched: float | None = None
    first_token: float | None = None
    ended: float | None = None
    runtime_load: float = 0.0
    queued: bool = False  # whether it waits for a slot right now

    @property
    def durations(self) -> Durations:
        """How long each phase took, up to now if it has not ended."""
        end = clock() if self.ended is None else self.ended
        dispatched = end if self.dispatched is None else self.dispatched
        first = end if self.first_token is None else self.first_token
        load = min(self.runtime_load, first - dispatched)
        return Durations(
            dispatched - self.arrived, load, first - dispatched - load, end - first, end - self.arrived
        )

    @property
    def time_to_first_token(self) -> float | None:
        """From arrival to the first token; None if there was none."""
        return None if self.first_token is None else self.first_token - self.arrived

    def infer_first_token(self, decode_seconds: float) -> None:
        """Set the first token of an answer that arrived as a whole: `decode_seconds` before its end."""
        end = clock() if self.ended is None else self.ended
        dispatched = end if self.dispatched is None else self.dispatched
        self.first_token = max(dispatched, end - decode_seconds)

    def as_timings(self) -> dict[str, float | None]:
        """Return the timings that clients and the log get, rounded to microseconds."""
        took, first = self.durations, self.time_to_first_token
        return {
            "queue_seconds": round(took.queue, 6),
            "load_seconds": round(took.load, 6),
            "prefill_seconds": round(took.prefill, 6),
            "decode_seconds": round(took.decode, 6),
            "total_seconds": round(took.total, 6),
            "time_to_first_token_seconds": None if first is None else round(first, 6),
        }


def together(generations: Sequence[Phases]) -> Phases:
    """Return the phases of a request with several generations: to its first token, and to its last byte."""

    def of(name: str, choose: Callable[[list[float]], float]) -> float | None:
        given = [value for phases in generations if (value := getattr(phases, name)) is not None]
        return choose(given) if given else None

    return Phases(
        min(phases.arrived for phases in generations),
        of("dispatched", min),
        of("first_token", min),
        of("ended", max),
        max(phases.runtime_load for phases in generations),
        all(phases.queued for phases in generations),
    )


@dataclass(slots=True)
class RequestRecord:
    """One request. Prompts and answers are not kept.

    The middleware creates it, sets the key, the status and every failure, and finally counts, logs and traces
    it. The route sets when the body had arrived, the answer everything about its generation.
    """

    id: str
    route: str = ""  # empty unless requests to it are counted
    key: str = ""  # the id of the API key, not the key itself
    arrived: float = field(default_factory=clock)
    status: int = 0
    outcome: Outcome | None = None
    error: str = ""
    ignored: tuple[str, ...] = ()  # paths of fields in its body
    model: str = ""  # one that the runtime lists: it becomes a label
    phases: Phases | None = None
    usage: Usage = field(default_factory=Usage)
    generations: list[tuple[Phases, Usage]] = field(default_factory=list)  # if it had several
    finish_reasons: Sequence[str] = ()  # the runtime's words, one for each answer
    trace: "Trace | None" = None  # where traces are on
    exemplar: dict[str, str] | None = None  # the id of the trace, if it is kept

    def fail(self, error: GatewayError) -> None:
        """Note why there is no answer, or only part of one."""
        self.outcome, self.error = error.outcome, error.code
