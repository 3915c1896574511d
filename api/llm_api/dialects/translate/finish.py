"""Why an answer ended, in the words of other APIs than Ollama's."""

from llm_api.upstream.chunk import Finish


def openai_reason(finish: Finish, *, called: bool) -> str:
    """Return OpenAI's finish reason; its clients fail at others, such as Ollama's `load` and `unload`."""
    if finish.reason == "length":
        return "length"
    return "tool_calls" if called else "stop"
