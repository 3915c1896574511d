"""What the clients of this folder talk to, and what they send."""

from typing import Any

import pytest
from pydantic import BaseModel

MODEL = "simulated:latest"
KEY = "a-key"
SIMULATED = {
    "RUNTIME_ENGINE": "simulated",
    "RUNTIME_MODEL": MODEL,
    "RUNTIME_SIMULATED_SLOTS": "8",
    "RUNTIME_SIMULATED_TOKENS": "24",
    "RUNTIME_SIMULATED_THINKING_TOKENS": "4",
    "RUNTIME_SIMULATED_CAPABILITIES": "completion,tools,insert,thinking,vision,embedding",
}

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"
RESPONSES = "/v1/responses"
MESSAGES = "/v1/messages"
OLLAMA_CHAT = "/api/chat"
OLLAMA_GENERATE = "/api/generate"
OLLAMA_EMBED = "/api/embed"

HELLO = "Say hello."
ASK_WEATHER = "What is the weather in Oslo?"  # the simulated model calls a tool whose name is mentioned
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


class City(BaseModel):
    """A city and how many live there."""

    name: str
    inhabitants: int


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"Rain in {city}."


proves = pytest.mark.proves
"""The client (a package, those of npm as npm:NAME), the API and its features that a test proves."""

closes_no_connections = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("_garbage_collected"),
]
"""For clients that offer no way to close them; what a module left open is not to warn in another."""
