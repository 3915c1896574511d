"""A complete timeline in short form, every part of which a test may change."""

from collections.abc import Sequence
from typing import Any

from dev.autoscale.timeline import Event, Sample, Scaler, Timeline
from dev.load.output import Request

BEGAN = 1_000_000.0
LOAD_STARTS, LOAD_ENDS, STEP = 20.0, 140.0, 10.0
API = [1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1]
RUNTIME = [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1]


def scaler(replicas: int = 1, **changes: Any) -> Scaler:
    """Return an autoscaler on CPU that acts."""
    fields = {"ready": replicas, "minimum": 1, "maximum": 3, "metric": 80.0, "target": 60.0, "kind": "cpu"}
    return Scaler(replicas=replicas, **{**fields, **changes})


def timeline(
    api: Sequence[int] = API, runtime: Sequence[int] = RUNTIME, requests: Any = None, **changes: Any
) -> Timeline:
    """Return a proof with a sample every ten seconds; `changes` apply to every autoscaler."""
    samples = [
        Sample(
            at=n * STEP,
            offered=4.0,
            answered=3.0,
            rejected=1.0,
            failed=0.0,
            p95=0.5 + n / 10,
            running=2.0,
            waiting=float(n),
            scalers={"llm-api": scaler(a, **changes), "llm-runtime": scaler(r, **changes)},
        )
        for n, (a, r) in enumerate(zip(api, runtime, strict=True))
    ]
    found = Timeline(BEGAN, LOAD_STARTS, LOAD_ENDS, {"RATE": "4"}, samples)
    found.events.append(Event(30.0, "llm-api", "SuccessfulRescale", "New size: 2"))
    found.requests.extend([request(50.0), request(LOAD_ENDS + 5)] if requests is None else requests)
    return found


def request(at: float, outcome: str = "ok", **fields: Any) -> Request:
    """Return a request sent `at` seconds after the watch began and answered in half a second."""
    more: dict[str, Any] = {"tokens": 16, "ttft": 0.1, "gateway_ttft": 0.09} if outcome == "ok" else {}
    status = {"ok": 200, "rejected": 503}.get(outcome, 502)
    return Request(BEGAN + at, 0.5, outcome, status, **{**more, **fields})
