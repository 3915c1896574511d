"""Check a running gateway: a line for each check.

    python -m dev smoke --wait 60

Exit status: 0 if all checks passed, 1 if one failed.
"""

import time
from collections.abc import Callable

from dev import FixableError
from dev.gateway.client import GatewayClient, RefusedError, default_client, default_url
from dev.options import Parser

PROMPT = {"prompt": "Say hello.", "options": {"num_predict": 16, "temperature": 0, "seed": 1}}


def expect(condition: bool, otherwise: str) -> None:
    """Fail a check.

    Raises:
        FixableError: the condition does not hold.
    """
    if not condition:
        raise FixableError(otherwise)


def health(gateway: GatewayClient) -> str:
    gateway.text("/health")
    return "alive"


def ready(gateway: GatewayClient) -> str:
    gateway.text("/ready")
    return "the model can answer"


def models(gateway: GatewayClient) -> str:
    listed = [model["id"] for model in gateway.json("/v1/models")["data"]]
    expect(bool(listed), "no model is listed")
    return ", ".join(listed)


def plain(gateway: GatewayClient) -> str:
    answer = gateway.json("/generate", PROMPT)
    expect(bool(answer["response"].strip()), "the answer is empty")
    tokens, seconds = answer["usage"]["generated_tokens"], answer["timings"]["total_seconds"]
    return f"{tokens} tokens in {seconds:.2f} s"


def streamed(gateway: GatewayClient) -> str:
    events = list(gateway.stream(PROMPT))
    pieces = [event for event in events if event.get("response")]
    expect(len(pieces) > 1, f"the stream came in {len(pieces)} piece(s)")
    expect(events[-1].get("done") is True, "the last line does not say done")
    return f"{len(pieces)} pieces, first after {events[-1]['timings']['time_to_first_token_seconds']:.2f} s"


def chat(gateway: GatewayClient) -> str:
    model = gateway.json("/v1/models")["data"][0]["id"]
    body = {"model": model, "max_tokens": 8, "messages": [{"role": "user", "content": "Say hello."}]}
    choice = gateway.json("/v1/chat/completions", body)["choices"][0]
    return f"finish_reason {choice['finish_reason']}"


def unknown_model(gateway: GatewayClient) -> str:
    try:
        gateway.json("/generate", {**PROMPT, "model": "no-such-model"})
    except RefusedError as error:
        expect(error.status == 404, f"status {error.status}, not 404")
        expect(error.kind != "unknown", "the error does not have the gateway's format")
        return f"404 {error.kind}"
    raise FixableError("a model that does not exist answered")


def metrics(gateway: GatewayClient) -> str:
    lines = gateway.text("/metrics").splitlines()
    counted = sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("llm_requests_total{") and 'outcome="ok"' in line
    )
    expect(counted > 0, "llm_requests_total counts no answer")
    return f"{counted:.0f} answers counted"


CHECKS: dict[str, Callable[[GatewayClient], str]] = {
    "GET /health": health,
    "GET /ready": ready,
    "GET /v1/models": models,
    "POST /generate": plain,
    "POST /generate, streamed": streamed,
    "POST /v1/chat/completions": chat,
    "POST /generate, unknown model": unknown_model,
    "GET /metrics": metrics,
}


def wait(gateway: GatewayClient, seconds: float) -> None:
    """Wait at most `seconds` for readiness; if it takes longer, the check of /ready says why."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            gateway.text("/ready")
            return
        except FixableError:
            time.sleep(0.5)


def run(gateway: GatewayClient) -> int:
    """Run every check, print a line for each, and return how many failed."""
    failed = 0
    for name, check in CHECKS.items():
        try:
            print(f"ok    {name}: {check(gateway)}", flush=True)
        except (FixableError, KeyError, IndexError, TypeError, ValueError) as error:
            failed += 1
            print(f"FAIL  {name}: {reason(error)}", flush=True)
    return failed


def reason(error: Exception) -> str:
    """Return why a check failed; an error that is not ours comes from reading the answer."""
    return str(error) if isinstance(error, FixableError) else f"unexpected answer ({error!r})"


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    parser = Parser("smoke", __doc__)
    parser.add_setting("--url", "the gateway", variable="LLM_URL", default=default_url())
    parser.add_setting("--wait", "seconds to wait for readiness first", type=float, default=0)
    options = parser.parse(argv)
    gateway = default_client(options.url)
    wait(gateway, options.wait)
    failed = run(gateway)
    count = len(CHECKS)
    print(f"smoke: {failed} of {count} checks failed" if failed else f"smoke: all {count} checks passed")
    return 1 if failed else 0
