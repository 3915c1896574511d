"""Stream one answer of the gateway into the terminal; LLM_API_KEY is the key where the gateway wants one.

    python -m dev ask "Why is the sky blue?" --model gemma3:270m

Exit status: 0 for an answer, 1 for an error, 2 without a prompt.
"""

import os
import sys

from dev import FixableError
from dev.gateway.client import GatewayClient, default_client, default_url
from dev.options import Parser


def ask(gateway: GatewayClient, body: dict[str, object]) -> str:
    """Print the answer as it arrives; return a line of statistics.

    Raises:
        FixableError: there was no complete answer.
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


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    parser = Parser("ask", __doc__)
    parser.add_argument("prompt", nargs="?", default=os.environ.get("PROMPT", ""), help="the prompt [PROMPT]")
    parser.add_setting("--url", "the gateway", variable="LLM_URL", default=default_url())
    parser.add_setting("--model", "a model other than the gateway's default")
    parser.add_setting("--system", "a system prompt")
    parser.add_setting("--max-tokens", "limit of the answer; default: the gateway's", type=int)
    options = parser.parse(argv)
    if not options.prompt.strip():
        parser.error('no prompt: make ask PROMPT="Why is the sky blue?"')
    body = {"prompt": options.prompt, "model": options.model, "system": options.system}
    if options.max_tokens:
        body["options"] = {"num_predict": options.max_tokens}
    summary = ask(default_client(options.url), {name: value for name, value in body.items() if value})
    print(summary, file=sys.stderr)
    return 0
