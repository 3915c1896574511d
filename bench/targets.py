"""What is asked of whom: the runtime itself, the gateway, the peer; in Ollama's shape and in OpenAI's."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.goals import DIRECT, GATEWAY, PEER

PROMPT = "Why is the sky blue?"


@dataclass(frozen=True)
class Target:
    """Somebody who answers."""

    name: str
    url: str
    body: Callable[[int, bool], dict[str, Any]]  # tokens, whether to stream
    key: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that it wants."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def generate(model: str) -> Callable[[int, bool], dict[str, Any]]:
    """Bodies of /api/generate, and of the gateway's /generate."""
    return lambda tokens, stream: {
        "model": model,
        "prompt": PROMPT,
        "options": {"num_predict": tokens},
        "stream": stream,
    }


def chat(model: str) -> Callable[[int, bool], dict[str, Any]]:
    """Bodies of /api/chat."""
    return lambda tokens, stream: {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "options": {"num_predict": tokens},
        "stream": stream,
    }


def openai(model: str) -> Callable[[int, bool], dict[str, Any]]:
    """Bodies of /v1/chat/completions."""
    return lambda tokens, stream: {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": tokens,
        "stream": stream,
    }


def platform(runtime: str, gateway: str, model: str) -> list[Target]:
    """The runtime and the gateway, in the platform's own shape."""
    return [
        Target(DIRECT, f"{runtime}/api/generate", generate(model)),
        Target(GATEWAY, f"{gateway}/generate", generate(model)),
    ]


def beside_peer(runtime: str, gateway: str, peer: str, model: str, key: str) -> list[Target]:
    """The three with chat: gateway and peer in OpenAI's shape, the runtime as both ask it."""
    return [
        Target(DIRECT, f"{runtime}/api/chat", chat(model)),
        Target(GATEWAY, f"{gateway}/v1/chat/completions", openai(model)),
        Target(PEER, f"{peer}/v1/chat/completions", openai(model), key),
    ]


def words(line: str) -> str:
    """The text in a line of a stream, NDJSON or SSE; empty for a line without any.

    Raises:
        ValueError: the line is neither.
    """
    content = line.removeprefix("data:").strip()
    if not content or content == "[DONE]":
        return ""
    event = json.loads(content)
    if "error" in event:
        raise ValueError(f"the stream says: {content}")
    if "choices" in event:
        parts = [(choice.get("delta") or choice.get("message") or {}) for choice in event["choices"]]
        return "".join(part.get("content") or "" for part in parts)
    return str(event["message"]["content"] if "message" in event else event["response"])


def tokens_of(body: str) -> int:
    """How many lines of a stream hold text.

    Raises:
        ValueError: a line is neither NDJSON nor SSE.
    """
    return sum(bool(words(line)) for line in body.splitlines())
