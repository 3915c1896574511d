"""What `helm test` checks of the embedded runtime at OLLAMA_HOST, with the standard library alone."""

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

URL, MODEL = os.environ["OLLAMA_HOST"], os.environ["MODEL"]
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


def main():
    reach()
    body = {"model": MODEL, "prompt": "Say hello.", "stream": False, "options": {"num_predict": 8}}
    request = urllib.request.Request(f"{URL}/api/generate", json.dumps(body).encode())
    try:
        with DIRECT.open(request, timeout=SECONDS) as response:
            text = json.load(response)["response"]
    except urllib.error.HTTPError as error:
        return f"FAIL  the model {MODEL} answers: status {error.code}: {error.read().decode()[:300]}"
    except (OSError, LookupError, ValueError) as error:
        return f"FAIL  the model {MODEL} answers: {error!r}"
    if not text.strip():
        return f"FAIL  the model {MODEL} answers: the answer is empty"
    print(f"ok    the model {MODEL} answers\nsmoke: all checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
