"""Every fault: how it is injected, which alert fires, and what clients may see meanwhile."""

from typing import Any

from dev.fault.fault import Answer, Fault

ALL = "all"  # in place of a name
QUEUE_FULL = Answer(503, "queue_full", retry_after=True)
TIMEOUT = Answer(504, "timeout")
UNAVAILABLE = Answer(503, "runtime_unavailable", retry_after=True)
CRASHED = (Answer(502, "model_crashed"), Answer(200, "model_crashed"))
LOST = tuple(Answer(status, code) for status in (502, 200) for code in ("runtime_lost", "runtime_error"))
# The queue is full where all who waited for a connection come at once.
GONE = (*(Answer(0, code) for code in ("refused", "unreachable", "reset")), Answer(200, "reset"), QUEUE_FULL)
LIMITED = Answer(429, "rate_limit_exceeded", retry_after=True)
LIMITED_KEY = "limited"


def _simulated(kind: str, after_tokens: int = 0) -> dict[str, Any]:
    return {"fault": {"kind": kind, "after_tokens": after_tokens, "times": None}}


TABLE = (
    Fault(
        "slow-tokens",
        "the model takes 0.4 s for a token; the queue fills",
        "simulate",
        "LLMOutputTokenBurnFast",
        {"clients": (QUEUE_FULL, TIMEOUT)},
        {"behavior": {"token_seconds": 0.4}},
    ),
    Fault(
        "slow-first-token",
        "the model takes 3 s until its first token",
        "simulate",
        "LLMFirstTokenBurnFast",
        {"clients": (QUEUE_FULL, TIMEOUT)},
        {"behavior": {"first_token_seconds": 3.0}},
    ),
    Fault(
        "mid-stream-error",
        "the model fails after its third token",
        "simulate",
        "LLMAvailabilityBurnFast",
        {"clients": CRASHED},
        _simulated("error", after_tokens=3),
    ),
    Fault(
        "runtime-503",
        "the runtime accepts no more work",
        "simulate",
        "LLMAvailabilityBurnFast",
        {"clients": (Answer(503, "runtime_busy", retry_after=True),)},
        _simulated("busy"),
    ),
    Fault(
        "hang",
        "the runtime accepts requests and never answers them",
        "simulate",
        "LLMAvailabilityBurnFast",
        {"clients": (TIMEOUT, QUEUE_FULL)},
        _simulated("hang"),
    ),
    Fault(
        "runtime-down",
        "the runtime is killed, and starts again only at the end of the fault",
        "stop_runtime",
        "LLMRuntimeDown",
        {"clients": (UNAVAILABLE, *LOST, QUEUE_FULL)},
    ),
    Fault(
        "runtime-frozen",
        "the runtime's process is stopped (SIGSTOP): it accepts connections, and nothing more",
        "freeze_runtime",
        "LLMRuntimeDown",
        {"clients": (UNAVAILABLE, TIMEOUT, Answer(200, "timeout"), QUEUE_FULL)},
    ),
    Fault(
        "model-removed",
        "the runtime no longer lists the model",
        "simulate",
        "LLMModelMissing",
        {"clients": (Answer(404, "model_not_found"),)},
        {"behavior": {"listed": False}},
    ),
    Fault(
        "gateway-killed",
        "the gateway is killed (SIGKILL), and starts again only at the end of the fault",
        "kill_gateway",
        "LLMGatewayDown",
        {"clients": GONE},
        cuts=True,
    ),
    Fault(
        "queue-flooded",
        "ten times as many requests as the platform can serve",
        "flood",
        "LLMQueueSaturated",
        {"clients": (QUEUE_FULL,), "flood": (QUEUE_FULL,)},
        flood=60.0,
    ),
    Fault(
        "key-over-limit",
        "an API key sends more requests than it may; the others must not notice",
        "flood",
        "LLMRequestsRejected",
        {"flood": (LIMITED,)},
        flood=8.0,
        flood_key=LIMITED_KEY,
    ),
    Fault(
        "runtime-pod-killed",
        "the runtime's pod is deleted without a grace period; the cluster starts another",
        "delete_runtime",
        "LLMRuntimeDown",
        {"clients": (UNAVAILABLE, *LOST, QUEUE_FULL)},
    ),
    Fault(
        "gateway-pod-killed",
        "the gateway's pod is deleted without a grace period; the cluster starts another",
        "delete_gateway",
        "LLMGatewayDown",
        {"clients": GONE},
        cuts=True,
    ),
    Fault(
        "gateway-out-of-memory",
        "the gateway's memory fills up, and the kernel kills it, again and again",
        "exhaust_memory",
        "LLMContainerRestarts",
        {"clients": GONE},
        cuts=True,
    ),
    Fault(
        "network-cut",
        "no packet passes between gateway and runtime",
        "cut_network",
        "LLMRuntimeDown",
        {"clients": (UNAVAILABLE, TIMEOUT, Answer(200, "timeout"), QUEUE_FULL)},
    ),
    Fault(
        "metrics-server-down",
        "metrics-server is gone, so that autoscalers do not know the CPU usage; no client must notice",
        "stop_metrics_server",
        "LLMAutoscalerBlind",
        harmless=True,
    ),
    Fault(
        "prometheus-down",
        "Prometheus is gone, and with it every alert; no client must notice",
        "stop_prometheus",
        "",
        harmless=True,
    ),
)  # fmt: skip
FAULTS = {fault.name: fault for fault in TABLE}


def possible(in_cluster: bool) -> list[Fault]:
    """Return the faults that a place can have."""
    return [fault for fault in TABLE if in_cluster or not fault.needs_cluster]
