"""`make smoke`: a handful of checks of a running gateway, a line each; exit status 1 when one failed.

python -m dev.smoke [--url http://localhost:8000] [--wait SECONDS]
"""

import argparse
import os
import sys
import time
from collections.abc import Callable

from dev import FixableError
from dev.gateway.client import Gateway, RefusedError, default_url

PROMPT = {"prompt": "Say hello.", "options": {"num_predict": 16, "temperature": 0, "seed": 1}}


def expect(condition: bool, otherwise: str) -> None:
    """A check's condition.

    Raises:
        FixableError: it does not hold.
    """
    if not condition:
        raise FixableError(otherwise)


def health(gateway: Gateway) -> str:
    """The process is alive."""
    gateway.text("/health")
    return "alive"


def ready(gateway: Gateway) -> str:
    """The model can answer."""
    gateway.text("/ready")
    return "the model can answer"


def models(gateway: Gateway) -> str:
    """At least one model is listed."""
    listed = [model["id"] for model in gateway.json("/v1/models")["data"]]
    expect(bool(listed), "no model is listed")
    return ", ".join(listed)


def plain(gateway: Gateway) -> str:
    """A plain answer has text and says where its time went."""
    answer = gateway.json("/generate", PROMPT)
    expect(bool(answer["response"].strip()), "the answer is empty")
    tokens, seconds = answer["usage"]["generated_tokens"], answer["timings"]["total_seconds"]
    return f"{tokens} tokens in {seconds:.2f} s"


def streamed(gateway: Gateway) -> str:
    """A streamed answer comes in pieces and says that it is done."""
    events = list(gateway.stream(PROMPT))
    pieces = [event for event in events if event.get("response")]
    expect(len(pieces) > 1, f"the stream came in {len(pieces)} piece(s)")
    expect(events[-1].get("done") is True, "the last line does not say done")
    return f"{len(pieces)} pieces, first after {events[-1]['timings']['time_to_first_token_seconds']:.2f} s"


def chat(gateway: Gateway) -> str:
    """OpenAI's API answers."""
    model = gateway.json("/v1/models")["data"][0]["id"]
    body = {"model": model, "max_tokens": 8, "messages": [{"role": "user", "content": "Say hello."}]}
    choice = gateway.json("/v1/chat/completions", body)["choices"][0]
    return f"finish_reason {choice['finish_reason']}"


def unknown_model(gateway: Gateway) -> str:
    """An unknown model is refused as such."""
    try:
        gateway.json("/generate", {**PROMPT, "model": "no-such-model"})
    except RefusedError as error:
        expect(error.status == 404, f"status {error.status}, not 404")
        expect(error.kind != "unknown", "the error is not of the gateway's shape")
        return f"404 {error.kind}"
    raise FixableError("it was answered")


def metrics(gateway: Gateway) -> str:
    """What was asked above is counted."""
    lines = gateway.text("/metrics").splitlines()
    counted = sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("llm_requests_total{") and 'outcome="ok"' in line
    )
    expect(counted > 0, "llm_requests_total counts no answer")
    return f"{counted:.0f} answers counted"


CHECKS: dict[str, Callable[[Gateway], str]] = {
    "GET /health": health,
    "GET /ready": ready,
    "GET /v1/models": models,
    "POST /generate": plain,
    "POST /generate, streamed": streamed,
    "POST /v1/chat/completions": chat,
    "POST /generate, unknown model": unknown_model,
    "GET /metrics": metrics,
}


def wait(gateway: Gateway, seconds: float) -> None:
    """Wait until the gateway says that it is ready, at most so long; the checks say the rest."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            gateway.text("/ready")
            return
        except FixableError:
            time.sleep(0.5)


def run(gateway: Gateway) -> int:
    """Run the checks, a line each; how many failed."""
    failed = 0
    for name, check in CHECKS.items():
        try:
            print(f"ok    {name}: {check(gateway)}", flush=True)
        except (FixableError, KeyError, IndexError, TypeError, ValueError) as error:
            failed += 1
            print(f"FAIL  {name}: {reason(error)}", flush=True)
    return failed


def reason(error: Exception) -> str:
    """What to say of a failed check; an answer of another shape names what it lacks."""
    return str(error) if isinstance(error, FixableError) else f"the answer has another shape ({error!r})"


def main() -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.gateway.smoke", description="Check a running gateway."
    )
    parser.add_argument("--url", default=default_url(), help="default: $LLM_URL, else localhost:8000")
    parser.add_argument("--wait", type=float, default=0, help="seconds to wait for readiness first")
    given = parser.parse_args()
    gateway = Gateway(given.url, os.environ.get("LLM_API_KEY", ""))
    wait(gateway, given.wait)
    failed = run(gateway)
    print(
        f"smoke: {failed} of {len(CHECKS)} checks failed"
        if failed
        else f"smoke: all {len(CHECKS)} checks passed"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
