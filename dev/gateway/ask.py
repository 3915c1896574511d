"""`make ask PROMPT="..."`: streams one answer into the terminal.

    python -m dev.ask "Why is the sky blue?" [--url http://localhost:8000] [--model NAME] [--system TEXT]

The key is LLM_API_KEY's. Exit status: 0 answered, 1 not (the reason is said), 2 no prompt.
"""

import argparse
import os
import sys

from dev import FixableError
from dev.gateway.client import Gateway, RefusedError, default_url


def hint(error: RefusedError) -> str:
    """What to do about an answer that is an error."""
    if error.status == 401:
        return "\n  fix: set LLM_API_KEY to one of the gateway's keys"
    if error.status == 404:
        return "\n  fix: leave --model out, or choose a model of GET /v1/models"
    if error.status in (429, 503):
        return "\n  fix: the platform is busy or still starting: try again in a moment"
    return ""


def ask(gateway: Gateway, body: dict[str, object]) -> str:
    """Stream the answer to standard output; a line about it for standard error.

    Raises:
        FixableError: there was no whole answer.
    """
    last: dict[str, object] = {}
    for event in gateway.stream(body):
        print(event.get("response", ""), end="", flush=True)
        last = event
    print(flush=True)
    if not last.get("done"):
        raise FixableError("the stream ended before the answer did", "look at the gateway's log")
    usage, timings = last.get("usage"), last.get("timings")
    if not isinstance(usage, dict) or not isinstance(timings, dict):
        return ""
    tokens, decode = usage["generated_tokens"], timings["decode_seconds"]
    speed = f", {tokens / decode:.0f} tokens/s" if decode else ""
    first = timings["time_to_first_token_seconds"] or 0
    return f"[{last.get('model')}: {tokens} tokens, first after {first:.2f} s{speed}]"


def main() -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.gateway.ask", description="Stream one answer of the gateway."
    )
    parser.add_argument("prompt", nargs="?", default=os.environ.get("PROMPT", ""), help="default: $PROMPT")
    parser.add_argument("--url", default=default_url(), help="default: $LLM_URL, else localhost:8000")
    parser.add_argument("--model", default="", help="default: the gateway's")
    parser.add_argument("--system", default="", help="a system prompt")
    parser.add_argument(
        "--tokens", type=int, default=0, help="at most so many tokens (default: the gateway's limit)"
    )
    given = parser.parse_args()
    if not given.prompt.strip():
        print('error: no prompt\n  fix: make ask PROMPT="Why is the sky blue?"', file=sys.stderr)
        return 2
    body: dict[str, object] = {"prompt": given.prompt}
    body |= {key: value for key, value in (("model", given.model), ("system", given.system)) if value}
    if given.tokens:
        body["options"] = {"num_predict": given.tokens}
    try:
        summary = ask(Gateway(given.url, os.environ.get("LLM_API_KEY", "")), body)
    except RefusedError as error:
        print(f"error: {error}{hint(error)}", file=sys.stderr)
        return 1
    except FixableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(summary, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
