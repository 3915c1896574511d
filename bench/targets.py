"""What is asked of the runtime, the gateway and the peer, in Ollama's format and OpenAI's."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench import lean
from bench.goals import DIRECT, FLOOR, GATEWAY, PEER

PROMPT = "Why is the sky blue?"


@dataclass(frozen=True)
class Target:
    """A server to ask, and the requests that it takes."""

    name: str
    url: str
    body: Callable[[int, bool], dict[str, Any]]  # number of tokens, whether to stream
    key: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def request(self, tokens: int, stream: bool) -> bytes:
        """Return a request for the lean client."""
        return lean.request(self.url, self.body(tokens, stream), self.key)


def generate(model: str) -> Callable[[int, bool], dict[str, Any]]:
    """Return bodies of /api/generate, and of the gateway's /generate."""
    return lambda tokens, stream: {
        "model": model,
        "prompt": PROMPT,
        "options": {"num_predict": tokens},
        "stream": stream,
    }


def chat(model: str) -> Callable[[int, bool], dict[str, Any]]:
    """Return bodies of /api/chat."""
    return lambda tokens, stream: {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "options": {"num_predict": tokens},
        "stream": stream,
    }


def openai(model: str) -> Callable[[int, bool], dict[str, Any]]:
    """Return bodies of /v1/chat/completions."""
    return lambda tokens, stream: {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": tokens,
        "stream": stream,
    }


def platform(runtime: str, gateway: str, model: str) -> list[Target]:
    """Return the runtime and the gateway, asked for a generation."""
    return [
        Target(DIRECT, f"{runtime}/api/generate", generate(model)),
        Target(GATEWAY, f"{gateway}/generate", generate(model)),
    ]


def beside_floor(urls: Mapping[str, str], model: str) -> list[Target]:
    """Return what is asked for a chat: gateway by OpenAI's API, runtime and floor as the gateway asks them.

    Args:
        urls: By the names of bench.goals.
        model: The simulated model.
    """
    return [
        Target(DIRECT, f"{urls[DIRECT]}/api/chat", chat(model)),
        Target(FLOOR, f"{urls[FLOOR]}/api/chat", chat(model)),
        Target(GATEWAY, f"{urls[GATEWAY]}/v1/chat/completions", openai(model)),
    ]


def beside_peers(urls: Mapping[str, str], model: str, key: str) -> list[Target]:
    """Return the same, and the peer by OpenAI's API.

    Args:
        urls: By the names of bench.goals.
        model: The simulated model.
        key: The peer's.
    """
    peer = Target(PEER, f"{urls[PEER]}/v1/chat/completions", openai(model), key)
    return [*beside_floor(urls, model), peer]


def text_of(line: str) -> str:
    """Return the text in a line of a stream (NDJSON or SSE), "" if it has none.

    Raises:
        ValueError: the line is neither, or an error.
    """
    content = line.removeprefix("data:").strip()
    if not content or content == "[DONE]":
        return ""
    event = json.loads(content)
    if "error" in event:
        raise ValueError(f"the stream has an error: {content}")
    if "choices" in event:
        parts = [(choice.get("delta") or choice.get("message") or {}) for choice in event["choices"]]
        return "".join(part.get("content") or "" for part in parts)
    return str(event["message"]["content"] if "message" in event else event["response"])


def tokens_of(body: str) -> int:
    """Return the number of lines of a stream that have text.

    Raises:
        ValueError: a line is neither NDJSON nor SSE, or an error.
    """
    return sum(bool(text_of(line)) for line in body.splitlines())
