"""The runtimes that every test of this folder runs against."""

import json
import os
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
import pytest

OLLAMA_URL = os.environ.get("OLLAMA_URL", "").rstrip("/")
OLLAMA_MODEL = os.environ.get("OLLAMA_MODEL", "gemma3:270m")
Json = dict[str, Any]

PROMPT = {"prompt": "Name three colours."}
MESSAGES = {"messages": [{"role": "user", "content": "Name three colours."}]}
each_route = pytest.mark.parametrize(
    ("route", "question"), [("/api/generate", PROMPT), ("/api/chat", MESSAGES)]
)


@dataclass(frozen=True)
class Target:
    """A running runtime, and a model that it serves."""

    engine: str
    url: str
    model: str
    timeout: ClassVar[float] = 100
    """Seconds for one response: a large model has to be loaded first, or the machine is busy."""


def text_of(response: Json) -> str:
    """Return the text of a generation or a chat, or of one line of its stream."""
    text = response["response"] if "response" in response else response["message"]["content"]
    assert isinstance(text, str)
    return text


def plain(http: httpx.Client, route: str, body: Json) -> Json:
    """Return the response to a request without streaming."""
    response = http.post(route, json=body | {"stream": False})
    assert response.status_code == 200, response.text
    content: Json = response.json()
    return content


def lines(http: httpx.Client, route: str, body: Json) -> list[Json]:
    with http.stream("POST", route, json=body) as response:
        assert response.status_code == 200, response.read()
        return [json.loads(line) for line in response.iter_lines()]
