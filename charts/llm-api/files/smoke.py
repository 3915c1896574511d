"""What `helm test` checks of the gateway at LLM_URL: a line for each check.

It runs in the gateway's image with the standard library alone. With LLM_API_KEYS, it uses the first key. The
exit status is 1 if a check failed.
"""

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ["LLM_URL"]
KEY = os.environ.get("LLM_API_KEYS", "").split(",")[0]
# BEGIN common to both charts (edit charts/llm-api)
SECONDS = 120  # of silence
REACH_SECONDS = 10  # what enforces NetworkPolicies may refuse a pod that has just started
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever HTTP_PROXY says


def reach():
    """Wait until something listens; if nothing does in time, the checks say so."""
    address, end = urllib.parse.urlsplit(URL), time.monotonic() + REACH_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection((address.hostname, address.port), timeout=3).close()
        except OSError:
            time.sleep(0.5)
        else:
            return


# END common
PROMPT = {"prompt": "Say hello.", "options": {"num_predict": 16, "temperature": 0}}


def ask(path, body=None):
    """Return the status and the text of a response."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {KEY}"} if KEY else {})
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(URL + path, data, headers)
        with DIRECT.open(request, timeout=SECONDS) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def expect(path, status, body=None):
    """Return the text of a response.

    Raises:
        AssertionError: The response has another status.
    """
    got, text = ask(path, body)
    if got != status:
        raise AssertionError(f"status {got}, not {status}: {text[:300]}")
    return text


def plain():
    answer = json.loads(expect("/generate", 200, PROMPT))["response"]
    if not answer.strip():
        raise AssertionError("the answer is empty")


def streamed():
    lines = [json.loads(line) for line in expect("/generate", 200, PROMPT | {"stream": True}).splitlines()]
    if not any(line.get("response") for line in lines) or lines[-1].get("done") is not True:
        raise AssertionError(f"the stream of {len(lines)} lines has no text, or no end")


def metrics():
    # Of one replica, which need not be the one that answered.
    if "\nllm_requests_running " not in expect("/metrics", 200):
        raise AssertionError("llm_requests_running is missing")


CHECKS = {
    "GET /health": lambda: expect("/health", 200),
    "GET /ready": lambda: expect("/ready", 200),
    "GET /v1/models": lambda: expect("/v1/models", 200),
    "POST /generate": plain,
    "POST /generate, streamed": streamed,
    "POST /generate, unknown model": lambda: expect("/generate", 404, PROMPT | {"model": "no-such-model"}),
    "GET /metrics": metrics,
}


def main():
    failed = 0
    reach()
    for name, check in CHECKS.items():
        try:
            check()
            print(f"ok    {name}", flush=True)
        except (AssertionError, OSError, LookupError, ValueError) as error:
            failed += 1
            print(f"FAIL  {name}: {error}", flush=True)
    count = len(CHECKS)
    print(f"smoke: {failed} of {count} checks failed" if failed else f"smoke: all {count} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
