"""Where a request's time went: queue, load, prefill, decode. All times are seconds."""

import time
from dataclasses import dataclass, field

clock = time.perf_counter


@dataclass(slots=True)
class Usage:
    """Tokens of a request, as the runtime counted them."""

    prompt_tokens: int = 0
    generated_tokens: int = 0


@dataclass(slots=True)
class Phases:
    """Moments of one request, on `clock`; the four phases add up to the total by construction.

    A streamed answer's first token is seen; a plain answer's is known from the runtime's own figures.
    """

    arrived: float = field(default_factory=clock)
    dispatched: float | None = None
    first_token: float | None = None
    ended: float | None = None
    runtime_load: float = 0.0

    @property
    def queue(self) -> float:
        """From arrival to dispatch, or to the end of a request that was never dispatched."""
        return self._dispatch - self.arrived

    @property
    def load(self) -> float:
        """Loading the model, as the runtime says, within the time to the first token."""
        return min(self.runtime_load, self._first - self._dispatch)

    @property
    def prefill(self) -> float:
        """From dispatch to the first token, without the load."""
        return self._first - self._dispatch - self.load

    @property
    def decode(self) -> float:
        """From the first token to the last byte."""
        return self._end - self._first

    @property
    def inference(self) -> float:
        """From dispatch to the last byte."""
        return self._end - self._dispatch

    @property
    def total(self) -> float:
        """From arrival to the last byte."""
        return self._end - self.arrived

    @property
    def time_to_first_token(self) -> float | None:
        """From arrival to the first token; None where none came."""
        return None if self.first_token is None else self.first_token - self.arrived

    def infer_first_token(self, decode_seconds: float) -> None:
        """Set the first token's moment of an answer that came as a whole, at its end."""
        self.first_token = max(self._dispatch, self._end - decode_seconds)

    def as_timings(self) -> dict[str, float | None]:
        """Return what an answer tells, to the microsecond."""
        first = self.time_to_first_token
        return {
            "queue_seconds": round(self.queue, 6),
            "load_seconds": round(self.load, 6),
            "prefill_seconds": round(self.prefill, 6),
            "decode_seconds": round(self.decode, 6),
            "total_seconds": round(self.total, 6),
            "time_to_first_token_seconds": None if first is None else round(first, 6),
        }

    @property
    def _end(self) -> float:
        return clock() if self.ended is None else self.ended

    @property
    def _dispatch(self) -> float:
        return self._end if self.dispatched is None else self.dispatched

    @property
    def _first(self) -> float:
        return self._end if self.first_token is None else self.first_token
