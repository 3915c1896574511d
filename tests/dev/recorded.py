"""Timelines for tests: a whole proof in short, every part of which a test may change."""

from collections.abc import Sequence
from typing import Any

from dev.autoscale.timeline import Event, Sample, Scaler, Timeline
from dev.load.lines import Request

BEGAN = 1_000_000.0
RAMP, FALLS, STEP = 20.0, 140.0, 10.0
API = [1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1]
RUNTIME = [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1]


def scaler(replicas: int = 1, **changes: Any) -> Scaler:
    """An autoscaler on CPU at work."""
    fields = {"ready": replicas, "minimum": 1, "maximum": 3, "metric": 80.0, "target": 60.0, "kind": "cpu"}
    return Scaler(replicas=replicas, **{**fields, **changes})


def timeline(
    api: Sequence[int] = API, runtime: Sequence[int] = RUNTIME, requests: Any = None, **changes: Any
) -> Timeline:
    """A proof sampled every ten seconds; `changes` go to every autoscaler."""
    samples = [
        Sample(
            at=n * STEP,
            offered=4.0,
            answered=3.0,
            refused=1.0,
            failed=0.0,
            p95=0.5 + n / 10,
            running=2.0,
            waiting=float(n),
            scalers={"llm-api": scaler(a, **changes), "llm-runtime": scaler(r, **changes)},
        )
        for n, (a, r) in enumerate(zip(api, runtime, strict=True))
    ]
    found = Timeline(BEGAN, RAMP, FALLS, {"RATE": "4"}, samples)
    found.events.append(Event(30.0, "llm-api", "SuccessfulRescale", "New size: 2"))
    found.requests.extend([request(50.0), request(FALLS + 5)] if requests is None else requests)
    return found


def request(at: float, outcome: str = "ok", **fields: Any) -> Request:
    """A request sent `at` seconds after the watch began, answered in half a second."""
    more: dict[str, Any] = {"tokens": 16, "ttft": 0.1, "gateway_ttft": 0.09} if outcome == "ok" else {}
    status = {"ok": 200, "refused": 503}.get(outcome, 502)
    return Request(BEGAN + at, 0.5, outcome, status, **{**more, **fields})
